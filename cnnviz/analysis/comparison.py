"""Networks compared: what each of them costs, how deep it is, how much of its input it sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnnviz.analysis.roles import WEIGHTED
from cnnviz.graph import LayerGraph, ReceptiveField


@dataclass(frozen=True)
class Compared:
    """One quantity of two networks; None where a network has no such number."""

    name: str
    first: int | None
    second: int | None

    @property
    def larger(self) -> int:
        """0 where the first has at least as much, else 1."""
        return int((self.first or 0) < (self.second or 0))

    @property
    def ratio(self) -> float | None:
        """How many times the smaller number the larger one is, from 1 on; None where one is missing or 0."""
        return max(self.first, self.second) / min(self.first, self.second) if self.first and self.second else None


@dataclass(frozen=True)
class Summary:
    """A network in a row of numbers.

    Attributes:
        conv_params: parameters of its convolutions alone.
        depth: as `depth` counts.
        sees: width of `last_receptive_field` in input pixels, None where there is none.
    """

    params: int
    conv_params: int
    macs: int
    flops: int
    activation_bytes: int
    depth: int
    sees: int | None


def summary(graph: LayerGraph) -> Summary:
    """What a network costs. In all its convolutions VGG16 has 14,714,688 parameters, AlexNet's one tower 3,747,200."""
    totals, field = graph.totals, last_receptive_field(graph)
    return Summary(
        params=totals.params,
        conv_params=sum(layer.params for layer in graph.layers if layer.op in ("conv", "convtranspose")),
        macs=totals.macs,
        flops=totals.flops,
        activation_bytes=totals.activation_bytes,
        depth=depth(graph),
        sees=field.size[1] if field else None,
    )


def pareto_front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Which of (cost, gain) nobody beats: the cheapest ones of their gain, by rising cost.

    A point is beaten by one that costs no more and gains no less, one of them really.
    """
    best = -math.inf
    front: list[int] = []
    for at in sorted(range(len(points)), key=lambda n: (points[n][0], -points[n][1])):
        if points[at][1] > best:
            front.append(at)
            best = points[at][1]
    return tuple(front)


def compare(first: LayerGraph, second: LayerGraph) -> tuple[Compared, ...]:
    """The totals of two networks side by side: `params`, `macs`, `flops`, `activation_bytes`, `depth`, `sees`.

    `sees` is the width of `last_receptive_field` in input pixels.
    """
    names = ("params", "macs", "flops", "activation_bytes", "depth", "sees")
    sides = summary(first), summary(second)
    return tuple(Compared(name, getattr(sides[0], name), getattr(sides[1], name)) for name in names)


def depth(graph: LayerGraph) -> int:
    """Weighted layers (convolutions and fully connected ones) on the longest way through, as the papers count them.

    VGG16 has 16, ResNet-50 50, GoogLeNet 22; projection shortcuts lie on no longest way.
    """
    deep: dict[str, int] = {}
    for layer in graph.layers:
        before = max((deep[edge.source] for edge in graph.incoming(layer.path)), default=0)
        deep[layer.path] = before + (layer.op in WEIGHTED)
    return max(deep.values(), default=0)


def last_receptive_field(graph: LayerGraph) -> ReceptiveField | None:
    """The receptive field of the last convolution; the widest one where several end side by side.

    None where no convolution has one. AlexNet's conv5 sees 163 x 163, VGG16's last one 196 x 196.
    """
    fields = [layer.receptive_field for layer in graph.layers if layer.op == "conv" and layer.receptive_field]
    return max(fields, key=lambda field: math.prod(field.size), default=None)
