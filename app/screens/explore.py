"""Explore: a network's graph and table, and what any of its layers sees in a picture."""

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.graph import layer_graph
from app.components.maps import map_grid
from cnnviz.activations.pictures import quantise, quantise_one
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.errors import CnnvizError
from cnnviz.graph import LayerGraph
from cnnviz.images import as_received
from cnnviz.networks import Card, card, cards
from cnnviz.views import figures, tables
from cnnviz.views.drawing import by_sign, legend, title

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
    picture = cache.drawing_of(options, opened)

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
        lit=picture.node_of(path),
        key="graph",
        on_pick=state.picked("graph"),
        on_fold=fold,
    )
    st.caption(legend(picture))


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
    button, note = st.columns([1, 5], vertical_alignment="center")
    button.download_button(
        "CSV",
        lambda: tables.as_csv(graph),
        file_name=f"{options.network}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    note.caption(f"{tables.CONVENTION} An empty receptive field is the whole input.")


def picture_panel(options: Options) -> Picture:
    """One of the photographs that come along, or a visitor's own; a file that is refused changes nothing."""
    entry = card(options.network)
    choice, own = st.columns([2, 3], vertical_alignment="bottom")
    names = cache.sample_names()
    sample = choice.selectbox(
        "Picture",
        names,
        index=names.index(state.usual_picture(entry)),
        key="image",
        bind=state.BOUND,
        on_change=state.drop_upload,
    )
    own.file_uploader("or your own", key="upload", max_upload_size=25, on_change=state.take_upload)
    if refused := st.session_state.get("upload refused"):
        st.error(refused, icon=":material/error:")
    picture: Picture = st.session_state.get("own picture") or cache.photograph(sample)
    for note in picture.image.info.get("cnnviz_notes", ()):
        st.info(note)
    received = as_received(picture.image, entry, options.size)
    st.image(received, "The picture as the network receives it", width=min(300, max(128, received.width)))
    return picture


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
        "One colour scale for each", ["layer", "channel"], default="layer", required=True, key="scale", bind=state.BOUND
    )
    maps = quantise(result.maps, scale)
    channel = state.channel_of(layer)
    if channel is not None:
        large, numbers = st.columns([3, 2], vertical_alignment="center")
        alone = result.maps[channel : channel + 1]
        with large:
            map_grid(
                quantise_one(alone, maps) if scale == "layer" else quantise(alone),
                name=f"channel {channel} of {path}",
                scale=scale,
                selected=None,
                key="one map",
            )
        numbers.markdown(f"**Channel {channel}**")
        numbers.dataframe(tables.statistics(alone[0]), hide_index=True)
    shrunk = f", each pixel the mean of {maps.shrunk} × {maps.shrunk}" if maps.shrunk > 1 else ""
    st.caption(f"{path}, {title(layer)}, gives {by_sign(layer.output_shape)}{shrunk}. Click a channel to enlarge it.")
    map_grid(
        maps, name=path, scale=scale, selected=channel, key="maps", on_pick=state.picked("maps", state.pick_channel)
    )


state.say_what_the_url_has_wrong()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    network_controls()
    numbers = st.container(horizontal=True, gap="small", width=585)
options, graph = graph_or_last_good(state.options())
with numbers:
    totals(graph)
card_line(card(options.network))
left, right = st.columns([10, 13], gap="medium")
with left:
    graph_place, picture_place = st.container(), st.container(border=True)
with right:
    table_place, layer_place = st.container(), st.container(border=True)
with layer_place:
    st.markdown("##### What a layer sees")
    path = layer_control(graph)
with graph_place, sentences():
    graph_panel(options, path)
with table_place, sentences():
    table_panel(options, graph)
with picture_place, sentences():
    picture = picture_panel(options)
    with layer_place, sentences():
        maps_panel(options, graph, path, picture)
