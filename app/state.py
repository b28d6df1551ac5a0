"""The selection (network, size, options, layer, channel, picture) and its URL.

Each part is a widget's session value under the name it has in the URL; `bind="query-params"`
keeps the two equal, so that any place of the app is a link. The channel, which has no widget of
its own, is written to the URL by hand.
"""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from app import cache
from cnnviz.catalogue import Options, describe
from cnnviz.errors import CnnvizError, UnknownLayer, UnknownNetwork
from cnnviz.graph import Layer, LayerGraph
from cnnviz.networks import Card, card, cards

BOUND = "query-params"
FIRST_NETWORK = "resnet18"
_USUAL_PICTURES = ("cat", "digit-3")


def options() -> Options:
    """What the controls say, as the options of a network; the network's own values are left out."""
    entry = card(st.session_state.network)
    size = st.session_state.get("size")
    # what another network's widget has left behind doesn't count where this one has no such option
    chosen = {name: st.session_state.get(name, entry.default(name)) for name in entry.options}
    return Options(
        network=entry.key,
        size=None if size in (None, entry.input_shape[1]) else (int(size), int(size)),
        **{name: value for name, value in chosen.items() if value not in (None, entry.default(name))},
    )


def say_what_the_url_has_wrong() -> None:
    """A link to a network that isn't there opens the first one, and says so."""
    asked = st.query_params.get("network")
    if asked and asked not in cards() and not st.session_state.get("network"):
        st.warning(str(UnknownNetwork(asked[:60], cards())))


def network_changed() -> None:
    """Another network has options, sizes and layers of its own: start from its defaults.

    They are assigned and not just forgotten, or the widgets would find the old ones in the URL again.
    """
    entry = card(st.session_state.network)
    st.session_state.size = entry.input_shape[1]
    for option in entry.options:
        st.session_state[option] = entry.default(option)
    st.session_state.layer = first_layer(describe(Options(entry.key)))
    if st.session_state.get("image") in _USUAL_PICTURES:
        st.session_state.image = usual_picture(entry)
    layer_changed()


# --- layer and channel -------------------------------------------------------


def first_layer(graph: LayerGraph) -> str:
    """What is selected until something is: the first convolution."""
    return next((layer for layer in graph.layers if layer.op == "conv"), graph.layers[0]).path


def layer_changed() -> None:
    """Another layer has channels of its own."""
    st.query_params.pop("channel", None)


def pick_layer(path: str | None) -> None:
    """Select a layer, from wherever it was picked."""
    if path and path != st.session_state.get("layer"):
        st.session_state.layer = path
        layer_changed()


def pick_channel(channel: int | None) -> None:
    """Select a channel of the layer; picked again, it is let go."""
    if channel is None or st.query_params.get("channel") == str(channel):
        layer_changed()
    else:
        st.query_params["channel"] = str(channel)


def channel_of(layer: Layer) -> int | None:
    """The selected channel, if the layer has it."""
    text = st.query_params.get("channel", "")
    fits = text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < layer.output_shape[0]
    return int(text) if fits else None


def picked(key: str, then: Callable[[str | None], None] = pick_layer) -> Callable[[], None]:
    """A callback for the `pick` trigger of one of our components."""
    return lambda: then(st.session_state[key].pick)


def pick_row(key: str, graph: LayerGraph) -> None:
    """Select the layer whose row of the table was clicked, wherever in the row."""
    selection = st.session_state[key]["selection"]
    rows = [row for row, _ in selection["cells"]] or selection["rows"]
    if rows:
        pick_layer(graph.layers[rows[0]].path)


def mark_row(key: str, graph: LayerGraph) -> None:
    """Have the table show the selected layer's row as selected."""
    rows = [n for n, layer in enumerate(graph.layers) if layer.path == st.session_state.get("layer")]
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def forget_unknown_layer(graph: LayerGraph) -> None:
    """A layer that the network hasn't (any more, or ever): say so once, and go on with the first."""
    asked = st.session_state.get("layer") or st.query_params.get("layer")
    if asked and asked not in graph:
        st.session_state.layer = first_layer(graph)
        if st.session_state.get("layer said") != asked:
            st.session_state["layer said"] = asked
            st.warning(str(UnknownLayer(asked[:60], [layer.path for layer in graph.layers], graph.network)))


# --- folds -------------------------------------------------------------------


def opened(network: str, firsts: Sequence[str]) -> tuple[str, ...]:
    """The runs of equal blocks that are open, by their first block."""
    chosen = st.session_state.get(f"opened {network}", ())
    return tuple(path for path in firsts if path in chosen)


def unfold(network: str, paths: Sequence[str]) -> None:
    """Open just these runs."""
    st.session_state[f"opened {network}"] = tuple(paths)


def toggle_fold(network: str, firsts: Sequence[str], path: str | None) -> None:
    """Open a run, or close it."""
    now = opened(network, firsts)
    unfold(network, [p for p in now if p != path] if path in now else [*now, *([path] if path else [])])


def one_level_back(network: str, runs: Mapping[str, Sequence[str]], path: str, graph: LayerGraph) -> None:
    """Let the channel go; else fold the run that the layer is in; else select the first layer."""
    if "channel" in st.query_params:
        layer_changed()
        return
    inside = [first for first in opened(network, list(runs)) if any(path.startswith(f"{b}.") for b in runs[first])]
    if inside:
        toggle_fold(network, list(runs), inside[-1])
    else:
        pick_layer(first_layer(graph))


# --- the picture -------------------------------------------------------------


def usual_picture(entry: Card) -> str:
    """What a network is shown until something else is chosen: a digit, if it reads grey values."""
    photograph, digit = _USUAL_PICTURES
    return digit if entry.input_shape[0] == 1 else photograph


def drop_upload() -> None:
    """Choosing a photograph puts a visitor's own aside."""
    st.session_state.pop("own picture", None)
    st.session_state["upload refused"] = ""


def take_upload() -> None:
    """A visitor's file becomes the picture; one that is refused leaves the picture as it was, with a sentence."""
    file = st.session_state.upload
    if file is None:
        drop_upload()
        return
    try:
        st.session_state["own picture"] = cache.picture_from(file.getvalue(), file.name)
        st.session_state["upload refused"] = ""
    except CnnvizError as error:
        st.session_state["upload refused"] = str(error)
