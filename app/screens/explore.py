"""Explore: a network's graph and table, and what any of its layers sees in a picture."""

from dataclasses import replace

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.graph import layer_graph
from app.components.maps import map_grid
from cnnviz.activations.pictures import quantise
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.errors import CnnvizError
from cnnviz.graph import LayerGraph
from cnnviz.images import as_received
from cnnviz.networks import Card, card, cards
from cnnviz.views import figures, tables
from cnnviz.views.drawing import by_sign, title

NUMBER, TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
TABLE_COLUMNS = {  # in the order of a lecture: what a reader compares stands where no scrolling is needed
    "name": TEXT(width=122, pinned=True),
    "kind": TEXT(width=78),
    "kernel": TEXT(width=48),
    "output": TEXT(width=104),
    "parameters": NUMBER(width=88, format="localized"),
    "MACs": NUMBER(width=104, format="localized"),
    "receptive field": TEXT(width=100),
    "stride": TEXT(width=48),
    "padding": TEXT(width=58),
    "input": TEXT(width=104),
    "memory (bytes)": NUMBER(width=104, format="localized"),
    "receptive field stride": TEXT(width=130),
}


def network_controls() -> None:
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


def graph_panel(options: Options, path: str) -> None:
    """The layer graph; equal blocks in a row are folded until one opens them."""
    firsts = [run.blocks[0] for run in cache.folds_of(options)]
    opened = state.opened(options.network, firsts)

    def fold() -> None:
        state.toggle_fold(options.network, firsts, st.session_state["graph"].fold)

    if firsts:
        with st.container(horizontal=True, vertical_alignment="center"):
            everything = len(opened) == len(firsts)
            st.button(
                "Fold equal blocks" if everything else "Unfold equal blocks",
                icon=":material/unfold_less:" if everything else ":material/unfold_more:",
                on_click=state.unfold,
                args=(options.network, [] if everything else firsts),
            )
            st.caption("or click the name of a run of equal blocks")
    layer_graph(
        cache.svg_of(options, opened),
        lit=cache.drawing_of(options, opened).node_of(path),
        key="graph",
        on_pick=state.picked("graph"),
        on_fold=fold,
    )
    st.caption(
        "A solid arc beside the trunk is an identity shortcut, a dotted one a projection. "
        "Each node shows the shape of its output: channels × height × width."
    )


def table_panel(options: Options, graph: LayerGraph) -> None:
    """One row a layer; clicking a row selects its layer."""
    key = f"table {options.network}"
    state.mark_row(key, graph)
    st.dataframe(
        cache.table_of(options),
        hide_index=True,
        height=300,
        key=key,
        on_select=lambda: state.pick_row(key, graph),
        selection_mode=["single-row-required", "single-cell"],  # a click anywhere in a row selects it
        row_height=30,
        column_order=list(TABLE_COLUMNS),
        column_config=TABLE_COLUMNS,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "CSV",
            lambda: tables.as_csv(graph),
            file_name=f"{options.network}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.caption(f"{tables.CONVENTION} An empty receptive field is the whole input.")


def picture_controls(entry: Card) -> Picture:
    """One of the photographs that come along, or a visitor's own; a file that is refused changes nothing."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = cache.sample_names()
        sample = st.selectbox(
            "Picture",
            names,
            index=names.index(state.usual_picture(entry)),
            key="image",
            bind=state.BOUND,
            on_change=state.drop_upload,
            width=200,
        )
        file = st.file_uploader("or your own", key="upload", max_upload_size=25, width=330)
    if file is not None and st.session_state.get("uploaded") != file.file_id:
        st.session_state["uploaded"] = file.file_id
        st.session_state["upload refused"] = ""
        try:
            st.session_state["own picture"] = cache.picture_from(file.getvalue(), file.name)
        except CnnvizError as error:
            st.session_state["upload refused"] = str(error)
    if file is None:
        st.session_state["upload refused"] = ""
        st.session_state["uploaded"] = None
    if st.session_state["upload refused"]:
        st.error(st.session_state["upload refused"], icon=":material/error:")
    return st.session_state.get("own picture") or cache.photograph(sample)


def layer_control(graph: LayerGraph) -> str:
    """The selected layer, by its path; typing searches."""
    paths = [layer.path for layer in graph.layers]
    state.forget_unknown_layer(graph)
    return st.selectbox(
        "Layer",
        paths,
        index=paths.index(state.first_layer(graph)),
        key="layer",
        bind=state.BOUND,
        on_change=state.layer_changed,
    )


def maps_panel(options: Options, graph: LayerGraph, path: str, picture: Picture) -> None:
    """What the selected layer gives for the picture."""
    layer = graph.layer(path)
    with st.spinner(f"Running {options.network} up to {path} …", show_time=True):
        result = cache.shared_engine().maps(options, picture, path)
    if result.trained:
        st.caption(f":material/neurology: With {result.weights}, on {result.device}.")
    else:
        st.warning(
            f"Made with **{result.weights}**, on {result.device}: these maps show what random filters see.",
            icon=":material/casino:",
        )
    if result.note:
        st.info(result.note)
    if result.maps.ndim != 3:
        st.plotly_chart(figures.vector(result.maps.reshape(-1).tolist()), key="units")
        return
    scale = st.segmented_control(
        "Colour scale",
        ["layer", "channel"],
        default="layer",
        required=True,
        format_func={"layer": "one for the layer", "channel": "one a channel"}.get,
        key="scale",
        bind=state.BOUND,
        label_visibility="collapsed",
    )
    maps = quantise(result.maps, scale)
    channel = state.channel_of(layer)
    shrunk = f", each pixel the mean of {maps.shrunk} × {maps.shrunk}" if maps.shrunk > 1 else ""
    st.caption(f"{path}, {title(layer)}, gives {by_sign(layer.output_shape)}{shrunk}. Click a channel to enlarge it.")
    if channel is not None:
        large, seen = st.columns(2)
        with large:
            alone = quantise(result.maps[channel : channel + 1], scale)
            if scale == "layer":
                alone = replace(alone, low=maps.low[:1], high=maps.high[:1], values=maps.values[channel : channel + 1])
            map_grid(alone, name=f"channel {channel} of {path}", scale=scale, selected=None, key="one map")
        with seen:
            entry = card(options.network)
            st.image(
                as_received(picture.image, entry, options.size),
                "The picture as the network receives it",
                width="stretch",
            )
    map_grid(
        maps,
        name=path,
        scale=scale,
        selected=channel,
        key="maps",
        on_pick=state.picked("maps", state.pick_channel),
    )


state.say_what_the_url_has_wrong()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    network_controls()
    numbers = st.container(horizontal=True, gap="medium")
options, graph = graph_or_last_good(state.options())
with numbers:
    totals(graph)
card_line(card(options.network))
left, right = st.columns([10, 13], gap="medium")
with right:
    table_place, layer_place = st.container(), st.container()
with layer_place, sentences(), st.container(border=True):
    st.markdown("##### What a layer sees")
    path = layer_control(graph)
    picture = picture_controls(card(options.network))
    with sentences():
        maps_panel(options, graph, path, picture)
with left, sentences():
    graph_panel(options, path)
with table_place, sentences():
    table_panel(options, graph)
