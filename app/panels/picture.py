"""The picture that the networks look at: where it comes from, and how it is received."""

from urllib.parse import urlsplit

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.framed import framed_picture
from app.components.pad import drawing_pad, when_a_stroke_ends
from app.components.scores import score_bars
from app.panels import scores
from cnnviz.addresses import is_loopback
from cnnviz.catalogue import Options
from cnnviz.engine.local import Answer, Picture
from cnnviz.images import LARGEST, SMALLEST, reception
from cnnviz.networks import card


def panel(selection: state.Selection, options: Options) -> Picture:
    """The picture, how the network receives it, and what one unit of the selected layer sees of it."""
    picture = choice(options)
    small = max(card(options.network).input_shape) <= 64
    seen, how = st.columns([2, 3] if small else [3, 2], gap="small")
    with how:
        adjustments(options)
        said(options)
    picture = scaled(options, picture)
    with seen:
        received(selection, options, picture)
    return picture


# --- where it comes from -----------------------------------------------------


def choice(*networks: Options) -> Picture:
    """The picture: one that comes along, or, as soon as there is one, a visitor's own from the place that is chosen."""
    readers = [options for options in networks if card(options.network).digits]
    offered = state.SOURCES if readers else state.SOURCES[:-1]
    if st.session_state.get("from") not in (None, *offered):
        st.session_state["from"] = offered[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.segmented_control(
            "Picture from",
            offered,
            default=offered[0],
            required=True,
            key="from",
            bind=state.BOUND,
            on_change=state.source_changed,
        )
        if source == "sample":
            sample(networks[0])
    if source == "file":
        st.file_uploader("Your own picture", key="upload", max_upload_size=25, on_change=state.take_upload)
    elif source == "camera":
        camera()
    elif source == "pad":
        pad(readers[0])
        when_a_stroke_ends(key="stroke")
    state.notice_a_lost_picture()
    if refused := st.session_state.get("refused"):
        st.error(refused, icon=":material/error:")
    mine = state.own()
    picture = mine.picture if mine else cache.photograph(state.sample())
    if source in ("file", "camera"):
        st.caption(f"Seen is {mine.name}." if mine else f"Until there is one, {state.sample()} is seen.")
    for note in picture.image.info.get("cnnviz_notes", ()):
        st.info(note)
    return picture


def sample(options: Options) -> None:
    """The pictures that come along."""
    names = cache.sample_names()
    usual = names.index(state.usual_picture(card(options.network)))
    width = state.px(160)
    st.selectbox("Sample", names, usual, key="image", bind=state.BOUND, label_visibility="collapsed", width=width)


def camera() -> None:
    """The camera, which the browser lends to some pages only."""
    address = urlsplit(st.context.url or "")
    if address.scheme == "http" and not is_loopback(address.hostname or ""):
        st.info(
            "Browsers lend their camera to pages from https or from their own machine only. On a phone, "
            "'file' offers the camera as well.",
            icon=":material/no_photography:",
        )
        return
    st.camera_input("Camera", key="photo", on_change=state.take_photo, label_visibility="collapsed")


@st.fragment
def pad(options: Options) -> None:
    """A digit is drawn, and the network answers meanwhile; the rest of the page follows when a stroke has ended."""
    with sentences():
        sheet, beside = st.columns(2, gap="small")
        with sheet:
            drawing_pad(key="pad", seen=state.drawing_seen(), on_draw=state.take_drawing)
        with beside:
            found = answer(options)
        if found:
            scores.behind(found, options)


def answer(options: Options) -> Answer | None:
    """What the network takes the drawing for: all digits, in their order."""
    mine = state.own()
    if not mine:
        st.caption(f"{card(options.network).title} answers while you draw; until then, {state.sample()} is seen.")
        return None
    found = scores.answer_to(options, cache.scaled(options.network, mine.picture, state.zoom()))
    digits = sorted(found.prediction.scores[: scores.MOST], key=lambda score: score.index)
    score_bars(found.prediction, digits, key="digits", name="Scores of the digits", dense=True)
    st.markdown(f":small[**{found.prediction.verdict}**]")
    return found


# --- how it is received ------------------------------------------------------


def adjustments(*networks: Options) -> None:
    """How the picture is brought to the input's shape, and how large it is shown."""
    if not all(card(options.network).digits for options in networks):
        st.segmented_control(
            "Fit",
            ["crop", "squeeze"],
            default="crop",
            required=True,
            key="fit",
            bind=state.BOUND,
            help="Crop keeps proportions and the middle, as the published accuracies have it; squeeze keeps all.",
        )
    st.slider(
        "Scale",
        SMALLEST,
        LARGEST,
        1.0,
        0.05,
        key="zoom",
        bind=state.BOUND,
        help="What the picture shows, smaller or larger: watch which layers follow an object's size.",
    )


def scaled(options: Options, picture: Picture) -> Picture:
    """The picture as large as it is to be shown to a network."""
    return cache.scaled(options.network, picture, state.zoom())


def said(options: Options) -> None:
    """How the network receives the picture, in words."""
    entry = card(options.network)
    how = reception(entry, options.size, state.fit())
    mean, deviation = (
        ", ".join(f"{value:.3g}" for value in values) for values in (entry.normalisation.mean, entry.normalisation.std)
    )
    st.caption(
        f"{how[0].upper()}{how[1:]}.",
        help=f"Each value, in 0 to 1, less its channel's mean, by its deviation: {mean}; {deviation}.",
    )


def received(selection: state.Selection, options: Options, picture: Picture, largest: int = 300) -> None:
    """The picture as it enters the network, no wider than `largest` pixels on the page."""
    source, width, size = cache.received_url(options.network, options.size, picture.digest, picture.image, state.fit())
    key = selection.key("received")
    framed_picture(source, size, selection=selection.name, key=key, width=min(width, largest))
