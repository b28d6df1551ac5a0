"""Which network, with which options, and what it costs."""

import streamlit as st

from app import cache, state
from cnnviz.catalogue import Options
from cnnviz.errors import CnnvizError
from cnnviz.graph import LayerGraph
from cnnviz.networks import Card, cards
from cnnviz.views import tables


def controls() -> None:
    """The network, its input size and whatever else changes it."""
    known = cards()
    key = st.selectbox(
        "Network",
        list(known),
        index=list(known).index(state.FIRST_NETWORK),
        key="network",
        bind=state.BOUND,
        on_change=state.network_changed,
        width=190,
    )
    entry = known[key]
    st.number_input(
        "Input size",
        value=entry.input_shape[1],
        step=1,
        key="size",
        bind=state.BOUND,
        width=135,
        help="Height and width of the input in pixels. Graph, table and totals follow at once.",
    )
    if not entry.options:
        return
    with st.popover("Options", icon=":material/tune:"):
        if "shortcut" in entry.options:
            st.segmented_control(
                "Shortcuts",
                ["A", "B", "C"],
                default=str(entry.default("shortcut")),
                required=True,
                key="shortcut",
                bind=state.BOUND,
                help="He et al. 2015: A pads with zeros, B projects where shapes differ, C projects everywhere.",
            )
        if "classes" in entry.options:
            st.number_input("Classes", value=entry.classes, step=1, key="classes", bind=state.BOUND)
        if "heads" in entry.options:
            st.toggle("Auxiliary heads", key="heads", bind=state.BOUND)


def graph_or_last_good(wanted: Options) -> tuple[Options, LayerGraph]:
    """The graph that is asked for; where there can be none, a sentence, and the last one that there was."""
    try:
        graph = cache.graph_of(wanted)
    except CnnvizError as error:
        st.error(str(error), icon=":material/error:")
        last = st.session_state.get("last good")
        kept = last if last and last.network == wanted.network else Options(wanted.network)
        return kept, cache.graph_of(kept)
    st.session_state["last good"] = wanted
    return wanted, graph


def totals(graph: LayerGraph) -> None:
    """What the network costs."""
    sums = graph.totals
    for label, value, meaning in (
        ("Parameters", f"{sums.params:,}", "Weights and biases. Each counts once, however often it is used."),
        ("MACs", f"{sums.macs:,}", f"Multiply-accumulates of one picture. {tables.CONVENTION}"),
        ("FLOPs", f"{sums.flops:,}", tables.CONVENTION),
        ("Activations", tables.memory(sums.activation_bytes), "Outputs of all layers, one picture, float32."),
    ):
        st.metric(label, value, help=meaning, width="content")


def card_line(entry: Card) -> None:
    """What the network is, and where it was published."""
    measured = f" Top-5 {entry.top5.percent:g} %: {entry.top5.source}." if entry.top5 else ""
    st.markdown(
        f"**{entry.title}**, {entry.year}. {entry.idea} "
        f":small[:gray[[{entry.paper.citation}]({entry.paper.link}).{measured}]]"
    )
