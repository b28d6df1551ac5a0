"""What of LeNet-5 is left out where it is printed: the connection table, and the figures of its output."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.boundary import sentences
from app.components.answer import charts
from app.components.knobs import Choice, Number
from app.panels.knobs import Lesson
from cnnviz.lessons import lenet
from cnnviz.views import figures, lessons_lenet, pieces

BARE = {"displayModeBar": False}
BY = ("table I", "all six")


def _connections(reads: str, c3: int) -> Sequence[str]:
    table = lenet.table() if reads == "table I" else lenet.complete()
    own, alike = table[c3], lenet.alike(table)
    saved = 1 - lenet.weights_of(lenet.table()) / lenet.weights_of(lenet.complete())
    return (
        charts([lessons_lenet.connection_table(table, lenet.MAPS, c3)], columns="1fr", areas=("table",)),
        pieces.words(
            f"Map {c3} reads {len(own)} of {lenet.MAPS}: {len(own)} kernels of 5 × 5 and a bias, "
            f"**{lenet.weights_of([own])} weights**."
        ),
        pieces.words(
            f"Table I saves {100 * saved:.1f} % of C3's weights. With it, no two maps read the same ones, so that each "
            "has to find something else; "
            + (f"now {alike} pairs do." if alike else f"with all six, {lenet.alike(lenet.complete())} pairs would.")
        ),
    )


TABLE = Lesson(
    "connections",
    (
        Choice("reads", "Each map of C3 reads", "table I", BY),
        Choice("c3", "Map of C3", 0, range(len(lenet.table())), slider=True, wide=True),
    ),
    _connections,
)


@st.fragment
def table() -> None:
    """C3's connection table as a picture and a saving."""
    with sentences():
        TABLE.draw()


def parameters() -> None:
    """Which parameters 1998's network has, and as it is printed."""
    st.metric(
        "C3's weights, table I and all six",
        f"{lenet.weights_of(lenet.table()):,} / {lenet.weights_of(lenet.complete()):,}",
        width="content",
    )
    rows = lenet.stages()
    figure = lessons_lenet.parameters(
        [row.name for row in rows], [row.of_1998 for row in rows], [row.printed for row in rows]
    )
    st.plotly_chart(figures.enlarged(figure, state.type_size()), key="parameters", config=BARE)
    st.markdown(
        "S2 and S4 have a coefficient and a bias a map; the output's figures are fixed: so the paper has "
        f"**{sum(row.of_1998 for row in rows):,}**. Shared by all places, they make "
        f"{sum(row.connections for row in rows):,} connections."
    )


def _nearest(digit: int, flipped: int) -> Sequence[str]:
    drawn = lenet.spoilt(digit, flipped)
    far = lenet.distances(drawn)
    nearest = int(far.argmin())
    numbers = {"Nearest, so the answer": str(nearest), "Its distance": f"{far[nearest]:.0f}"}
    return (
        pieces.numbers(numbers),
        charts(
            [lessons_lenet.digits(lenet.figures(), drawn, nearest), lessons_lenet.distances(far.tolist())],
            columns="11fr 9fr",
            areas=("digits distances",),
        ),
        pieces.note(
            "The output's ten units hold a figure of 7 × 12 each, +1 for ink and −1 for paper, and give the squared "
            "distance of F6's 84 units from it; each unit of the wrong sign adds 2² = 4, and the smallest wins. "
            "Dotted: what F6 draws, here by hand, as no trained weights of 1998's network are at hand. The figures are "
            "ours, after the paper's figure 3. "
            "Source: LeCun, Bottou, Bengio and Haffner 1998, section II.B, table I."
        ),
    )


OUTPUT = Lesson(
    "figures",
    (
        Choice("digit", "F6 draws", 3, range(10), slider=True),
        Number("flipped", "Units of the wrong sign", 10, 0, 84),
    ),
    _nearest,
)


@st.fragment
def output() -> None:
    """F6 draws a figure of 7 x 12, and the output says how far it is from each digit's."""
    with sentences():
        OUTPUT.draw()
