"""From options to a graph: what a command line or a URL asks for, built on meta and traced."""

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from torch import nn

from cnnviz import networks
from cnnviz.errors import BadOption, CnnvizError, ShapeMismatch, Untraceable
from cnnviz.graph import LayerGraph, Shape
from cnnviz.networks.card import IMAGENET, Card, Normalisation, Paper
from cnnviz.trace import trace

MOST_ALONG_A_SIDE = 65_536
FOREIGN_INPUT = (3, 224, 224)
"""What a network of the user's own is given where nothing else is said."""


@dataclass(frozen=True)
class Options:
    """A network and all that changes it; what is None is the network's own choice.

    Attributes:
        network: a catalogue key, or `package.module:callable` where that is allowed.
        size: (height, width) of the input.
        channels: of the input; other than the network's own, they give the sentence that says so.
        classes, shortcut, heads: as `networks.construct` takes them.
    """

    network: str
    size: tuple[int, int] | None = None
    classes: int | None = None
    shortcut: str | None = None
    heads: bool | None = None
    channels: int | None = None

    @property
    def chosen(self) -> dict[str, int | str | bool]:
        """What of classes, shortcut and heads isn't left to the network."""
        given = {"classes": self.classes, "shortcut": self.shortcut, "heads": self.heads}
        return {name: value for name, value in given.items() if value is not None}


def describe(options: Options, *, foreign: bool = False) -> LayerGraph:
    """The layer graph that options mean; the most recent ones are kept.

    Args:
        foreign: whether `package.module:callable` may be imported. Never for what a URL says.

    Raises:
        UnknownNetwork: the catalogue has no such key.
        BadOption: an option that the network doesn't take, or a foreign network that can't be had.
        ShapeMismatch: the input doesn't fit; names network and layer, and says what would fit.
        Untraceable: a foreign network's forward can't be followed.
    """
    if foreign and is_foreign(options.network):
        return graph_of(construct(options, foreign=True), options, foreign=True)
    return _described(options)


@lru_cache(maxsize=64)
def _described(options: Options) -> LayerGraph:
    return graph_of(construct(options), options)


def construct(options: Options, *, foreign: bool = False) -> nn.Module:
    """The module that options mean, in evaluation mode: on meta, or a foreign one as it is made.

    Raises:
        UnknownNetwork, BadOption: as `describe`.
    """
    if foreign and is_foreign(options.network):
        return _imported(options.network, dict(options.chosen)).eval()
    return networks.construct(options.network, classes=options.classes, shortcut=options.shortcut, heads=options.heads)


def graph_of(module: nn.Module, options: Options, *, foreign: bool = False) -> LayerGraph:
    """The layer graph of a module that `construct` has made of the same options.

    Raises:
        BadOption, ShapeMismatch, Untraceable: as `describe`.
    """
    name = options.network
    shape = input_shape(options, foreign=foreign)
    try:
        return trace(module, shape, network=name)
    except ShapeMismatch as error:
        advised = ShapeMismatch(f"{name}'s {error.layer}", error.detail, _advice(options, shape, foreign))
        advised.layer = error.layer
        raise advised from error
    except Untraceable as error:
        raise Untraceable(f"{name} can't be followed: {error}") from error
    except RecursionError as error:
        raise Untraceable(f"{name} can't be followed: its forward calls itself without end.") from error


def input_shape(options: Options, *, foreign: bool = False) -> Shape:
    """(channels, height, width) that options mean.

    Raises:
        UnknownNetwork: the catalogue has no such key.
        BadOption: a number below 1 or above 65,536.
    """
    own = card_of(options, foreign=foreign).input_shape
    shape = (options.channels if options.channels is not None else own[0], *(options.size or own[1:]))
    if not all(1 <= side <= MOST_ALONG_A_SIDE for side in shape):
        raise BadOption(
            f"An input of {' x '.join(map(str, shape))} was given, but channels, height and width "
            f"have to be from 1 to {MOST_ALONG_A_SIDE:,} each, as in {','.join(map(str, own))}."
        )
    return shape


def card_of(options: Options, *, foreign: bool = False) -> Card:
    """The card of a network; for a foreign one what has to be assumed of it.

    A foreign network gets its picture in ImageNet's normalisation, or in 0..1 where its input
    hasn't three channels.

    Raises:
        UnknownNetwork: the catalogue has no such key.
    """
    name = options.network
    if not (foreign and is_foreign(name)):
        return networks.card(name)
    channels = options.channels if options.channels is not None else FOREIGN_INPUT[0]
    plain = Normalisation("0 to 1", mean=(0.0,) * max(0, channels), std=(1.0,) * max(0, channels))
    return Card(
        name,
        title=name,
        year=0,
        idea="",
        build=lambda: construct(options, foreign=True),
        input_shape=(channels, *FOREIGN_INPUT[1:]),
        normalisation=IMAGENET if channels == len(IMAGENET.mean) else plain,
        paper=Paper("", ""),
    )


def is_foreign(network: str) -> bool:
    """Whether a name is written `package.module:callable`; no key of the catalogue has a colon."""
    return ":" in network


# --- what people type --------------------------------------------------------


def parse_input(text: str) -> tuple[int, int, int]:
    """`3,224,224` -> (channels, height, width).

    Raises:
        BadOption: anything but three whole numbers.
    """
    numbers = _numbers(text)
    if numbers is None or len(numbers) != 3:
        raise BadOption(f"The input '{_short(text)}' was given, but channels,height,width are needed, as in 3,224,224.")
    return (numbers[0], numbers[1], numbers[2])


def parse_size(text: str) -> tuple[int, int]:
    """`224` or `224,320` -> (height, width).

    Raises:
        BadOption: anything but one or two whole numbers.
    """
    numbers = _numbers(text)
    if numbers is None or len(numbers) not in (1, 2):
        raise BadOption(
            f"The size '{_short(text)}' was given, but one number is needed, or height,width, as in 224,320."
        )
    return (numbers[0], numbers[-1])


def _numbers(text: str) -> list[int] | None:
    parts = [part.strip() for part in text.split(",")]
    return [int(part) for part in parts] if all(re.fullmatch(r"-?[0-9]{1,9}", part) for part in parts) else None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


# --- foreign networks --------------------------------------------------------


def _imported(name: str, options: Mapping[str, object]) -> nn.Module:
    place, _, attribute = name.partition(":")
    if not place or not attribute:
        raise BadOption(f"'{name}' names no network: write package.module:callable, as in nets:MyNet.")
    # Whatever a stranger's code raises, sys.exit in a script without a main guard included, is its answer.
    try:
        found = importlib.import_module(place)
    except (Exception, SystemExit) as error:
        raise BadOption(f"{name} can't be had, as importing {place} fails: {_first_line(error)}.") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise BadOption(f"{place} has no '{attribute}'.{_closest(part, _networks_in(found))}")
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise BadOption(f"{name} is of type {type(found).__name__}, but a callable that gives an nn.Module is needed.")
    try:
        module = found(**options)
    except (Exception, SystemExit) as error:
        given = ", ".join(f"{key}={value!r}" for key, value in options.items())
        raise BadOption(f"{attribute}({given}) of {place} fails: {_first_line(error)}.") from error
    if not isinstance(module, nn.Module):
        raise BadOption(f"{name} gives {type(module).__name__}, but an nn.Module is needed.")
    return module


def _networks_in(place: object) -> list[str]:
    return [
        name
        for name, value in vars(place).items()
        if isinstance(value, nn.Module) or (isinstance(value, type) and issubclass(value, nn.Module))
    ]


def _closest(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=3, cutoff=0.5) or known[:3]
    return f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""


def _first_line(error: BaseException) -> str:
    text = str(error).strip().partition("\n")[0].rstrip(".")
    return text if isinstance(error, CnnvizError) else f"{type(error).__name__}{': ' if text else ''}{text}"


def _advice(options: Options, shape: Shape, foreign: bool) -> str:
    if foreign and is_foreign(options.network):
        return "Give the shape of its input, channels,height,width, as in 1,28,28."
    own = networks.card(options.network).input_shape
    if shape[0] != own[0]:
        return f"Use {own[0]} channel{'s' if own[0] > 1 else ''}."
    return f"Use {own[1]}." if own[1] == own[2] else f"Use {own[1]} x {own[2]}."
