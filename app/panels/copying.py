"""Learning the identity: a plain and a residual stack learn to copy the picture, while one looks on."""

import streamlit as st

from app import cache, state
from app.components.ended import it_is_over, when_it_is_over
from app.panels import picture
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.engine.studio import Running
from cnnviz.lessons.identity import PATCH, STEPS, Copying, copied_by_hand
from cnnviz.views import figures, lessons_kernels
from cnnviz.views import lessons_shortcuts as views

DECAYS = (0.0, 0.001, 0.01)
SHOWN = 150  # pixels of a copy on the page


def identity() -> None:
    """Two stacks of the same weights, one with shortcuts, and how well they copy."""
    st.markdown(
        "Where a block has nothing to add, it should give what it is given; with a shortcut, it has to give nothing. "
        "**Which stack learns to copy, and where do its weights go?**"
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        blocks = st.select_slider("Blocks", range(1, 9), 4, key="blocks", bind=state.BOUND, width=state.px(170))
        decay = st.select_slider(
            "Weight decay",
            DECAYS,
            0.01,
            key="decay",
            bind=state.BOUND,
            width=state.px(150),
            help="How much the squares of all weights count in what is made small.",
        )
        seed = st.number_input("Seed of the weights", 0, 9999, 0, key="chance", bind=state.BOUND, width=state.px(150))
        with st.popover("Picture", icon=":material/image:"):
            seen = picture.choice(Options("resnet18"))
        asked = (seen.digest, blocks, decay, seed)
        begun, copying, running = st.session_state.get("copying") or (None, None, None)
        if begun != asked or running.over:
            st.button("Learn to copy it", icon=":material/play_arrow:", on_click=_begin, args=(seen, *asked[1:]))
    if begun != asked:
        st.caption(f"{STEPS:,} steps for both, some seconds.")
    elif not running.over:
        _live(copying, running)
        when_it_is_over(key="copied")
    else:
        if running.failed:
            st.error(running.failed, icon=":material/error:")
        _so_far(copying)
    grey = cache.grey(seen.digest, seen.image)
    ones, diagonal = cache.apart(("copied by hand", seen.digest), lambda: copied_by_hand(grey))
    st.markdown(views.by_hand_sentence(ones, diagonal))
    st.caption(
        f"Each block: two fully connected layers of {PATCH**2} units and ReLU, on {PATCH} × {PATCH} patches of the "
        "picture; Adam. "
        "Without weight decay a residual stack copies all the same, as soon as its blocks give next to nothing; but "
        "nothing drives the weights themselves to zero."
    )


def _begin(seen: Picture, blocks: int, decay: float, seed: int) -> None:
    copying, running = cache.begin_copying(seen.digest, seen.image, blocks, decay, seed)
    st.session_state["copying"] = ((seen.digest, blocks, decay, seed), copying, running)


@st.fragment(run_every=1.0)
def _live(copying: Copying, running: Running) -> None:
    over = running.over
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Stop", icon=":material/stop:", on_click=running.stop)
        st.progress(running.share, f"Learning … {running.share:.0%}")
    _so_far(copying)
    if over:
        it_is_over(key="copying over")


def _so_far(copying: Copying) -> None:
    """What the two have come to by now."""
    moments = list(copying.moments)
    if not moments:
        return
    curves, copies = st.columns([8, 4], gap="medium")
    with curves:
        figure = views.copying_curves(
            [m.step for m in moments], [m.errors for m in moments], [m.weights for m in moments]
        )
        st.plotly_chart(
            figures.enlarged(figure, state.type_size()), key="copying curves", config={"displayModeBar": False}
        )
    for column, name, copy in zip(copies.columns(2), ("plain", "residual"), copying.copies, strict=True):
        column.image(
            lessons_kernels.greys(copy), f"the {name} copy", width=state.px(SHOWN), alt=f"The {name} stack's copy"
        )
    last = moments[-1]
    st.markdown(views.copying_sentence(last.step, last.errors, last.weights, moments[0].weights[0]))
