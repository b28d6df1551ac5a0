"""The card of a network: what the catalogue knows of it beside the module itself."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from torch import nn

from cnnviz.graph import Shape


@dataclass(frozen=True)
class Normalisation:
    """What a network expects of its input: (pixel in 0..1 - mean) / std, one value a channel."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


IMAGENET = Normalisation("ImageNet", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""torchvision's preset, which the published checkpoints were trained with."""

CIFAR10 = Normalisation("CIFAR-10", mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616))
"""Mean and standard deviation of the 50,000 training images."""


@dataclass(frozen=True)
class Paper:
    """Where a network was published."""

    citation: str
    link: str


@dataclass(frozen=True)
class Accuracy:
    """A published top-5 accuracy in percent, with the protocol it was measured by and its source."""

    percent: float
    source: str


@dataclass(frozen=True)
class Card:
    """One entry of the catalogue.

    Attributes:
        key: what one types (`resnet18`).
        build: the module's constructor; its keyword arguments are those of `options`.
        idea: the salient idea in a sentence.
        input_shape: (channels, height, width) that the network was published with.
        options: which of `classes`, `shortcut`, `heads`, `batch_norm` the constructor takes.
        top5: published top-5 accuracy on ImageNet, None where there is none.
        printed: name of the printed table (`assets/printed/NAME.csv`) of this network.
        checkpoint: file name of the published weights, which fit this network.
        border: pixels on each side of the input that frame the picture, its outermost pixels repeated.
        digits: whether it reads digits: of every picture, it gets what `images.as_mnist` makes of it.
        brought: whether it is a network of the user's own; `build` then hands out the one module that all share, with
            the weights that it was made with.
        keywords: what a brought network was made with.
    """

    key: str
    title: str
    year: int
    idea: str
    build: Callable[..., nn.Module]
    input_shape: Shape
    normalisation: Normalisation
    paper: Paper
    classes: int = 1000
    options: frozenset[str] = frozenset({"classes"})
    top5: Accuracy | None = None
    printed: str | None = None
    checkpoint: str | None = None
    border: int = 0
    digits: bool = False
    brought: bool = False
    keywords: tuple[tuple[str, object], ...] = ()

    def default(self, option: str) -> object:
        """What the network takes for an option that isn't given."""
        return _parameters(self.build)[option].default


@lru_cache(maxsize=256)  # a page asks for some on every run
def _parameters(build: Callable[..., nn.Module]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(build).parameters


def one_crop(percent: float) -> Accuracy:
    """Top-5 accuracy of one of PyTorch's published checkpoints (`assets/printed/pretrained.csv`)."""
    return Accuracy(percent, "PyTorch's published weights: one network, one centre crop, ImageNet validation")
