"""The selection (network, size, options, layer, channel), the picture, and their URL.

Each part is a session value under the name it has in the URL, so that any place of the app is a link. Of those that
have a widget, `bind="query-params"` keeps the two equal; layer and channel, which are picked in components of ours, are
written to the URL by hand.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import streamlit as st
from streamlit.runtime.state.session_state_proxy import get_session_state
from streamlit.runtime.uploaded_file_manager import DeletedFile

from app import cache
from app.components.pad import drawing_on
from cnnviz.catalogue import Options, describe
from cnnviz.cli.named import named
from cnnviz.engine.local import Picture
from cnnviz.errors import CnnvizError, UnknownLayer, UnknownNetwork
from cnnviz.graph import Layer, LayerGraph
from cnnviz.images import Fit, photographs
from cnnviz.networks import Card, card, cards, kinds_for
from cnnviz.networks.inception import Widths
from cnnviz.networks.partners import partner

BOUND = "query-params"
FIRST_NETWORK = "resnet18"
BROUGHT = "brought"  # in the URL: whether there is a picture of the visitor's own
AUTO, OWN = "auto", "own"  # weights: what is best here, and a file of the visitor's
PROJECTOR = 1.25  # how much larger all type is in projector mode
_USUAL_PICTURES = ("cat", "digit-3")
SOURCES = ("sample", "file", "camera", "pad")  # where the picture comes from
OPTIONS = ("classes", "shortcut", "heads", "batch_norm")  # that some network has
_PARTS = {  # what a page's link has to hold, besides its selections
    "": ("from", "image", "fit", "zoom", "expect"),
    "beside": ("from", "image", "fit", "zoom", "together"),
    "kernels": (
        *("show", "kernel", "in", "mid", "out", "map", "dilation", "stride", "strided", "bias"),
        *("inside", "seed", "from", "image"),
        *("large", "within", "taken"),
    ),
    "lenet": ("reads", "c3", "digit", "flipped"),
    "alexnet": (
        *("idea", "from", "image", "on", "layers", "gain", "n", "k", "alpha", "beta", "window", "apart", "p", "masks"),
        *("draw", "cover", "crop", "mirror", "crops"),
    ),
    "inception": ("about", "side", "inputs", *Widths._fields, "from", "image", "of", "place", "against"),
    "shortcuts": (
        *("point", "norm", "from", "image", "fit", "zoom"),
        *("depth", "when", "begin", "derived", "chance"),
        *("options", "option"),
        *("trained", "block", "damage", "maps"),
        *("blocks", "decay"),
    ),
    "printed": ("network", "differing"),
    "compare": ("choice", "networks", "chart", "cost", "accuracy"),
}
_LISTS = ("networks",)  # of which nothing may be chosen


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

    @property
    def name(self) -> str:
        """What the views of a page know it by, and the key of the component that links them."""
        return self.key("selection")

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

    def open_link(self) -> None:
        """Go where the URL says; a link to a network that isn't there opens the first one, and says so."""
        self.follow_url()
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
        self.set("weights", AUTO)
        st.query_params.pop(self.key("target"), None)
        # a page has one picture, and the shared selection decides what it usually is
        if not self.suffix and st.session_state.get("image") in _USUAL_PICTURES:
            st.session_state.image = usual_picture(entry)
        self.layer_changed()

    def parts(self) -> dict[str, Any]:
        """All that a link to this place has to hold, by its names in the URL."""
        options = card(self.get("network")).options if self.get("network") else ()
        names = ("network", "size", "layer", "order", "scale", "colour", "across", *sorted(options))
        weights = self.get("weights")
        return {self.key(name): self.get(name) for name in names} | {
            self.key("channel"): st.query_params.get(self.key("channel")),
            self.key("at"): st.query_params.get(self.key("at")),
            self.key("target"): st.query_params.get(self.key("target")),
            self.key("weights"): None if weights == OWN else weights,  # a visitor's own file stays with him
        }

    # --- layer, channel and place --------------------------------------------

    def layer_changed(self) -> None:
        """Another layer has channels and places of its own."""
        for part in ("channel", "at"):
            st.query_params.pop(self.key(part), None)

    def pick_layer(self, path: str | None) -> None:
        """Select a layer, from wherever it was picked."""
        if path and path != self.get("layer"):
            self.set("layer", path)
            self.layer_changed()

    def pick_channel(self, channel: int | None) -> None:
        """Select a channel of the layer; picked again, it is let go."""
        again = st.query_params.get(self.key("channel")) == str(channel)
        self.choose_channel(None if again else channel)

    def choose_channel(self, channel: int | None) -> None:
        """Select a channel of the layer, or a unit; None lets it go."""
        if channel is None:
            self.layer_changed()
        else:
            st.query_params[self.key("channel")] = str(channel)

    def channel_of(self, layer: Layer) -> int | None:
        """The selected channel, if the layer has it."""
        text = st.query_params.get(self.key("channel"), "")
        fits = text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < layer.output_shape[0]
        return int(text) if fits else None

    def pick_place(self, place: object) -> None:
        """Select a place in the layer's maps, as a browser says it."""
        if isinstance(place, list) and len(place) == 2 and all(isinstance(at, int) for at in place):
            st.query_params[self.key("at")] = f"{place[0]},{place[1]}"

    def place_of(self, layer: Layer) -> tuple[int, int] | None:
        """The row and the column of the selected place, if there is a channel selected and it has them."""
        shape = layer.output_shape
        if len(shape) != 3 or self.channel_of(layer) is None:
            return None
        texts = st.query_params.get(self.key("at"), "").split(",")
        fits = len(texts) == 2 and all(text.isascii() and text.isdecimal() and len(text) < 6 for text in texts)
        row, column = map(int, texts) if fits else (shape[1], shape[2])
        return (row, column) if row < shape[1] and column < shape[2] else None

    def pick_class(self, number: object) -> None:
        """Choose a class; picked again, it is let go."""
        key = self.key("target")
        if not isinstance(number, int) or st.query_params.get(key) == str(number):
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = str(number)

    def class_of(self, classes: int) -> int | None:
        """The chosen class, if there are as many."""
        text = st.query_params.get(self.key("target"), "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < classes else None

    def layer_in(self, graph: LayerGraph) -> str:
        """The selected layer; the first convolution until there is one."""
        asked = self.get("layer")
        return asked if asked and asked in graph else first_layer(graph)

    def follow_url(self) -> None:
        """Take the layer from the URL where that has changed since it was written: by a link, or the back button."""
        self.set("layer", followed(self.key("layer")))

    def show_in_url(self, graph: LayerGraph) -> None:
        """Write the layer to the URL, where it isn't the one that is selected until another is."""
        path = self.layer_in(graph)
        self.set("layer", path)
        write(self.key("layer"), None if path == first_layer(graph) else path)

    def forget_unknown_layer(self, graph: LayerGraph) -> None:
        """A layer that the network hasn't (any more, or ever): say so once, and go on with the first."""
        asked = self.get("layer")
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

    def one_level_back(self, network: str, runs: Mapping[str, Sequence[str]], graph: LayerGraph) -> None:
        """Let the channel and its place go; else fold the run that the layer is in; else select the first layer."""
        path = self.layer_in(graph)
        if self.key("channel") in st.query_params:
            self.layer_changed()
            return
        firsts = list(runs)
        inside = [first for first in self.opened(network, firsts) if any(path.startswith(f"{b}.") for b in runs[first])]
        if inside:
            self.toggle_fold(network, firsts, inside[-1])
        else:
            self.pick_layer(first_layer(graph))

    # --- weights -------------------------------------------------------------

    def weights_offered(self, options: Options) -> tuple[str, ...]:
        """The words for weights that fit the network, the visitor's own file among them."""
        own = self.get("own weights")
        offered = kinds_for(options.network, **options.chosen)
        if own and own.network == options.network:
            offered += (OWN,)
        if self.get("weights") not in (None, *offered):
            self.set("weights", AUTO)
        if not own and st.query_params.get(self.key("weights")) == OWN:  # the URL outlives the session
            self.set(
                "weights refused",
                "The weights that were brought here are gone: the connection was lost for too long, or this is "
                "somebody else's link. Please bring them again.",
            )
        return offered

    def take_weights(self, options: Options) -> None:
        """A visitor's file becomes the weights; one that is refused leaves them as they were, with a sentence."""
        file, before = self.get("weights upload"), self.get("own weights")
        self.set("weights refused", "")
        # so does a browser begin to replace a file by another, which may be refused
        if file is None or isinstance(file, DeletedFile):
            return
        try:
            self.set("own weights", cache.weights_from(options, file.getbuffer(), file.name))
        except CnnvizError as error:
            self.set("weights refused", str(error))
            return
        self.set("weights", OWN)
        if before:
            before.folder.cleanup()


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


def followed(name: str) -> Any:
    """What is written to the URL by hand: as it says, if it has changed since, or as the session has it."""
    now, written = st.query_params.get(name), f"{name} written"
    news = now is not None if st.session_state.get("page is new") else now != st.session_state.get(written)
    st.session_state[written] = now
    return now if news else st.session_state.get(name)


def write(name: str, value: Any) -> None:
    """Write to the URL; None takes it out."""
    text = None if value is None else _as_text(value)
    with get_session_state().query_params() as parameters:
        # a widget of another view, which has the same name: it would take this out of the URL as it goes
        if bound := parameters.get_binding_for_param(name):
            parameters.unbind_widget(bound.widget_id)
    if text is None:
        st.query_params.pop(name, None)
    elif text != st.query_params.get(name):
        st.query_params[name] = text
    st.session_state[f"{name} written"] = text


def forget_unusable() -> None:
    """Take out of the URL what Streamlit's own widgets fail at, before one reads it.

    These are numbers that aren't finite, and empty values, with which a control that has to have a choice has none.
    """
    bad = [
        name
        for name in st.query_params
        if any(map(_infinite, values := st.query_params.get_all(name))) or (name not in _LISTS and not any(values))
    ]
    for name in bad:
        del st.query_params[name]
    if bad:  # this run's widgets would still find them
        st.rerun()


def _infinite(text: str) -> bool:
    try:
        return not math.isfinite(float(text))
    except ValueError:
        return False


def come_to(page: str) -> None:
    """What is selected stays so on pages that don't show it, and is in the URL of those that do.

    A page that one comes to has a URL of its own, into which only what is assigned gets; and Streamlit forgets the
    values of controls that a page doesn't draw.

    Args:
        page: its path in the URL, "" for the first.
    """
    changed = st.session_state.setdefault("page", page) != page
    st.session_state.page, st.session_state["page is new"] = page, changed
    shown = _shown_on(page)
    for key in {"projector", *(name for other in _SELECTIONS for name in _shown_on(other))}:
        forgotten = changed or key not in {*shown, "projector"}
        if forgotten and key not in st.query_params and st.session_state.get(key) is not None:
            st.session_state[key] = st.session_state[key]


@lru_cache
def _shown_on(page: str) -> frozenset[str]:
    """Names of what a page has controls for, and shares with others."""
    names = {"network", "size", *OPTIONS, "scale", "colour", "across", "weights"}
    of_selections = {chosen.key(name) for chosen in _SELECTIONS.get(page, ()) for name in names}
    return frozenset(of_selections | {name for name in _PARTS.get(page, ()) if name not in ("expect", "together")})


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


def own_weights_on(page: str) -> bool:
    """Whether a visitor's own weights are behind the maps of a page."""
    return any(selection.get("weights") == OWN for selection in _SELECTIONS.get(page, ()))


def keep_among(name: str, options: Sequence[str]) -> None:
    """Before its widget is drawn: a control whose value isn't offered any more goes back to the first one.

    It is assigned and not just forgotten, or the widget would find the old one in the URL again.
    """
    if st.session_state.get(name) not in (None, *options):
        st.session_state[name] = options[0]


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


def hides() -> bool:
    """Whether numbers are hidden until they are asked for."""
    return bool(st.session_state.get("expect"))


def hidden(place: str, what: object) -> bool:
    """Whether the numbers of a place on the page are still to be guessed; others than were shown there always are."""
    return hides() and st.session_state.get("shown", {}).get(place) != what


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


def sample() -> str:
    """The picture of those that come along which is chosen, whether its control is there or not."""
    chosen = st.session_state.get("image") or st.query_params.get("image")
    return (
        chosen if chosen in photographs() else usual_picture(card(st.session_state.get("network") or first_network()))
    )


def fit() -> Fit:
    """How a picture that isn't square becomes so."""
    return "squeeze" if st.session_state.get("fit") == "squeeze" else "crop"


def zoom() -> float:
    """How much larger the picture is shown than it is."""
    return float(st.session_state.get("zoom") or 1)


@dataclass(frozen=True)
class Own:
    """A visitor's own picture: where it came from (a word of `SOURCES`), and the name of its file."""

    source: str
    name: str
    picture: Picture


def own() -> Own | None:
    """The visitor's own picture, while the place that it came from is chosen."""
    kept: Own | None = st.session_state.get("own picture")
    return kept if kept and kept.source == st.session_state.get("from") else None


def draws(options: Options) -> bool:
    """Whether the picture is one that the visitor draws, for a network that reads digits."""
    source = st.session_state.get("from") or st.query_params.get("from")  # its control comes later
    return source == "pad" and card(options.network).digits


def picture_name() -> str:
    """The file of the picture that is looked at."""
    mine = own()
    return mine.name if mine else photographs()[sample()].name


def notice_a_lost_picture() -> None:
    """A visitor's own picture lives as long as the session; the URL, which outlives it, says that there was one."""
    there, said = bool(st.session_state.get("own picture")), BROUGHT in st.query_params
    if there and not said:
        st.query_params[BROUGHT] = "1"
    elif said and not there:
        del st.query_params[BROUGHT]
        if "own picture" not in st.session_state:  # else it was taken away
            st.session_state["refused"] = (
                "The picture that was brought here is gone: the connection was lost for too long, or this is somebody "
                "else's link. Please bring it again."
            )


def source_changed() -> None:
    """What was said of another place's file is of no interest any more."""
    st.session_state["refused"] = ""


def take_upload() -> None:
    """A visitor's file becomes the picture; taken away, it is no more."""
    file = st.session_state.upload
    if isinstance(file, DeletedFile):  # the server has no room for it any more; what was made of it stays
        return
    _take("file", file.name if file else "", file.getvalue() if file else b"")


def take_photo() -> None:
    """A photograph that was just taken becomes the picture."""
    file = st.session_state.photo
    if isinstance(file, DeletedFile):
        return
    _take("camera", "photo.jpg", file.getvalue() if file else b"")


def take_drawing() -> None:
    """What is on the pad becomes the picture."""
    drawing = drawing_on("pad")
    _take("pad", "drawing.png", drawing.png)
    st.session_state["drawing seen"] = drawing.number


def drawing_seen() -> int:
    """The number of the pad's drawing that was taken last, 0 if there is none, or another picture has come since."""
    return int(st.session_state.get("drawing seen", 0))


def _take(source: str, name: str, data: bytes) -> None:
    """A visitor's file becomes the picture; one that is refused leaves the picture as it was, with a sentence."""
    st.session_state["refused"], st.session_state["drawing seen"] = "", 0
    try:
        st.session_state["own picture"] = Own(source, name, cache.picture_from(data, name)) if data else None
    except CnnvizError as error:
        st.session_state["refused"] = str(error)
