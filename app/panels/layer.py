"""One layer: which, and what it sees in the picture."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.card import layer_card
from app.components.maps import map_grid
from app.components.search import layer_search
from app.components.selection import selection_link
from app.panels import scores, weights
from app.panels.lecture import show_button
from app.panels.waiting import waiting
from cnnviz.activations.pictures import quantise, quantise_one
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.graph import LayerGraph
from cnnviz.views import figures, tables
from cnnviz.views.drawing import Drawing, by_sign, title
from cnnviz.views.explain import explain
from cnnviz.views.explain.html import card_html


@dataclass(frozen=True)
class Seen:
    """What a tab of the card is about.

    Attributes:
        path: of the selected layer.
        picture: that the network looks at; None where there is none.
        weights: that it looks with, as the engine takes them.
    """

    selection: state.Selection
    options: Options
    graph: LayerGraph
    path: str
    picture: Picture | None
    weights: str


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
                    wanted = state.AUTO if content is numbers else weights.choice(selection, options)
                    apart(selected)(content, wanted)

    def selected(content: Callable[[Seen], None], wanted: str) -> None:
        selection.show_in_url(graph)
        seen = Seen(selection, options, graph, selection.layer_in(graph), picture, wanted)
        with sentences():
            content(seen)
        link(seen, drawn)

    with st.container(border=True):
        layers = [(layer.path, title(layer)) for layer in graph.layers]
        layer_search(layers, selection=selection.name, key=selection.key("search"))
        apart(card)()


def link(seen: Seen, drawn: Drawing | None) -> None:
    """Tell the views which layer is selected, and take what is picked in them."""
    selection, path = seen.selection, seen.path
    guessed = state.hidden("layer", (seen.graph, path))
    window = None if guessed else seen.graph.layer(path).middle_window
    sees = f"; framed is what the middle unit of {path} sees" if window else ""

    def pick() -> None:
        picked = selection.get("selection").pick
        selection.pick_layer(drawn.layer_at(picked) if drawn and picked else picked)

    selection_link(
        selection.name,
        layer=path,
        node=drawn.node_of(path) if drawn else None,
        window=window,
        caption=f"The picture as {seen.options.network} receives it{sees}",
        on_pick=pick,
    )


def says(seen: Seen) -> None:
    """What the network takes the picture for."""
    if seen.picture:
        scores.panel(seen.selection, seen.options, seen.picture, seen.weights)


def numbers(seen: Seen) -> None:
    """Each formula with the layer's numbers, what it is for, and where it stands."""
    place = (seen.graph, seen.path)
    show_button("layer", place)
    html = card_html(explain(*place), asked=state.hidden("layer", place))
    layer_card(html, key=seen.selection.key("numbers"))


def maps(seen: Seen) -> None:
    """What the selected layer gives for the picture."""
    if seen.picture is None:
        return
    selection, path, layer = seen.selection, seen.path, seen.graph.layer(seen.path)
    with waiting(f"Running {seen.options.network} …") as on_wait:
        result = cache.shared_engine().maps(
            seen.options, seen.picture, path, weights=seen.weights, fit=state.fit(), on_wait=on_wait
        )
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
    gives = "" if state.hidden("layer", (seen.graph, path)) else f", gives {by_sign(layer.output_shape)}{shrunk}"
    st.caption(f"{path}, {title(layer)}{gives}. Click a channel to enlarge it.")
    map_grid(
        drawn,
        name=path,
        scale=scale,
        selected=channel,
        key=selection.key("maps"),
        on_pick=lambda: selection.pick_channel(selection.get("maps").pick),
    )


TABS: dict[str, Callable[[Seen], None]] = {"What it sees": maps, "Its numbers": numbers, "What it says": says}
