"""The proof that a stack sees what its kernel sees, that it is one kernel where it is linear, and what it can't be."""

import streamlit as st

from app import cache, state
from app.components.grown import growing_windows
from app.panels import picture
from cnnviz.analysis.kernels import replicate
from cnnviz.catalogue import Options
from cnnviz.lessons import kernels as lesson
from cnnviz.views import figures, lessons_kernels, replication

BARE = {"displayModeBar": False}
SHOWN = 188  # pixels of a filtered picture on the page, of which three fit beside each other
FITTED = 5  # the kernel that is fitted while one waits, whatever K


def proof() -> None:
    """All three, on random weights and the visitor's picture."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kernel = st.select_slider(
            "Kernel K × K", list(lessons_kernels.KERNELS), value=5, key="kernel", bind=state.BOUND, width=state.px(190)
        )
        inside, dilation, seed = (
            st.number_input(label, low, most, value, key=key, bind=state.BOUND, width=state.px(118), help=meaning)
            for label, key, low, most, value, meaning in (
                ("Inside M", "inside", 1, 16, 1, "Channels between the layers; one goes in, and one comes out."),
                ("Dilation", "dilation", 1, 8, 1, "Pixels from one weight of a kernel to the next, in every layer."),
                ("Weights' seed", "seed", 0, 999, 0, "Another number draws other random weights."),
            )
        )
        with st.popover("Picture", icon=":material/image:"):
            seen = picture.choice(Options("resnet18"))
    r = replicate(kernel, 1, inside, 1, dilation=dilation)
    chains = {
        replication.single_name(r): r.single,
        replication.stack_name(r): r.threes,
        replication.lines_name(r): r.lines,
    }
    place = (kernel, inside, dilation, seed)

    left, right = st.columns([9, 11], gap="medium")
    with left:
        grown = {
            name: cache.apart(("grown", name, *place), lambda chain=chain: lesson.grown(chain, seed))
            for name, chain in chains.items()
        }
        growing_windows(lessons_kernels.grown(list(grown.items())), key="grown")
        st.markdown(replication.reached_sentence([lesson.support(steps[-1]) for steps in grown.values()]))
    with right:
        grey = cache.grey(seen.digest, seen.image)
        found = cache.apart(("compared", seen.digest, *place), lambda: lesson.compare(r.threes, grey, seed))
        shown = (
            (f"{r.stack} layers of 3 × 3", lessons_kernels.greys(found.stack)),
            (f"their one {kernel} × {kernel}", lessons_kernels.greys(found.single)),
            ("the difference of both", lessons_kernels.signed(found.difference)),
        )
        for column, (name, pixels) in zip(st.columns(len(shown), gap="small"), shown, strict=True):
            column.image(pixels, caption=name, width=state.px(SHOWN), alt=f"The picture: {name}")
        st.markdown(replication.composed_sentence(found.border, found.inside, found.outside))

    _fit(FITTED, inside, seed)
    st.caption(
        "Everything here is computed as you look, in double precision, with random weights and no non-linearities. "
        "With ReLUs between, each unit of the stack still sees the same window, but no single kernel does what the "
        "stack does: that is what the further non-linearities buy."
    )


def _fit(size: int, inside: int, seed: int) -> None:
    """A random kernel, and the closest that the small ones come to it."""
    target = lesson.random_kernel(size, seed)
    layers = (size - 1) // 2
    stacks = [
        cache.apart(("fitted", size, mid, seed), lambda mid=mid: lesson.fitted_by_stack(target, mid))
        for mid in range(1, 4)
    ]
    lines = [lesson.fitted_by_lines(target, mid) for mid in range(1, size + 1)]
    now = stacks[min(inside, len(stacks)) - 1]
    left, right = st.columns([11, 9], gap="medium")
    with left:
        _chart(
            lessons_kernels.kernels_beside(
                [
                    (f"a random {size} × {size}", target),
                    (f"closest, M = {min(inside, len(stacks))}", now.closest),
                    ("what is left", target - now.closest),
                ]
            ),
            "fitted",
        )
    with right:
        curves = [
            (f"{layers} layers of 3 × 3", [one.residual for one in stacks]),
            ("two lines", [one.residual for one in lines]),
        ]
        _chart(lessons_kernels.residuals(curves), "residuals")
    st.markdown(replication.fitted_sentence(size, [(one.weights, one.residual) for one in stacks]))


def _chart(figure: "figures.go.Figure", key: str) -> None:
    st.plotly_chart(figures.enlarged(figure, state.type_size()), key=key, config=BARE)
