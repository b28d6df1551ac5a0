"""What a network takes a picture for: its output as named, ordered scores."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from cnnviz.errors import BadOption
from cnnviz.graph import Layer, LayerGraph
from cnnviz.networks.card import CIFAR10, Card
from cnnviz.networks.lenet import MNIST
from cnnviz.weights import Training

Measure = Literal["probability", "squared distance"]

DIGIT_NAMES = tuple("0123456789")
CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_IMAGENET_NAMES = Path(__file__).resolve().parent.parent / "assets" / "imagenet_classes.txt"


@dataclass(frozen=True)
class Score:
    """One class: its number in the network's output, its name, and what the network gives it."""

    index: int
    name: str
    value: float


@dataclass(frozen=True)
class Prediction:
    """A network's answer.

    Attributes:
        measure: of the scores. The largest probability wins, or the smallest squared distance.
        scores: all classes, the winner first.
    """

    measure: Measure
    scores: tuple[Score, ...]

    @property
    def margin(self) -> float:
        """By how much the winner is ahead of the second, in the measure; 0 where there is one class only."""
        return abs(self.scores[0].value - self.scores[1].value) if len(self.scores) > 1 else 0.0

    def said(self, value: float, percent: str = "%") -> str:
        """A score, or the margin, as it is read: a probability in percent."""
        return f"{value:.3f}" if self.measure == "squared distance" else f"{100 * value:.2f} {percent}"

    @property
    def verdict(self) -> str:
        """Who wins, and by how much, in a sentence."""
        if len(self.scores) < 2:
            return f"{self.scores[0].name} is the only class."
        smallest = "; the smallest distance wins" if self.measure == "squared distance" else ""
        return f"{self.scores[0].name} is ahead by {self.said(self.margin, 'percentage points')}{smallest}."


def predict(module: nn.Module, x: Tensor, graph: LayerGraph, names: tuple[str, ...] = ()) -> Prediction:
    """The classes of a picture, best first.

    The graph's last layer says what the output means: the softmax is applied where the network
    doesn't do so itself, and RBF units give squared distances.

    Args:
        x: (1, C, H, W).
        graph: the module's, at this size.
        names: of the classes; they are numbered where there aren't as many as the network has classes.

    Raises:
        BadOption: the network doesn't give one row of scores for a picture.
    """
    with torch.inference_mode():
        output = module(x)
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != 1:
        raise BadOption(f"{graph.network} gives no scores of classes, but {_described(output)}.")
    return ranked(output[0], graph, names)


def ranked(output: Tensor, graph: LayerGraph, names: tuple[str, ...] = ()) -> Prediction:
    """What a network has given for one picture, (classes,), as named scores; see `predict`."""
    scores, last = output.double().cpu(), last_layer(graph).op
    if last == "logsoftmax":
        scores = scores.exp()
    elif last not in ("softmax", "rbf"):
        scores = scores.softmax(0)
    if len(names) != len(scores):
        names = tuple(f"class {index}" for index in range(len(scores)))
    order, values = scores.argsort(descending=last != "rbf", stable=True).tolist(), scores.tolist()
    return Prediction(
        "squared distance" if last == "rbf" else "probability",
        tuple(Score(index, names[index], values[index]) for index in order),
    )


def last_layer(graph: LayerGraph) -> Layer:
    """The layer that gives the network's output; of several outputs, the first."""
    return graph.layer(next(edge.source for edge in graph.edges if edge.target == graph.layers[-1].path))


def class_names(card: Card, training: Training | None = None) -> tuple[str, ...]:
    """The names of a network's classes, in the order of its outputs; none for a brought network.

    They are those of the data that its weights have learned from, or that it was published on.
    """
    if card.brought:
        return ()
    if training:
        return {"MNIST": DIGIT_NAMES, "CIFAR-10": CIFAR10_NAMES}[training.dataset]
    return {MNIST: DIGIT_NAMES, CIFAR10: CIFAR10_NAMES}.get(card.normalisation) or _imagenet_names()


@cache
def _imagenet_names() -> tuple[str, ...]:
    return tuple(_IMAGENET_NAMES.read_text(encoding="utf-8").splitlines())


def _described(output: object) -> str:
    return " x ".join(map(str, output.shape)) if isinstance(output, Tensor) else type(output).__name__
