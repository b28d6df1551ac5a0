"""The selection (network, size, options, layer, channel, picture) and its URL.

Each part is a widget's session value under the name it has in the URL; `bind="query-params"`
keeps the two equal, so that any place of the app is a link.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from cnnviz.catalogue import Options
from cnnviz.graph import LayerGraph
from cnnviz.networks import card

BOUND = "query-params"
FIRST_NETWORK = "resnet18"
_OF_A_NETWORK = ("size", "classes", "shortcut", "heads", "layer", "channel")


def network_changed() -> None:
    """Another network has options, sizes and layers of its own: start from its defaults."""
    for name in _OF_A_NETWORK:
        st.session_state.pop(name, None)


def options() -> Options:
    """What the controls say, as the options of a network; the network's own values are left out."""
    key = st.session_state.network
    entry = card(key)
    size = st.session_state.get("size")
    classes = st.session_state.get("classes")
    return Options(
        network=key,
        size=None if size in (None, entry.input_shape[1]) else (int(size), int(size)),
        classes=None if classes in (None, entry.classes) else int(classes),
        shortcut=st.session_state.get("shortcut") if "shortcut" in entry.options else None,
        heads=(st.session_state.get("heads") or None) if "heads" in entry.options else None,
    )


def pick_layer(path: str | None) -> None:
    """Select a layer, from wherever it was picked."""
    if path and path != st.session_state.get("layer"):
        st.session_state.layer = path
        st.session_state.pop("channel", None)


def picked(key: str, then: Callable[[str | None], None] = pick_layer) -> Callable[[], None]:
    """A callback for the `pick` trigger of one of our components."""
    return lambda: then(st.session_state[key].pick)


def pick_row(key: str, graph: LayerGraph) -> None:
    """Select the layer whose row of the table was clicked."""
    rows: Sequence[int] = st.session_state[key].selection.rows
    if rows:
        pick_layer(graph.layers[rows[0]].path)


def pick_channel(channel: int | None) -> None:
    """Select a channel of the layer."""
    if channel is not None:
        st.session_state.channel = int(channel)
