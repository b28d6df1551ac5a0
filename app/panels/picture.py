"""The picture that the networks look at."""

import streamlit as st

from app import cache, state
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.networks import card


def panel(options: Options) -> Picture:
    """One of the photographs that come along, or a visitor's own; a file that is refused changes nothing."""
    entry = card(options.network)
    choice, own = st.columns([2, 3], vertical_alignment="bottom")
    names = cache.sample_names()
    sample = choice.selectbox(
        "Picture",
        names,
        index=names.index(state.usual_picture(entry)),
        key="image",
        bind=state.BOUND,
        on_change=state.drop_upload,
    )
    own.file_uploader("or your own", key="upload", max_upload_size=25, on_change=state.take_upload)
    if refused := st.session_state.get("upload refused"):
        st.error(refused, icon=":material/error:")
    picture: Picture = st.session_state.get("own picture") or cache.photograph(sample)
    for note in picture.image.info.get("cnnviz_notes", ()):
        st.info(note)
    received = cache.received(options.network, options.size, picture.digest, picture.image)
    st.image(received, "The picture as the network receives it", width=received.width, alt="the picture chosen")
    return picture
