"""What of LeNet-5 is left out where it is printed: the connection table, and the figures of its output."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.components.answer import answer, charts, deal
from cnnviz.lessons import lenet
from cnnviz.views import figures, lessons_lenet, pieces

BARE = {"displayModeBar": False}


@st.fragment
def table_and_parameters() -> None:
    """C3's connection table as a picture and a saving, and both versions' parameters."""
    left, right = st.columns([11, 9], gap="medium")
    with left:
        by = st.segmented_control(
            "Each map of C3 reads",
            ["table I", "all six"],
            default="table I",
            required=True,
            key="reads",
            bind=state.BOUND,
        )
        reads = lenet.table() if by == "table I" else lenet.complete()
        deal("c3", {str(picked): [_of_one_map(reads, picked)] for picked in range(len(reads))})
        _one_map(reads)
    with right:
        st.metric(
            "C3's weights, table I and all six",
            f"{lenet.weights_of(lenet.table()):,} / {lenet.weights_of(lenet.complete()):,}",
            width="content",
        )
        rows = lenet.stages()
        _chart(
            lessons_lenet.parameters(
                [row.name for row in rows], [row.of_1998 for row in rows], [row.printed for row in rows]
            ),
            "parameters",
        )
    saved = 1 - lenet.weights_of(lenet.table()) / lenet.weights_of(lenet.complete())
    alike = lenet.alike(reads)
    st.markdown(
        f"Table I saves {100 * saved:.1f} % of C3's weights. With it, no two maps read the same ones, so that each has "
        "to find something else; "
        + (f"now {alike} pairs do." if alike else f"with all six, {lenet.alike(lenet.complete())} pairs would.")
        + " S2 and S4 have a coefficient and a bias a map; the output's figures are fixed: so the paper has "
        f"**{sum(row.of_1998 for row in rows):,}**. Shared by all places, they make "
        f"{sum(row.connections for row in rows):,} connections."
    )


@st.fragment
def _one_map(reads: Sequence[Sequence[int]]) -> None:
    picked = st.select_slider(
        "Map of C3", list(range(len(reads))), value=0, key="c3", bind=state.BOUND, width=state.px(360)
    )
    answer(_of_one_map(reads, picked), knob="c3", at=str(picked))


def _of_one_map(reads: Sequence[Sequence[int]], picked: int) -> str:
    own = reads[picked]
    drawn = charts([lessons_lenet.connection_table(reads, lenet.MAPS, picked)], columns="1fr", areas=("table",))
    return drawn + pieces.words(
        f"Map {picked} reads {len(own)} of {lenet.MAPS}: {len(own)} kernels of 5 × 5 and a bias, "
        f"**{lenet.weights_of([own])} weights**."
    )


@st.fragment
def output() -> None:
    """F6 draws a figure of 7 x 12, and the output says how far it is from each digit's."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        digit = st.select_slider(
            "F6 draws", list(range(10)), value=3, key="digit", bind=state.BOUND, width=state.px(230)
        )
        flipped = st.slider("Units of the wrong sign", 0, 84, 10, key="flipped", bind=state.BOUND, width=state.px(280))
        drawn = lenet.spoilt(digit, flipped)
        far = lenet.distances(drawn)
        nearest = int(far.argmin())
        st.metric("Nearest, so the answer", str(nearest), width="content")
        st.metric(
            "Its distance", f"{far[nearest]:.0f}", width="content", help="Each unit of the wrong sign adds 2² = 4."
        )
    left, right = st.columns([11, 9], gap="medium")
    with left:
        _chart(lessons_lenet.digits(lenet.figures(), drawn, nearest), "digits")
    with right:
        _chart(lessons_lenet.distance_bars([float(one) for one in far]), "distances")
    st.caption(
        "The output's ten units hold a figure of 7 × 12 each, +1 for ink and −1 for paper, and give the squared "
        "distance of F6's 84 units from it; the smallest wins. Dotted: what F6 draws, here by hand, as no "
        "trained weights of 1998's network are at hand. The figures are ours, after the paper's figure 3. "
        "Source: LeCun, Bottou, Bengio and Haffner 1998, section II.B, table I."
    )


def _chart(figure: "figures.go.Figure", key: str) -> None:
    st.plotly_chart(figures.enlarged(figure, state.type_size()), key=key, config=BARE)
