"""One layer: which, and what it sees in the picture."""

import streamlit as st

from app import cache, state
from app.components.maps import map_grid
from cnnviz.activations.pictures import quantise, quantise_one
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.graph import LayerGraph
from cnnviz.views import figures, tables
from cnnviz.views.drawing import by_sign, title
from cnnviz.views.explain import explain


def control(graph: LayerGraph) -> str:
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


def numbers(graph: LayerGraph, path: str) -> None:
    """The layer card: each formula with this layer's numbers, what the layer is for, and where it stands."""
    card = explain(graph, path)
    st.markdown(f"**{card.heading}** · {card.shapes}")
    if card.block or card.arm:
        st.caption(" · ".join(filter(None, (card.arm, card.block))))
    for formula in card.formulas:
        name, equation = st.columns([2, 5], vertical_alignment="center")
        name.markdown(f":small[{formula.name}]", help=f"${formula.symbols}$, where {formula.where}")
        equation.markdown(f"${formula.equation}$")
    for note in card.notes:
        st.markdown(f"- {note}")
    if card.sees:
        st.caption(card.sees)
    with st.container(horizontal=True):
        for share in card.shares:
            st.metric(f"of all {share.name}", f"{share.percent:.3g} %", width="content")
    st.markdown(card.purpose)
    if card.definition:
        st.latex(card.definition)
    st.caption(card.source)


def maps(options: Options, graph: LayerGraph, path: str, picture: Picture) -> None:
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
    drawn = result.drawn(scale)
    channel = state.channel_of(layer)
    if channel is not None:
        large, numbers = st.columns([3, 2], vertical_alignment="center")
        alone = result.maps[channel : channel + 1]
        with large:
            map_grid(
                quantise_one(alone, drawn) if scale == "layer" else quantise(alone),
                name=f"channel {channel} of {path}",
                scale=scale,
                selected=None,
                key="one map",
            )
        numbers.markdown(f"**Channel {channel}**")
        numbers.dataframe(tables.statistics(alone[0]), hide_index=True)
    shrunk = f", each pixel the mean of {drawn.shrunk} × {drawn.shrunk}" if drawn.shrunk > 1 else ""
    st.caption(f"{path}, {title(layer)}, gives {by_sign(layer.output_shape)}{shrunk}. Click a channel to enlarge it.")
    map_grid(
        drawn, name=path, scale=scale, selected=channel, key="maps", on_pick=state.picked("maps", state.pick_channel)
    )
