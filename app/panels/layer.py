"""One layer: which, and what it sees in the picture."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import cache, state
from app.boundary import sentences
from app.components.maps import map_grid
from app.panels.lecture import show_button
from cnnviz.activations.pictures import quantise, quantise_one
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.graph import LayerGraph
from cnnviz.views import figures, tables
from cnnviz.views.drawing import by_sign, title
from cnnviz.views.explain import explain


def control(selection: state.Selection, graph: LayerGraph) -> str:
    """The selected layer, by its path; typing searches."""
    paths = [layer.path for layer in graph.layers]
    selection.forget_unknown_layer(graph)
    return st.selectbox(
        "Layer",
        paths,
        index=paths.index(state.first_layer(graph)),
        key=selection.key("layer"),
        bind=state.BOUND,
        on_change=selection.layer_changed,
    )


def card(selection: state.Selection, options: Options, graph: LayerGraph, path: str, picture: Picture | None) -> None:
    """What the layer gives for the picture, and its numbers; only the open tab is made and sent."""
    sees, its_numbers = st.tabs(["What it sees", "Its numbers"], on_change="rerun", key=selection.key("card"))
    if sees.open and picture:
        with sees, sentences():
            maps(selection, options, graph, path, picture)
    if its_numbers.open:
        with its_numbers, sentences():
            numbers(graph, path)


def numbers(graph: LayerGraph, path: str) -> None:
    """The layer card: each formula with this layer's numbers, what the layer is for, and where it stands."""
    known, hidden = explain(graph, path), state.hidden("layer", (graph, path))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{known.heading}** · {known.shapes_asked if hidden else known.shapes}", width="content")
        show_button("layer", (graph, path))
    if known.block or known.arm:
        st.caption(" · ".join(filter(None, (known.arm, known.block))))
    for formula in known.formulas:
        name, equation = st.columns([2, 5], vertical_alignment="center")
        name.markdown(f":small[{formula.name}]", help=f"${formula.symbols}$, where {formula.where}")
        equation.markdown(f"${formula.question if hidden else formula.equation}$")
    if not hidden:
        for note in known.notes:
            st.markdown(f"- {note}")
        if known.sees:
            st.caption(known.sees)
        with st.container(horizontal=True):
            for share in known.shares:
                st.metric(f"of all {share.name}", f"{share.percent:.3g} %", width="content")
    st.markdown(known.purpose)
    if known.definition:
        st.latex(known.definition)
    st.caption(known.source)


@contextmanager
def queue() -> Iterator[Callable[[int], None]]:
    """Says how many passes come before one's own; a visitor who goes elsewhere meanwhile leaves the queue."""
    places: list[DeltaGenerator] = []

    def on_wait(position: int) -> None:
        if not places:
            places.append(st.empty())
        if position:
            places[0].caption(f"{position} {'picture comes' if position == 1 else 'pictures come'} first.")
        else:
            places[0].empty()  # a word to the page all the same, as that is where Streamlit ends a run

    try:
        yield on_wait
    finally:
        for place in places:
            place.empty()


def maps(selection: state.Selection, options: Options, graph: LayerGraph, path: str, picture: Picture) -> None:
    """What the selected layer gives for the picture."""
    layer = graph.layer(path)
    with st.spinner(f"Running {options.network} …", show_time=True), queue() as on_wait:
        result = cache.shared_engine().maps(options, picture, path, on_wait=on_wait)
    if result.trained is not False:
        known = "" if result.trained else ", trained or not"
        st.caption(f":material/neurology: With {result.weights}{known}, on {result.device}.")
    else:
        st.warning(
            f"Made with **{result.weights}**, on {result.device}: these maps show what random filters see.",
            icon=":material/casino:",
        )
    if result.note:
        st.info(result.note)
    if result.maps.ndim != 3:
        units = figures.vector(result.maps.reshape(-1).tolist())
        st.plotly_chart(figures.enlarged(units, state.type_size()), key=selection.key("units"))
        return
    scale = st.segmented_control(
        "One colour scale for each",
        ["layer", "channel"],
        default="layer",
        required=True,
        key=selection.key("scale"),
        bind=state.BOUND,
    )
    drawn = result.drawn(scale)
    channel = selection.channel_of(layer)
    if channel is not None:
        large, numbers = st.columns([1, 1] if state.projector() else [3, 2], vertical_alignment="center")
        alone = result.maps[channel : channel + 1]
        with large:
            map_grid(
                quantise_one(alone, drawn) if scale == "layer" else quantise(alone),
                name=f"channel {channel} of {path}",
                scale=scale,
                selected=None,
                key=selection.key("one map"),
            )
        numbers.markdown(f"**Channel {channel}**")
        numbers.dataframe(tables.statistics(alone[0]), hide_index=True)
    shrunk = f", each pixel the mean of {drawn.shrunk} × {drawn.shrunk}" if drawn.shrunk > 1 else ""
    gives = "" if state.hidden("layer", (graph, path)) else f", gives {by_sign(layer.output_shape)}{shrunk}"
    st.caption(f"{path}, {title(layer)}{gives}. Click a channel to enlarge it.")
    map_grid(
        drawn,
        name=path,
        scale=scale,
        selected=channel,
        key=selection.key("maps"),
        on_pick=lambda: selection.pick_channel(selection.get("maps").pick),
    )
