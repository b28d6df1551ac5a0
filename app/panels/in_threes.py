"""A real network in which stacks of 3 x 3 stand for its larger kernels, beside itself."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.knobs import Choice
from app.panels.knobs import Answer, Drawing, Lesson
from cnnviz.lessons import replaced
from cnnviz.views import pieces, replication, tables

HEIGHT = 300  # of both graphs, in pixels
INSIDE: Mapping[str, replaced.Inside] = {"as many as out": "out", "as many as in": "in"}
TAKEN: Mapping[str, replaced.Taken] = {"the last layer": "last", "the first layer": "first"}
NAMES = {"before": "every larger kernel as it is", "after": "in stacks of 3 × 3"}


def _both(large: str, within: str, taken: str) -> Answer:
    found = cache.in_threes(large, INSIDE[within], TAKEN[taken])
    graphs = {"before": found.before, "after": found.after}
    totals: Sequence[str] = [
        pieces.words(f"**{large}**, {NAMES[side]}: {graph.totals.params:,} parameters, {graph.totals.macs:,} MACs")
        for side, graph in graphs.items()
    ]
    compared = tables.comparison(*graphs.values()).to_dict("records")
    return Answer(
        (
            pieces.beside(*([words] for words in totals)),
            pieces.words(f"{tables.comparison_sentence(*graphs.values())} {replication.swaps_sentence(found.swaps)}"),
            pieces.beside(
                [pieces.table(compared, "Both networks' totals")],
                [pieces.table(replication.swaps_table(found.swaps), "The layers that were replaced")],
            ),
        ),
        drawings=[
            Drawing(
                f"{side} drawn",
                NAMES[side].capitalize(),
                cache.in_threes_svg(large, INSIDE[within], TAKEN[taken], side == "after"),
                HEIGHT,
            )
            for side in graphs
        ],
    )


STACKS = Lesson(
    "stacks",
    (
        Choice("large", "Network", replaced.NETWORKS[0], replaced.NETWORKS, listed=True),
        Choice(
            *("within", "Channels inside M", "as many as out", tuple(INSIDE)),
            help="Channels between the layers of a stack: as many as the replaced layer gives, or as it reads.",
        ),
        Choice(
            *("taken", "A stride is taken by", "the last layer", tuple(TAKEN)),
            help="Which layer of a stack steps as far as the layer that it replaces.",
        ),
    ),
    _both,
)


@st.fragment
def network() -> None:
    """Graph, totals and table of both."""
    with sentences():
        now = STACKS.turned(least=15)
        STACKS.show(now, pictures_first=True)
        found = cache.in_threes(now["large"], INSIDE[now["within"]], TAKEN[now["taken"]])
        with st.expander("Every layer, before and after"):
            for column, graph in zip(st.columns(2), (found.before, found.after), strict=True):
                column.dataframe(tables.layers(graph), hide_index=True, height=state.px(420))
    st.caption(
        "Both networks are built and traced; the stacks have ReLUs between their layers, and give maps of the same "
        f"size as what they replace. {replication.CONVENTION}"
    )
