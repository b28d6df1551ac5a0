"""A real network in which stacks of 3 x 3 stand for its larger kernels, beside itself."""

import streamlit as st

from app import cache, state
from app.components.graph import layer_graph
from cnnviz.lessons import replaced
from cnnviz.views import replication, tables

HEIGHT = 330  # of both graphs, in pixels
INSIDE: dict[str, replaced.Inside] = {"as many as out": "out", "as many as in": "in"}
TAKEN: dict[str, replaced.Taken] = {"the last layer": "last", "the first layer": "first"}


@st.fragment
def network() -> None:
    """Graph, totals and table of both."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        key = st.selectbox("Network", replaced.NETWORKS, key="large", bind=state.BOUND, width=state.px(150))
        inside = st.segmented_control(
            "Channels inside M",
            list(INSIDE),
            default="as many as out",
            required=True,
            key="within",
            bind=state.BOUND,
            help="Channels between the layers of a stack: as many as the replaced layer gives, or as it reads.",
        )
        taken = st.segmented_control(
            "A stride is taken by",
            list(TAKEN),
            default="the last layer",
            required=True,
            key="taken",
            bind=state.BOUND,
            help="Which layer of a stack steps as far as the layer that it replaces.",
        )
    found = cache.in_threes(key, INSIDE[inside], TAKEN[taken])
    graphs = found.before, found.after
    names = "every larger kernel as it is", "in stacks of 3 × 3"
    for column, graph, name, side in zip(st.columns(2), graphs, names, ("before", "after"), strict=True):
        with column:
            totals = graph.totals
            st.markdown(f"**{key}**, {name}: {totals.params:,} parameters, {totals.macs:,} MACs")
            layer_graph(
                cache.in_threes_svg(key, INSIDE[inside], TAKEN[taken], side == "after"),
                selection=side,
                key=f"{side} drawn",
                on_fold=lambda: None,
                projector=state.projector(),
                height=state.px(HEIGHT),
            )
    st.markdown(f"{tables.comparison_sentence(*graphs)} {replication.swaps_sentence(found.swaps)}")
    totals, layers = st.columns(2, gap="medium")
    totals.table(tables.comparison(*graphs), border="horizontal", hide_index=True, alt="Both networks' totals")
    layers.table(
        replication.swaps_table(found.swaps), border="horizontal", hide_index=True, alt="The layers that were replaced"
    )
    with st.expander("Every layer, before and after"):
        for column, graph in zip(st.columns(2), graphs, strict=True):
            column.dataframe(tables.layers(graph), hide_index=True, height=state.px(420))
    st.caption(
        "Both networks are built and traced; the stacks have ReLUs between their layers, and give maps of the same "
        f"size as what they replace. {replication.CONVENTION}"
    )
