"""Which network, with which options, and what it costs."""

import streamlit as st

from app import cache, state
from app.panels.lecture import show_button
from cnnviz.catalogue import Options
from cnnviz.errors import CnnvizError
from cnnviz.graph import LayerGraph
from cnnviz.networks import Card, card
from cnnviz.views import tables


def controls(selection: state.Selection, usual: str = "") -> None:
    """The network (`usual` or the app's first until another is chosen), its input size and whatever else changes it."""
    offered = state.offered()
    key = st.selectbox(
        "Network",
        offered,
        index=offered.index(usual or state.first_network()),
        key=selection.key("network"),
        bind=state.BOUND,
        on_change=selection.network_changed,
        width=state.px(190),
    )
    entry = card(key)
    st.number_input(
        "Input size",
        value=entry.input_shape[1],
        step=1,
        key=selection.key("size"),
        bind=state.BOUND,
        width=state.px(135),
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
                key=selection.key("shortcut"),
                bind=state.BOUND,
                help="He et al. 2015: A pads with zeros, B projects where shapes differ, C projects everywhere.",
            )
        if "classes" in entry.options:
            st.number_input("Classes", value=entry.classes, step=1, key=selection.key("classes"), bind=state.BOUND)
        if "heads" in entry.options:
            st.toggle("Auxiliary heads", key=selection.key("heads"), bind=state.BOUND)
        if "batch_norm" in entry.options:
            st.toggle("Batch norm", value=True, key=selection.key("batch_norm"), bind=state.BOUND)


def graph_or_last_good(selection: state.Selection) -> tuple[Options, LayerGraph]:
    """The graph that is asked for; where there can be none, a sentence, and the last one that there was."""
    wanted = selection.options()
    try:
        graph = cache.graph_of(wanted)
    except CnnvizError as error:
        st.error(str(error), icon=":material/error:")
        last = selection.get("last good")
        kept = last if last and last.network == wanted.network else Options(wanted.network)
        return kept, cache.graph_of(kept)
    selection.set("last good", wanted)
    return wanted, graph


def totals(graph: LayerGraph) -> None:
    """What the network costs."""
    sums, hidden = graph.totals, state.hidden("totals", graph)
    for label, value, meaning in (
        ("Parameters", f"{sums.params:,}", "Weights and biases. Each counts once, however often it is used."),
        ("MACs", f"{sums.macs:,}", f"Multiply-accumulates of one picture. {tables.CONVENTION}"),
        ("FLOPs", f"{sums.flops:,}", tables.CONVENTION),
        ("Activations", tables.memory(sums.activation_bytes), "Outputs of all layers, one picture, float32."),
    ):
        st.metric(label, "?" if hidden else value, help=meaning, width="content")
    show_button("totals", graph)


QUESTION = "**What does each layer cost, and see?**"


def heading(entry: Card) -> str:
    """A network's name, and its year where it was published."""
    return f"**{entry.title}**" if entry.brought else f"**{entry.title}**, {entry.year}"


def card_line(entry: Card) -> None:
    """What the network is, and where it was published."""
    if entry.brought:
        st.markdown(
            f"{heading(entry)} {entry.idea} {QUESTION} :small[:gray[Brought along when the app was started; "
            f"it gets its pictures in the normalisation '{entry.normalisation.name}'.]]"
        )
        return
    measured = f" Top-5 {entry.top5.percent:g} %: {entry.top5.source}." if entry.top5 else ""
    st.markdown(
        f"{heading(entry)}. {entry.idea} {QUESTION} "
        f":small[:gray[[{entry.paper.citation}]({entry.paper.link}).{measured}]]"
    )
