"""The picture that the networks look at."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import cache, state
from app.components.framed import framed_picture
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.networks import card


def panel(selection: state.Selection, options: Options) -> Picture:
    """The picture, how the network receives it, and what one unit of the selected layer sees of it."""
    sample, own = st.columns([2, 3], vertical_alignment="bottom")
    picture = choice(options, sample, own)
    received(selection, options, picture)
    return picture


def choice(options: Options, sample_place: DeltaGenerator, own_place: DeltaGenerator) -> Picture:
    """One of the photographs that come along, or a visitor's own; a file that is refused changes nothing."""
    entry = card(options.network)
    names = cache.sample_names()
    sample = sample_place.selectbox(
        "Picture",
        names,
        index=names.index(state.usual_picture(entry)),
        key="image",
        bind=state.BOUND,
        on_change=state.drop_upload,
    )
    own_place.file_uploader("or your own", key="upload", max_upload_size=25, on_change=state.take_upload)
    if refused := st.session_state.get("upload refused"):
        st.error(refused, icon=":material/error:")
    picture: Picture = st.session_state.get("own picture") or cache.photograph(sample)
    for note in picture.image.info.get("cnnviz_notes", ()):
        st.info(note)
    return picture


def received(selection: state.Selection, options: Options, picture: Picture, largest: int = 300) -> None:
    """The picture as it enters the network, no wider than `largest` pixels on the page."""
    shown, size = cache.received(options.network, options.size, picture.digest, picture.image)
    width = min(shown.width, largest)
    framed_picture(shown, size, selection=selection.name, key=selection.key("received"), width=width)
