"""The selection (network, size, options, layer, channel), the picture, and their URL.

Each part is a widget's session value under the name it has in the URL; `bind="query-params"`
keeps the two equal, so that any place of the app is a link. The channel, which has no widget of
its own, is written to the URL by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import cache
from cnnviz.against import tables
from cnnviz.catalogue import Options, describe
from cnnviz.cli.named import named
from cnnviz.errors import CnnvizError, UnknownLayer, UnknownNetwork
from cnnviz.graph import Layer, LayerGraph
from cnnviz.images import photographs
from cnnviz.networks import Card, card, cards
from cnnviz.networks.partners import partner
from cnnviz.printed.comparison import KEYS
from cnnviz.printed.pretrained import published

BOUND = "query-params"
FIRST_NETWORK = "resnet18"
PROJECTOR = 1.25  # how much larger all type is in projector mode
_USUAL_PICTURES = ("cat", "digit-3")
_PARTS = {  # what a page's link has to hold, besides its selections
    "": ("image", "expect"),
    "beside": ("image", "together"),
    "kernels": ("kernel", "in", "mid", "out", "map"),
    "printed": ("network", "differing"),
    "compare": ("choice", "networks", "chart", "cost", "accuracy"),
}
FIRST_TABLE = "googlenet"  # of the printed ones: the one with most to find


@dataclass(frozen=True)
class Selection:
    """A network with its options, and a place in it.

    All pages share the one without a suffix. A page with a second network has a second one, whose suffix is added
    to each of its names, in the URL as in the session: `layer` and `layer2`.
    """

    suffix: str = ""

    def key(self, name: str) -> str:
        """The name of a part, or of a widget or component that belongs to this selection."""
        return f"{name}{self.suffix}"

    def get(self, name: str) -> Any:
        """A part's value, None as long as it has none."""
        return st.session_state.get(self.key(name))

    def set(self, name: str, value: Any) -> None:
        """Give a part a value, before its widget is drawn."""
        st.session_state[self.key(name)] = value

    def options(self) -> Options:
        """What the controls say, as the options of a network; the network's own values are left out."""
        entry = card(self.get("network"))
        size = self.get("size")
        # what another network's widget has left behind doesn't count where this one has no such option
        chosen = {name: self.get(name) for name in entry.options}
        return Options(
            network=entry.key,
            size=None if size in (None, entry.input_shape[1]) else (int(size), int(size)),
            **{name: value for name, value in chosen.items() if value not in (None, entry.default(name))},
        )

    def say_what_the_url_has_wrong(self) -> None:
        """A link to a network that isn't there opens the first one, and says so."""
        asked = st.query_params.get(self.key("network"))
        if asked and asked not in offered() and not self.get("network"):
            st.warning(str(UnknownNetwork(asked[:60], offered())))

    def network_changed(self) -> None:
        """Another network has options, sizes and layers of its own: start from its defaults.

        They are assigned and not just forgotten, or the widgets would find the old ones in the URL again.
        """
        entry = card(self.get("network"))
        self.set("size", entry.input_shape[1])
        for option in entry.options:
            self.set(option, entry.default(option))
        self.set("layer", first_layer(describe(Options(entry.key))))
        # a page has one picture, and the shared selection decides what it usually is
        if not self.suffix and st.session_state.get("image") in _USUAL_PICTURES:
            st.session_state.image = usual_picture(entry)
        self.layer_changed()

    def parts(self) -> dict[str, Any]:
        """All that a link to this place has to hold, by its names in the URL."""
        options = card(self.get("network")).options if self.get("network") else ()
        names = ("network", "size", "layer", "scale", "colour", "across", *sorted(options))
        return {self.key(name): self.get(name) for name in names} | {
            self.key("channel"): st.query_params.get(self.key("channel"))
        }

    # --- layer and channel ---------------------------------------------------

    def layer_changed(self) -> None:
        """Another layer has channels of its own."""
        st.query_params.pop(self.key("channel"), None)

    def pick_layer(self, path: str | None) -> None:
        """Select a layer, from wherever it was picked."""
        if path and path != self.get("layer"):
            self.set("layer", path)
            self.layer_changed()

    def pick_channel(self, channel: int | None) -> None:
        """Select a channel of the layer; picked again, it is let go."""
        if channel is None or st.query_params.get(self.key("channel")) == str(channel):
            self.layer_changed()
        else:
            st.query_params[self.key("channel")] = str(channel)

    def channel_of(self, layer: Layer) -> int | None:
        """The selected channel, if the layer has it."""
        text = st.query_params.get(self.key("channel"), "")
        fits = text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < layer.output_shape[0]
        return int(text) if fits else None

    def pick_row(self, key: str, graph: LayerGraph) -> None:
        """Select the layer whose row of the table was clicked, wherever in the row."""
        selection = st.session_state[key]["selection"]
        rows = [row for row, _ in selection["cells"]] or selection["rows"]
        if rows:
            self.pick_layer(graph.layers[rows[0]].path)

    def mark_row(self, key: str, graph: LayerGraph) -> None:
        """Have the table show the selected layer's row as selected."""
        rows = [n for n, layer in enumerate(graph.layers) if layer.path == self.get("layer")]
        st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}

    def layer_in(self, graph: LayerGraph) -> str:
        """The layer that will be selected, before there is a control for it."""
        asked = self._layer_asked()
        return asked if asked and asked in graph else first_layer(graph)

    def _layer_asked(self) -> str | None:
        return self.get("layer") or st.query_params.get(self.key("layer"))

    def forget_unknown_layer(self, graph: LayerGraph) -> None:
        """A layer that the network hasn't (any more, or ever): say so once, and go on with the first."""
        asked = self._layer_asked()
        if asked and asked not in graph:
            self.set("layer", first_layer(graph))
            if self.get("layer said") != asked:
                self.set("layer said", asked)
                st.warning(str(UnknownLayer(asked[:60], [layer.path for layer in graph.layers], graph.network)))

    # --- folds ---------------------------------------------------------------

    def opened(self, network: str, firsts: Sequence[str]) -> tuple[str, ...]:
        """The runs of equal blocks that are open, by their first block."""
        chosen = (self.get("opened") or {}).get(network, ())
        return tuple(path for path in firsts if path in chosen)

    def unfold(self, network: str, paths: Sequence[str]) -> None:
        """Open just these runs."""
        self.set("opened", {**(self.get("opened") or {}), network: tuple(paths)})

    def toggle_fold(self, network: str, firsts: Sequence[str], path: str | None) -> None:
        """Open a run, or close it."""
        now = self.opened(network, firsts)
        self.unfold(network, [p for p in now if p != path] if path in now else [*now, *([path] if path else [])])

    def one_level_back(self, network: str, runs: Mapping[str, Sequence[str]], path: str, graph: LayerGraph) -> None:
        """Let the channel go; else fold the run that the layer is in; else select the first layer."""
        if self.key("channel") in st.query_params:
            self.layer_changed()
            return
        firsts = list(runs)
        inside = [first for first in self.opened(network, firsts) if any(path.startswith(f"{b}.") for b in runs[first])]
        if inside:
            self.toggle_fold(network, firsts, inside[-1])
        else:
            self.pick_layer(first_layer(graph))


_SELECTIONS = {"": (Selection(),), "beside": (Selection(), Selection("2"))}  # by page


def offered() -> tuple[str, ...]:
    """The networks to choose from: all, or just those that the app was started with, if they aren't all brought."""
    keys = named()
    return tuple(cards()) if all(card(key).brought for key in keys) else keys


def first_network() -> str:
    """What is selected until something is."""
    return (*named(), FIRST_NETWORK)[0]


def usual_partner(first: Selection, second: Selection) -> str:
    """The second network until another is chosen: the partner of the first, whichever that becomes."""
    now, before = partner(first.get("network")), second.get("usual")
    if now not in offered():
        now = next((key for key in offered() if key != first.get("network")), first_network())
    if before and before != now and second.get("network") == before:
        second.set("network", now)
        second.network_changed()
    second.set("usual", now)
    return now


def keep_together(together: bool, selections: Sequence[Selection], graphs: Sequence[LayerGraph]) -> None:
    """Where both networks have a layer of the same path, what is picked in one is picked in the other.

    A network that has just been chosen takes the other's layer.
    """
    layers = [chosen.layer_in(graph) for chosen, graph in zip(selections, graphs, strict=True)]
    now = [(graph.network, layer) for graph, layer in zip(graphs, layers, strict=True)]
    before = st.session_state.get("together at") or now
    chosen = [now[side][0] != before[side][0] for side in (0, 1)]
    lead = 1 if chosen[0] or (now[1] != before[1] and not chosen[1]) else 0
    if together and layers[lead] in graphs[1 - lead]:
        selections[1 - lead].pick_layer(layers[lead])
        now[1 - lead] = (graphs[1 - lead].network, layers[lead])
    st.session_state["together at"] = now if together else None


def place(page: str) -> dict[str, str | list[str]]:
    """A page's place as the parameters of a link: all of them, also those that the URL leaves out as usual.

    Args:
        page: its path in the URL, "" for the first.
    """
    found: dict[str, Any] = {}
    for selection in _SELECTIONS.get(page, ()):
        found |= selection.parts()
    found |= {name: st.session_state.get(name) for name in _PARTS.get(page, ())}
    if page == "printed":
        found["cell"] = st.query_params.get("cell")
    return {name: _as_text(value) for name, value in found.items() if value is not None}


def _as_text(value: Any) -> str | list[str]:
    """As the URL has it: a list's items one by one."""
    if isinstance(value, list):
        return list(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- printed tables ------------------------------------------------------------


def printed_network() -> str:
    """The control for the network whose printed table is shown: the selection's, where it has one."""
    known = list(tables())
    asked, now = st.query_params.get("network"), st.session_state.get("network")
    if asked and asked not in known and not now:
        st.warning(f"No table of '{asked[:60]}' is printed; there are those of {', '.join(known)}.")
    if now and now not in known:
        usual = card(now).printed
        st.session_state.network = usual if usual in known else FIRST_TABLE
        Selection().network_changed()
    return str(
        st.segmented_control(
            "Network",
            known,
            default=FIRST_TABLE,
            required=True,
            key="network",
            bind=BOUND,
            on_change=_table_changed,
        )
    )


def _table_changed() -> None:
    Selection().network_changed()
    st.query_params.pop("cell", None)


def pick_cell(cell: str | None) -> None:
    """Have the URL name a cell of a printed table."""
    if cell:
        st.query_params["cell"] = cell


def picked_at_first(place: str) -> str | None:
    """The cell that the URL named when a table was first shown; later ones are marked where they are picked."""
    if st.session_state.get("printed at") != place:
        st.session_state["printed at"] = place
        st.session_state["cell at first"] = st.query_params.get("cell")
    return st.session_state["cell at first"]


# --- comparison ----------------------------------------------------------------


OWN = "My own"
CHOICES: dict[str, Callable[[str], bool]] = {  # by what they are called: whether a network is among them
    "All": lambda key: True,
    "Published weights": lambda key: key in {row.network for row in published()},
    "The article's four": lambda key: key in KEYS.values(),
    "VGG-16 and AlexNet": lambda key: key in ("vgg16", "alexnet"),
    "Residual and plain": lambda key: card(key).paper.link == card(FIRST_NETWORK).paper.link and card(key).classes > 10,
    "CIFAR-10": lambda key: card(key).input_shape == (3, 32, 32),
}


def compared_networks() -> tuple[str, ...]:
    """The controls for the networks that are compared: a ready-made choice, or one's own."""
    usual = OWN if st.query_params.get("networks") else "All"
    names = [*CHOICES, OWN]
    choice = st.selectbox(
        "Networks", names, index=names.index(usual), key="choice", bind=BOUND, width=px(210), on_change=_choice_changed
    )
    # at least one, as a table of nothing says nothing
    if choice != OWN:
        return tuple(key for key in offered() if CHOICES[choice](key)) or offered()
    usual_ones = [key for key in KEYS.values() if key in offered()]
    chosen = st.multiselect("My own", offered(), default=usual_ones, key="networks", bind=BOUND, width=px(265))
    return tuple(chosen) or (first_network(),)


def chart_of_comparison(published_ones: int) -> str:
    """The control for what is drawn: usually accuracy, where at least two networks have a published one."""
    return str(
        st.segmented_control(
            "Chart",
            ["Accuracy", "Parameters"],
            default="Accuracy" if published_ones > 1 else "Parameters",
            required=True,
            key="chart",
            bind=BOUND,
        )
    )


def _choice_changed() -> None:
    st.session_state.pop("chart", None)  # each choice has a chart of its own to begin with


def measure(keys: Sequence[str]) -> None:
    """Time each network on the engine's thread, and say how far it is.

    Raises:
        CnnvizError: a network can't be run here.
    """
    bar = st.progress(0.0)
    for number, key in enumerate(keys):
        bar.progress(number / len(keys), f"{key}, {number + 1} of {len(keys)}")
        timing = cache.shared_engine().timing(Options(key))
        known = st.session_state.get("timings", {})
        st.session_state["timings"] = {**known, key: timing}
    bar.empty()


def measured(keys: Sequence[str]) -> tuple[dict[str, float], str]:
    """Milliseconds by key, of those that were timed in this session, and on which device."""
    known = {key: timing for key, timing in st.session_state.get("timings", {}).items() if key in keys}
    where = next((timing.where for timing in known.values()), "")
    return {key: 1000 * timing.seconds for key, timing in known.items()}, where


# --- projector mode ----------------------------------------------------------


def type_size() -> float:
    """How much larger all type is by now, 1 for as usual."""
    return float(st.session_state.get("type size", 1))


def projector() -> bool:
    """Whether it is larger."""
    return type_size() != 1


def px(pixels: int) -> int:
    """Pixels of what holds type, and grows with it."""
    return round(pixels * type_size())


# --- what is hidden until it is asked for ------------------------------------


def hidden(place: str, what: object) -> bool:
    """Whether the numbers of a place on the page are still to be guessed; others than were shown there always are."""
    return bool(st.session_state.get("expect")) and st.session_state.get("shown", {}).get(place) != what


def reveal(place: str, what: object) -> None:
    """Show a place's numbers, until there are others."""
    st.session_state["shown"] = {**st.session_state.get("shown", {}), place: what}


def hide_all() -> None:
    """Whatever was shown is to be guessed again."""
    st.session_state["shown"] = {}


def first_layer(graph: LayerGraph) -> str:
    """What is selected until something is: the first convolution."""
    return next((layer for layer in graph.layers if layer.op == "conv"), graph.layers[0]).path


# --- the picture -------------------------------------------------------------


def usual_picture(entry: Card) -> str:
    """What a network is shown until something else is chosen: a digit, if it reads grey values."""
    photograph, digit = _USUAL_PICTURES
    return digit if entry.input_shape[0] == 1 else photograph


def picture_name() -> str:
    """The file of the picture that is looked at."""
    if "own picture" in st.session_state and (upload := st.session_state.get("upload")):
        return str(upload.name)
    sample = st.session_state.get("image") or usual_picture(card(st.session_state.network))
    return photographs()[sample].name


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
