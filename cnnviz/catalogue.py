"""From options to a graph: what a command line or a URL asks for, built on meta and traced."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import nn

from cnnviz import networks
from cnnviz.errors import BadOption, ShapeMismatch, Untraceable
from cnnviz.graph import LayerGraph, Shape
from cnnviz.networks.card import Card
from cnnviz.trace import Followed, trace
from cnnviz.weights import Training, keep

MOST_ALONG_A_SIDE = 65_536


@dataclass(frozen=True)
class Options:
    """A network and all that changes it; what is None is the network's own choice.

    Attributes:
        network: a key of the catalogue.
        size: (height, width) of the input.
        channels: of the input; other than the network's own, they give the sentence that says so.
        classes, shortcut, heads, batch_norm: as `networks.construct` takes them.
    """

    network: str
    size: tuple[int, int] | None = None
    classes: int | None = None
    shortcut: str | None = None
    heads: bool | None = None
    batch_norm: bool | None = None
    channels: int | None = None

    @property
    def chosen(self) -> dict[str, Any]:
        """What of classes, shortcut, heads and batch norm isn't left to the network."""
        given = {name: getattr(self, name) for name in ("classes", "shortcut", "heads", "batch_norm")}
        return {name: value for name, value in given.items() if value is not None}


def describe(options: Options) -> LayerGraph:
    """The layer graph that options mean; the most recent ones are kept.

    Raises:
        UnknownNetwork: the catalogue has no such key.
        BadOption: an option that the network doesn't take.
        ShapeMismatch: the input doesn't fit; names network and layer, and says what would fit.
        Untraceable: the forward of a brought network can't be followed.
    """
    return _described(options, networks.card(options.network))


@lru_cache(maxsize=64)
def _described(options: Options, entry: Card) -> LayerGraph:
    followed = _followed(replace(options, size=None, channels=None), entry)
    return _explained(options, followed.at)


@lru_cache(maxsize=8)  # several MB each: a network that is looked at in one size after the other is built once
def _followed(options: Options, _: Card) -> Followed:
    return Followed(construct(options), options.network)


def construct(options: Options) -> nn.Module:
    """The module that options mean, in evaluation mode: on meta, or a brought one as it was made.

    Raises:
        UnknownNetwork, BadOption: as `describe`.
    """
    return networks.construct(options.network, **options.chosen)


def keep_weights(options: Options, data: bytes | memoryview, name: str, folder: Path) -> Path:
    """A visitor's weight file in a folder, if it fits the network that options mean.

    Raises:
        BadWeights: as `weights.keep`.
    """
    return keep(construct(options), data, name, folder)


def graph_of(module: nn.Module, options: Options) -> LayerGraph:
    """The layer graph of a module that `construct` has made of the same options.

    Raises:
        BadOption, ShapeMismatch, Untraceable: as `describe`.
    """
    return _explained(options, lambda shape: trace(module, shape, network=options.network))


def _explained(options: Options, graph_at: Callable[[Shape], LayerGraph]) -> LayerGraph:
    """The graph at the input that options mean, or a sentence that names the network and what would fit."""
    name = options.network
    shape = input_shape(options)
    try:
        return graph_at(shape)
    except ShapeMismatch as error:
        advised = ShapeMismatch(f"{name}'s {error.layer}", error.detail, _advice(networks.card(name), shape))
        advised.layer = error.layer
        raise advised from error
    except Untraceable as error:
        raise Untraceable(f"{name} can't be followed: {error}") from error
    except RecursionError as error:
        raise Untraceable(f"{name} can't be followed: its forward calls itself without end.") from error


def input_shape(options: Options) -> Shape:
    """(channels, height, width) that options mean.

    Raises:
        UnknownNetwork: the catalogue has no such key.
        BadOption: a number below 1 or above 65,536.
    """
    own = networks.card(options.network).input_shape
    shape = (options.channels if options.channels is not None else own[0], *(options.size or own[1:]))
    if not all(1 <= side <= MOST_ALONG_A_SIDE for side in shape):
        raise BadOption(
            f"An input of {' x '.join(map(str, shape))} was given, but channels, height and width "
            f"have to be from 1 to {MOST_ALONG_A_SIDE:,} each, as in 3,224,224."
        )
    return shape


def as_trained(options: Options, training: Training | None) -> Options:
    """Options with what they leave open as the weights have learned it: size, and number of classes."""
    if training is None:
        return options
    size = (training.size, training.size) if training.size else None
    return replace(options, size=options.size or size, classes=options.classes or training.classes)


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


def _advice(entry: Card, shape: Shape) -> str:
    own = entry.input_shape
    if shape == own:  # as somebody has said of a network of their own
        return "Give the shape of its input, channels,height,width, as in 1,28,28."
    if shape[0] != own[0]:
        return f"Use {own[0]} channel{'s' if own[0] > 1 else ''}."
    return f"Use {own[1]}." if own[1] == own[2] else f"Use {own[1]} x {own[2]}."
