"""One layer: which, and what it sees in the picture."""

from collections.abc import Callable

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.card import layer_card
from app.components.maps import map_grid
from app.components.search import layer_search
from app.components.selection import selection_link
from app.panels import scores
from app.panels.lecture import show_button
from cnnviz.activations.pictures import quantise, quantise_one
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.graph import LayerGraph
from cnnviz.views import figures, tables
from cnnviz.views.drawing import Drawing, by_sign, title
from cnnviz.views.explain import explain
from cnnviz.views.explain.html import card_html

Content = Callable[[state.Selection, Options, LayerGraph, str, Picture | None], None]


def panel(
    selection: state.Selection,
    options: Options,
    graph: LayerGraph,
    drawn: Drawing | None,
    picture: Picture | None,
    *,
    alone: bool = True,
) -> None:
    """The selected layer: a search box, and its card.

    Args:
        drawn: what the graph shows, if there is one.
        alone: whether a pick draws the open tab and nothing else of the page, whose views follow by themselves.
    """
    selection.forget_unknown_layer(graph)
    apart = st.fragment if alone else lambda function: function

    def card() -> None:
        tabs = st.tabs(list(TABS), on_change="rerun", key=selection.key("card"))
        for tab, content in zip(tabs, TABS.values(), strict=True):
            if tab.open:  # what nobody looks at is neither made nor sent
                with tab:
                    apart(selected)(content)

    def selected(content: Content) -> None:
        selection.show_in_url(graph)
        path = selection.layer_in(graph)
        with sentences():
            content(selection, options, graph, path, picture)
        link(selection, options, graph, drawn, path)

    with st.container(border=True):
        layers = [(layer.path, title(layer)) for layer in graph.layers]
        layer_search(layers, selection=selection.name, key=selection.key("search"))
        apart(card)()


def link(selection: state.Selection, options: Options, graph: LayerGraph, drawn: Drawing | None, path: str) -> None:
    """Tell the views which layer is selected, and take what is picked in them."""
    layer, guessed = graph.layer(path), state.hidden("layer", (graph, path))
    window = None if guessed else layer.middle_window
    sees = f"; framed is what the middle unit of {path} sees" if window else ""

    def pick() -> None:
        picked = selection.get("selection").pick
        selection.pick_layer(drawn.layer_at(picked) if drawn and picked else picked)

    selection_link(
        selection.name,
        layer=path,
        node=drawn.node_of(path) if drawn else None,
        window=window,
        caption=f"The picture as {options.network} receives it{sees}",
        on_pick=pick,
    )


def says(selection: state.Selection, options: Options, _: LayerGraph, __: str, picture: Picture | None) -> None:
    """What the network takes the picture for."""
    if picture:
        scores.panel(selection, options, picture)


def numbers(selection: state.Selection, _: Options, graph: LayerGraph, path: str, __: Picture | None) -> None:
    """The layer's numbers: each formula with this layer's numbers, what the layer is for, and where it stands."""
    known, hidden = explain(graph, path), state.hidden("layer", (graph, path))
    show_button("layer", (graph, path))
    layer_card(card_html(known, asked=hidden), key=selection.key("numbers"))


def maps(selection: state.Selection, options: Options, graph: LayerGraph, path: str, picture: Picture | None) -> None:
    """What the selected layer gives for the picture."""
    if picture is None:
        return
    layer = graph.layer(path)
    with st.spinner(f"Running {options.network} up to {path} …", show_time=True):
        result = cache.shared_engine().maps(options, picture, path, fit=state.fit())
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


TABS: dict[str, Content] = {"What it sees": maps, "Its numbers": numbers, "What it says": says}
