"""Everything that pages keep: graphs, drawings, tables, pictures. Maps and models are the engine's."""

import base64
import gzip
import hashlib
import io
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, Literal, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image

from cnnviz.activations.pictures import Maps
from cnnviz.analysis.comparison import Summary, summary
from cnnviz.analysis.folding import Fold, folds
from cnnviz.catalogue import Options, as_trained, construct, describe, keep_weights
from cnnviz.engine.local import Engine, Picture, engine
from cnnviz.engine.results import Outcome
from cnnviz.engine.studio import Running, Studio, studio
from cnnviz.errors import BadOption, BadWeights, DrawingFailed
from cnnviz.graph import LayerGraph
from cnnviz.images import Fit, as_received, load_image, photographs, to_input, zoomed
from cnnviz.lessons import identity, inception, pictures, replaced, shortcuts
from cnnviz.networks import card, source_for
from cnnviz.networks.inception import Widths
from cnnviz.prediction import class_names
from cnnviz.views import tables
from cnnviz.views.dot import Colour, Direction, dot_of
from cnnviz.views.drawing import Drawing, Unfolded, drawing
from cnnviz.views.explain import explain, explain_all
from cnnviz.views.explain.html import card_html
from cnnviz.views.export import graph_json
from cnnviz.views.layout import Format, render, svg_for_page
from cnnviz.views.mermaid import mermaid
from cnnviz.views.steps import steps
from cnnviz.weights.files import harmless

P = ParamSpec("P")
T = TypeVar("T")
OUTLINE: Literal["outline"] = "outline"
SECONDS, SECONDS_FOR_BROUGHT = 10.0, 2.0  # for a layout; Graphviz may need minutes for a network that nobody has tried
MOST_FOUND = 32  # of a megabyte at most each
_FOUND: OrderedDict[tuple[str, str], Any] = OrderedDict()
_FOUND_LOCK = threading.Lock()
OnWait = Callable[[int], None]
LONGEST_SIDE = 1024  # of a visitor's picture: larger than any network's input, small enough for a full hall


def kept(most: int, seconds: float | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep what a function gives, as `lru_cache` does, but compute it once, however many ask for it at the same time.

    A page of a full hall asks for a dozen such things; Streamlit's own cache takes longer to look than all of them
    take to be found here, and any visitor can clear it. Options mean what their network's card says now.

    Args:
        most: values that are kept.
        seconds: for how long, at most.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @lru_cache(maxsize=most)
        def place_for(*_: Hashable) -> _Place[T]:
            return _Place()

        @wraps(function)
        def found(*args: P.args, **kwargs: P.kwargs) -> T:
            cards = [card(arg.network) for arg in args if isinstance(arg, Options)]
            place = place_for(*args, *kwargs.items(), *cards, time.monotonic() // seconds if seconds else 0)
            with place.lock:
                if not place.value:
                    place.value.append(function(*args, **kwargs))
                return place.value[0]

        found.clear = place_for.cache_clear
        return found

    return decorate


class _Place(Generic[T]):
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.value: list[T] = []


def graph_of(options: Options) -> LayerGraph:
    """The layer graph of a network with these options; it is frozen, so all visitors share one."""
    return describe(options)


@kept(64)
def summary_of(key: str) -> Summary:
    """A network in a row of numbers, at its own input."""
    return summary(graph_of(Options(key)))


@kept(64)
def folds_of(options: Options) -> tuple[Fold, ...]:
    """The runs of equal blocks of a network."""
    return folds(graph_of(options))


@kept(64)
def drawing_of(options: Options, unfolded: Unfolded) -> Drawing:
    """What the picture of a network shows."""
    return drawing(graph_of(options), unfolded)


@dataclass(frozen=True)
class Look:
    """How a graph is drawn; all but `numbers`, whether nodes say shapes and parameters, is as `dot` takes it."""

    unfolded: Unfolded
    direction: Direction
    colour: Colour
    numbers: bool


def svg_of(options: Options, look: Look) -> tuple[Unfolded, str]:
    """The picture of a network, as an element of a page.

    Where it can't be laid out in time, runs of equal blocks stay folded; where that is no help, each block is a node.

    Returns:
        What is unfolded in it, and the picture.

    Raises:
        DrawingFailed: it can't be laid out at all.
    """
    for shown in dict.fromkeys((look.unfolded, (), OUTLINE)):
        drawn = _svg_or_reason(options, replace(look, unfolded=shown))
        if isinstance(drawn, str):
            return shown, drawn
    raise drawn


@kept(64, seconds=600)
def _svg_or_reason(options: Options, look: Look) -> str | DrawingFailed:
    # why there is none is kept as well: a full hall would have the same seconds pass again and again
    seconds = SECONDS_FOR_BROUGHT if card(options.network).brought else SECONDS
    try:
        with st.spinner("Laying out the graph …"):
            return svg_for_page(picture_file(options, look, "svg", seconds))
    except DrawingFailed as error:
        return error


@kept(64)
def steps_of(options: Options, unfolded: Unfolded, numbers: bool) -> tuple[dict[str, Any], ...]:
    """The forward pass through a picture, step by step, as the page's drawing takes it."""
    return tuple(asdict(step) for step in steps(drawing_of(options, unfolded), numbers))


def picture_file(options: Options, look: Look, form: Format, seconds: float = SECONDS) -> bytes:
    """The picture of a network as a file."""
    return render(dot_text(options, look), form, seconds)


def dot_text(options: Options, look: Look) -> str:
    """What Graphviz lays out."""
    return dot_of(drawing_of(options, look.unfolded), look.direction, look.colour, look.numbers)


def mermaid_text(options: Options, look: Look) -> str:
    """The picture as a Mermaid flowchart."""
    return mermaid(graph_of(options), unfolded=look.unfolded, direction=look.direction)


def json_text(options: Options) -> str:
    """The whole graph, unfolded."""
    return json.dumps(graph_json(graph_of(options)), indent=2)


@kept(64)
def rows_of(options: Options, columns: tuple[str, ...], asked: bool) -> list[list[object]]:
    """One row a layer, of some of the table's columns; `asked` puts question marks for what is computed."""
    frame = tables.layers(graph_of(options))
    rows: list[list[object]] = (tables.asked(frame) if asked else frame)[list(columns)].to_numpy(dtype=object).tolist()
    return rows


@kept(2)
def training_curves(batch_norm: bool) -> tuple[shortcuts.Curve, ...]:
    """How plain and residual networks have learned here."""
    return shortcuts.curves(batch_norm)


@kept(64)
def option_of(key: str, shortcut: shortcuts.Shortcut) -> shortcuts.Option:
    """What a network costs with one kind of shortcuts."""
    return shortcuts.option(key, shortcut)


@kept(64)
def excerpt_svg(key: str, shortcut: shortcuts.Shortcut) -> str:
    """Two of its blocks, as an element of a page."""
    text = dot_of(drawing(shortcuts.excerpt(key, shortcut)), "LR")
    return svg_for_page(render(text, "svg", SECONDS))


@st.cache_resource(max_entries=256, show_spinner=False)
def gradients(network: shortcuts.Untrained, digest: str, _image: Image.Image, fit: Fit) -> shortcuts.Gradients:
    """What a backward pass brings to each layer of a network that sees this picture."""
    x = to_input(_image, card(shortcuts.receiver(network.depth)), fit=fit)
    work = lambda _, __, on_step: shortcuts.backward(network, x, on_step)  # noqa: E731
    return shared_engine().compute(("gradients", network, digest, fit), work, Options("resnet20")).value


@kept(16)
def blocks_of(key: str) -> dict[str, tuple[shortcuts.Damage, ...]]:
    """A network's blocks, and how each can be damaged."""
    module = construct(Options(key))
    return {block: shortcuts.damages(module, block) for block in shortcuts.blocks(module)}


def bundled_options(key: str) -> Options:
    """A network as its bundled weights know it."""
    return as_trained(Options(key), source_for(key, "bundled").training)


@st.cache_resource(max_entries=64, show_spinner=False)
def lesion_of(key: str, digest: str, _image: Image.Image, fit: Fit) -> tuple[shortcuts.Lesion, str]:
    """What a trained network says to a picture with each of its blocks damaged, and a phrase that names its weights."""
    options = bundled_options(key)
    x = to_input(_image, card(key), options.size, fit)
    names = class_names(card(key), source_for(key, "bundled").training)
    work = lambda module, _, on_step: shortcuts.lesion(module, x, graph_of(options), names, on_step)  # noqa: E731
    done = shared_engine().compute(("lesion", key, digest, fit), work, options, weights="bundled")
    return done.value, done.weights


@st.cache_resource(max_entries=64, show_spinner=False)
def damaged_maps(
    key: str, block: str, damage: shortcuts.Damage, of: str, digest: str, _image: Image.Image, fit: Fit
) -> tuple[Maps, Maps]:
    """What a block gives in the network as it is, and in the damaged one, in the same colours."""
    options = bundled_options(key)
    x = to_input(_image, card(key), options.size, fit)
    work = lambda module, _, on_step: shortcuts.maps_beside(module, x, block, damage, of)  # noqa: E731
    what = ("damaged", key, block, damage, of, digest, fit)
    return shared_engine().compute(what, work, options, weights="bundled").value


@kept(4096)  # 6 kB each
def card_of(options: Options, path: str, asked: bool) -> str:
    """The layer's card as HTML; `asked` puts question marks for what is computed."""
    return card_html(explain(graph_of(options), path), asked=asked)


@kept(16)
def deck_of(options: Options) -> bytes:
    """The cards of all layers, by their paths, as JSON in gzip: 28 kB for ResNet-152."""
    cards = {known.path: card_html(known) for known in explain_all(graph_of(options))}
    return gzip.compress(json.dumps(cards).encode(), mtime=0)


@kept(16)
def photograph(name: str) -> Picture:
    """One of the pictures that come along."""
    return picture_from(photographs()[name].read_bytes(), name)


@st.cache_resource(max_entries=64, show_spinner=False)
def received(
    network: str,
    size: tuple[int, int] | None,
    digest: str,
    _image: Image.Image,
    fit: Fit = "crop",
) -> tuple[Image.Image, tuple[int, int]]:
    """A picture as a network receives it, as large as it is looked at on a page; and the input's height and width."""
    seen = as_received(_image, card(network), size, fit)
    side = max(seen.size)
    zoom = 300 / side if side > 300 else max(1, 128 // side)  # 32 x 32 pixels are to be seen as what they are
    shown = seen.resize(
        (round(seen.width * zoom), round(seen.height * zoom)),
        Image.Resampling.BOX if zoom < 1 else Image.Resampling.NEAREST,
    )
    return shown, (seen.height, seen.width)


@st.cache_resource(max_entries=64, show_spinner=False)
def received_url(
    network: str, size: tuple[int, int] | None, digest: str, _image: Image.Image, fit: Fit
) -> tuple[str, int, tuple[int, int]]:
    """The same as a page takes it: a URL with all its bytes, its width in pixels, and the input's height and width."""
    shown, of_input = received(network, size, digest, _image, fit)
    if max(shown.size) <= max(of_input):  # a photograph; where few pixels are enlarged, each is to be seen as it is
        return jpeg_url(shown), shown.width, of_input
    data = io.BytesIO()
    shown.save(data, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}", shown.width, of_input


def jpeg_url(picture: Image.Image) -> str:
    """A picture as a URL with all its bytes, as few as a page needs where each pixel is smaller than one of its own."""
    data = io.BytesIO()
    picture.convert("RGB").save(data, "JPEG", quality=90, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"


def picture_from(data: bytes, name: str) -> Picture:
    """A visitor's file as a picture, no larger than any network needs."""
    image = load_image(data, name)
    notes = image.info.get("cnnviz_notes", ())
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    image.info["cnnviz_notes"] = notes
    return Picture(image, hashlib.sha256(data).hexdigest())


def scaled(network: str, picture: Picture, zoom: float) -> Picture:
    """A picture, as much smaller or larger, for a network."""
    if zoom == 1:
        return picture
    return Picture(zoomed(picture.image, card(network), zoom), f"{picture.digest} x {zoom:g}")


@dataclass(frozen=True)
class OwnWeights:
    """A visitor's weight file, which fits the network that it was brought for.

    It is on disk as long as somebody holds this, which a session does.
    """

    network: str
    path: Path
    folder: TemporaryDirectory[str]


def weights_from(options: Options, data: memoryview, name: str) -> OwnWeights:
    """A visitor's file as the weights of a network.

    Raises:
        BadWeights: as `keep_weights`.
    """
    try:
        folder = TemporaryDirectory(prefix="cnnviz-", ignore_cleanup_errors=True)
    except OSError as error:
        raise BadWeights(f"'{harmless(name)}' can't be kept on this machine ({error.strerror or error}).") from error
    return OwnWeights(options.network, keep_weights(options, data, name, Path(folder.name)), folder)


def sample_names() -> list[str]:
    """Names of the pictures that come along."""
    return list(photographs())


# --- lessons -------------------------------------------------------------------


def apart(what: Hashable, work: Callable[[], T]) -> T:
    """What some work on tensors gives that needs no network: run where the forward passes run, and kept for a while.

    Args:
        what: names the work, and all that it depends on.
    """
    return _computed(what, work)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={tuple: repr})
def _computed(what: Hashable, _work: Callable[[], T]) -> T:
    return shared_engine().apart(what, _work)


@st.cache_resource(max_entries=16, show_spinner=False)
def in_threes(key: str, inside: replaced.Inside, taken: replaced.Taken) -> replaced.Replaced:
    """A network beside itself with stacks of 3 x 3 for its larger kernels."""
    return replaced.replaced(key, inside, taken)


@st.cache_resource(max_entries=32, show_spinner=False)
def in_threes_svg(key: str, inside: replaced.Inside, taken: replaced.Taken, after: bool) -> str:
    """One of the two, as an element of a page."""
    both = in_threes(key, inside, taken)
    return svg_for_page(render(dot_of(drawing(both.after if after else both.before)), "svg", SECONDS))


@st.cache_resource(max_entries=16, show_spinner=False)
def grey(digest: str, _image: Image.Image) -> npt.NDArray[np.float64]:
    """(H, W): a picture as the lesson on kernels filters it, the luminance of its middle, 96 x 96 values in 0..1."""
    seen = as_received(_image, card("resnet18"), (96, 96)).convert("L")
    values: npt.NDArray[np.float64] = np.asarray(seen, dtype=np.float64) / 255
    return values


def begin_copying(
    digest: str, image: Image.Image, blocks: int, decay: float, seed: int
) -> tuple[identity.Copying, Running]:
    """Two stacks that begin to learn to copy a picture, a visitor's own ones."""
    copying = identity.Copying(grey(digest, image), blocks, decay, seed)
    return copying, shared_studio().begin("copying", copying.learn())


def run(what: tuple[Hashable, ...], work: Callable[..., Any], options: Options, on_wait: OnWait) -> Outcome[Any]:
    """A lesson's work on a network with its usual weights, as `Engine.compute`; the most recent outcomes are kept."""
    kept = _place_for(what, options)
    if not kept:  # not within a cached function: Streamlit would want to draw again what `on_wait` has drawn
        kept.append(shared_engine().compute(what, work, options, on_wait=on_wait))
    return kept[0]


@st.cache_resource(max_entries=48, show_spinner=False)
def _place_for(what: tuple[Hashable, ...], options: Options) -> list[Outcome[Any]]:
    return []


@kept(64)
def classes_of(key: str) -> tuple[str, ...]:
    """The names of a network's classes, as its usual weights know them."""
    return class_names(card(key), source_for(key).training)


@kept(64)
def as_learned(key: str) -> Options:
    """A network as its usual weights know it."""
    return pictures.as_learned(key)


def inception_module(inputs: int, widths: Widths, side: int, *, naive: bool = False) -> inception.Module:
    """An inception module in numbers; the most recent ones are kept."""
    return inception.counted(inputs, widths, side, naive=naive)


def keep(lesson: str, what: Hashable, found: T) -> str:
    """Keep what a page has found out, for answers that are about it; the most recent ones stay.

    Args:
        lesson: that it is for.
        what: tells it from everything else.

    Returns:
        what it is to be asked for by.
    """
    key = hashlib.sha256(repr(what).encode()).hexdigest()
    with _FOUND_LOCK:
        _FOUND[lesson, key] = found
        _FOUND.move_to_end((lesson, key))
        if len(_FOUND) > MOST_FOUND:
            _FOUND.popitem(last=False)
    return key


def kept_as(lesson: str, key: str) -> Any:
    """What was kept.

    Raises:
        BadOption: it isn't any more.
    """
    with _FOUND_LOCK:
        if (lesson, key) not in _FOUND:
            raise BadOption("This page's picture isn't at hand any more: please load the page again.")
        return _FOUND[lesson, key]


def shared_engine() -> Engine:
    """Who runs the forward passes. Not in Streamlit's cache, which any visitor can clear."""
    return engine()


def shared_studio() -> Studio:
    """Who answers what is asked besides; it keeps its own answers."""
    return studio()
