"""The picture that the networks look at."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import cache, state
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.graph import Layer
from cnnviz.networks import card


def panel(options: Options, layer: Layer) -> Picture:
    """The picture, how the network receives it, and what one unit of a layer sees of it."""
    sample, own = st.columns([2, 3], vertical_alignment="bottom")
    picture = choice(options, sample, own)
    received(options, picture, layer)
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


def received(options: Options, picture: Picture, layer: Layer, largest: int = 300) -> None:
    """The picture as it enters the network, no wider than `largest` pixels on the page.

    The window that the layer's middle unit sees is framed in it.
    """
    guessed = state.hidden("layer", (cache.graph_of(options), layer.path))
    window = None if guessed else layer.middle_window
    seen = cache.received(options.network, options.size, picture.digest, picture.image, window)
    sees = f"; framed is what the middle unit of {layer.path} sees" if window else ""
    st.image(
        seen,
        f"The picture as {options.network} receives it{sees}",
        width=min(seen.width, largest),
        alt="the picture chosen",
    )
