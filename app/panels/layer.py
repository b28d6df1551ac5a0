"""One layer: which, and what it sees in the picture."""

from collections.abc import Callable

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.card import layer_card, layer_deck
from app.components.search import layer_search
from app.components.selection import selection_link
from app.panels import its_kernels, maps, scores, weights, whole
from app.panels.lecture import show_button
from app.panels.seen import Seen
from app.turns import TURNS
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.graph import LayerGraph
from cnnviz.views.drawing import Drawing, title


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
        seen = Seen(selection, options, graph, selection.layer_in(graph), picture, wanted)
        with TURNS.one(), sentences():  # a click runs this alone
            content(seen)
        link(seen, drawn)
        selection.show_in_url(graph)  # late, as nobody waits for it
        if content is numbers and not state.hides():
            layer_deck(cache.deck_of(options), selection=selection.name, key=selection.key("deck"))

    with st.container(border=True):
        layers = [(layer.path, title(layer)) for layer in graph.layers]
        layer_search(layers, selection=selection.name, key=selection.key("search"))
        apart(card)()


def link(seen: Seen, drawn: Drawing | None) -> None:
    """Tell the views which layer is selected, and take what is picked in them."""
    selection, path = seen.selection, seen.path
    at = selection.place_of(seen.layer)
    window = None if seen.guessed else seen.graph.seen_by(path, (0, *at)) if at else seen.layer.middle_window
    unit = f"the unit in row {at[0]}, column {at[1]}" if at else "the middle unit"
    sees = f"; framed is what {unit} of {path} sees" if window else ""

    def pick() -> None:
        picked = selection.get("selection").pick
        selection.pick_layer(drawn.layer_at(picked) if drawn and picked else picked)

    selection_link(
        selection.name,
        layer=path,
        node=drawn.node_of(path) if drawn else None,
        channel=selection.channel_of(seen.layer),
        at=at,
        window=window,
        caption=f"The picture as {seen.options.network} receives it{sees}",
        on_pick=pick,
    )


def numbers(seen: Seen) -> None:
    """Each formula with the layer's numbers, what it is for, and where it stands."""
    show_button("layer", (seen.graph, seen.path))
    card = cache.card_of(seen.options, seen.path, seen.guessed)
    layer_card(card, selection=seen.selection.name, layer=seen.path, key=seen.selection.key("numbers"))


TABS: dict[str, Callable[[Seen], None]] = {
    "What it sees": maps.panel,
    "Its numbers": numbers,
    "Its kernels": its_kernels.panel,
    "What it says": scores.panel,
    "The whole network": whole.panel,
}
