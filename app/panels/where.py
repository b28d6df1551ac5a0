"""Where in the picture the score of a class comes from: Grad-CAM on the selected layer, and occlusion."""

from dataclasses import replace

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.ended import it_is_over, when_it_is_over
from app.components.over import over_picture
from app.panels.seen import Seen
from app.panels.waiting import waiting
from cnnviz.activations.overlay import Overlay, heat_over, signed_over
from cnnviz.engine.local import Answer
from cnnviz.engine.studio import Running, Subject
from cnnviz.prediction import Score


def panel(seen: Seen, answer: Answer, score: Score) -> None:
    """One class's score over the picture."""
    method = st.segmented_control(
        f"Where the score of '{score.name}' comes from, by",
        ["Grad-CAM", "occlusion"],
        default="Grad-CAM",
        required=True,
        key=seen.selection.key("by"),
        bind=state.BOUND,
        help="Grad-CAM weighs the layer's maps by the score's gradient; occlusion covers parts of the picture.",
    )
    subject = replace(seen.subject, options=answer.options)  # at the size at which the score was found
    with sentences():
        (occlusion if method == "occlusion" else grad_cam)(seen, subject, score)


def grad_cam(seen: Seen, subject: Subject, score: Score) -> None:
    """What in the selected layer's maps speaks for the class."""
    with waiting(f"Following the score back to {seen.path} …") as on_wait:
        found = cache.shared_studio().grad_cam(subject, seen.path, score.index, on_wait=on_wait).value
    graph = cache.graph_of(subject.options)
    over(seen, subject, heat_over(found.heat, graph.laid_over(seen.path)), f"Grad-CAM of {seen.path} for {score.name}")
    speaks = (
        f"What in the maps of {seen.path} speaks for '{score.name}'" if found.heat.any() else "Nothing speaks for it"
    )
    st.caption(f"{speaks}; its score, before any softmax, is {found.score:.4g}. Select another layer to see its part.")


def occlusion(seen: Seen, subject: Subject, score: Score) -> None:
    """How much the score falls where the picture is covered: a long run, which can be stopped."""
    studio, selection = cache.shared_studio(), seen.selection
    asked = (*subject.key, score.index)
    if not studio.knows_occlusion(subject, score.index):
        begun, running = selection.get("occluding") or (None, None)
        if begun == asked and not running.over:
            how_far(seen, running)
            when_it_is_over(key=selection.key("occluded"))
            return
        st.button(
            "Cover the picture, square by square",
            icon=":material/play_arrow:",
            key=selection.key("occlude"),
            on_click=lambda: selection.set("occluding", (asked, studio.begin_occlusion(subject, score.index))),
            help="A pass for each of some hundred squares.",
        )
        if begun == asked and running.failed:
            st.error(running.failed, icon=":material/error:")
        return
    found = studio.occlusion(subject, score.index).value
    rows, columns = found.drop.shape
    extent = (0.0, 0.0, float(rows * found.stride), float(columns * found.stride))
    over(seen, subject, signed_over(found.drop, extent), f"Occlusion for {score.name}")
    st.caption(
        f"By how much the score, {found.score:.4g}, falls where a grey square of {found.size} × {found.size} pixels "
        "covers the picture: orange speaks for the class, violet against it."
    )


@st.fragment(run_every=0.5)
def how_far(seen: Seen, running: Running) -> None:
    """A bar that moves by itself, and the button that stops what it shows."""
    st.button("Stop", icon=":material/stop:", key=seen.selection.key("stop occluding"), on_click=running.stop)
    st.progress(running.share, f"Covering … {running.share:.0%}")
    if running.over:
        it_is_over(key=seen.selection.key("over"))


def over(seen: Seen, subject: Subject, overlay: Overlay, name: str) -> None:
    """Values over the picture, where no place can be chosen."""
    shape = cache.graph_of(subject.options).input_shape
    over_picture(
        overlay,
        size=(shape[-2], shape[-1]),
        name=f"{name} over the picture",
        selection=seen.selection.name,
        key=seen.selection.key("where"),
    )
