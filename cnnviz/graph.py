"""The layer graph: what a network does, as frozen plain numbers and strings.

It is the one form between a network and everything shown of it. It knows neither
torch nor drawing, so that it can be computed, cached, compared and sent anywhere.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from cnnviz.errors import UnknownLayer

Shape = tuple[int, ...]
"""A tensor's shape without the batch: (channels, height, width) or (features,)."""

Value = int | float | str | bool | None | tuple[int, ...]
Role = Literal["main", "identity", "projection", "branch", "gate"]

BYTES_PER_VALUE = 4  # float32


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The window of the input that one unit of a layer sees, in input pixels.

    Each is (height, width), unclipped by the picture's border: unit i of an axis
    sees `size` pixels from `start + i * stride` on.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]

    def window(self, unit: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of what the unit at (row, column) sees; the last two lie beyond it."""
        top, left = (start + at * stride for start, at, stride in zip(self.start, unit, self.stride, strict=True))
        return top, left, top + self.size[0], left + self.size[1]


@dataclass(frozen=True)
class Layer:
    """One operation of a forward pass.

    Attributes:
        path: the module's qualified name (`layer1.0.conv1`); an operation without a
            module has its block's name and its own (`layer1.0.add`); when a module is
            called again, the outermost repeated one gets `#2` (`block#2.conv`).
        op: `conv`, `linear`, `maxpool`, `avgpool`, `batchnorm`, `lrn`, `relu`, `add`,
            `concat`, `input`, `output`, …
        hyperparameters: (name, value) pairs, such as ("kernel", (3, 3)).
        input_shapes: one shape for each tensor that comes in.
        output_shape: the shape of the (first) tensor that goes out.
        params: parameters first used here; a tensor used again counts once only.
        trainable_params: those of them that a gradient reaches.
        macs: multiply-accumulates of one picture, for convolutions and fully
            connected layers, biases not counted; FLOPs are twice that.
        receptive_field: None where a unit sees the whole input (after global pooling, flattening or a fully
            connected layer), or no fixed window of it.
        shared_with: path of the layer whose parameters this one applies again.
    """

    path: str
    op: str
    hyperparameters: tuple[tuple[str, Value], ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    params: int = 0
    trainable_params: int = 0
    macs: int = 0
    receptive_field: ReceptiveField | None = None
    shared_with: str | None = None

    @property
    def middle_window(self) -> tuple[int, int, int, int] | None:
        """What the unit in the middle of a map sees, as `ReceptiveField.window`; None where that is the whole input."""
        field = self.receptive_field
        return field.window((self.output_shape[1] // 2, self.output_shape[2] // 2)) if field else None

    @property
    def flops(self) -> int:
        """Floating-point operations of one picture: two for a multiply-accumulate."""
        return 2 * self.macs

    @property
    def activation_bytes(self) -> int:
        """Bytes of the output for one picture in float32."""
        return BYTES_PER_VALUE * math.prod(self.output_shape)

    def hyper(self, name: str) -> Value:
        """A hyperparameter's value, or None where this layer has no such one."""
        return self._hyper.get(name)

    @cached_property
    def _hyper(self) -> dict[str, Value]:
        return dict(self.hyperparameters)


@dataclass(frozen=True, slots=True)
class Edge:
    """A tensor on its way from one layer to another.

    `role` is `main` but for the edges that enter a join (`add`, `concat` or `mul` of
    two or more tensors), where it says what the arm that ends there is.
    """

    source: str
    target: str
    shape: Shape
    role: Role = "main"


@dataclass(frozen=True)
class Block:
    """A module that holds layers: its path, its kind, and the paths of all its layers.

    `kind` is `residual`, `inception`, `dense` or `gated` after the join that the block
    itself holds, `stage` where its children hold one, else `sequence`.
    """

    path: str
    kind: str
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Totals:
    """Sums over all layers of a graph."""

    params: int
    trainable_params: int
    macs: int
    activation_bytes: int

    @property
    def flops(self) -> int:
        """Two for a multiply-accumulate."""
        return 2 * self.macs


@dataclass(frozen=True)
class LayerGraph:
    """A network at one input size: layers in the order of the forward pass, edges, blocks.

    Attributes:
        unused: (name, number of values) of each parameter that the forward pass never
            touches; they are in no layer and in no total.
    """

    network: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    edges: tuple[Edge, ...]
    blocks: tuple[Block, ...] = ()
    unused: tuple[tuple[str, int], ...] = ()

    def layer(self, path: str) -> Layer:
        """The layer at `path`.

        Raises:
            UnknownLayer: there is none; the message names the closest ones.
        """
        try:
            return self._by_path[path]
        except KeyError:
            raise UnknownLayer(path, self._by_path, self.network) from None

    def seen_by(self, path: str, place: tuple[int, ...]) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of what a unit can see of the picture, clipped to it; the last two lie beyond.

        The whole picture where the layer has no receptive field. A window that lies in the padding alone is empty.

        Args:
            place: (channel, row, column), or (unit,) of a vector.
        """
        height, width = self.input_shape[-2:]
        field = self.layer(path).receptive_field
        if field is None:
            return 0, 0, height, width
        top, left, bottom, right = field.window((place[1], place[2]))
        return (
            min(max(top, 0), height),
            min(max(left, 0), width),
            min(max(bottom, 0), height),
            min(max(right, 0), width),
        )

    def laid_over(self, path: str) -> tuple[float, float, float, float]:
        """(top, left, bottom, right) of a layer's maps laid over the picture, in its pixels.

        Each unit covers its stride, around the middle of what it sees; maps may reach beyond the picture, or end before
        its border. Over the whole picture where the layer has no receptive field.
        """
        layer = self.layer(path)
        field = layer.receptive_field
        if field is None:
            return 0.0, 0.0, float(self.input_shape[-2]), float(self.input_shape[-1])
        top, left = (
            at + (size - step) / 2 for at, size, step in zip(field.start, field.size, field.stride, strict=True)
        )
        rows, columns = layer.output_shape[-2:]
        return top, left, top + rows * field.stride[0], left + columns * field.stride[1]

    def __contains__(self, path: str) -> bool:
        """Whether a layer has this path."""
        return path in self._by_path

    def incoming(self, path: str) -> tuple[Edge, ...]:
        """The edges that end at a layer, in the order of its operands."""
        return tuple(self._incoming.get(path, ()))

    def outgoing(self, path: str) -> tuple[Edge, ...]:
        """The edges that start at a layer."""
        return tuple(self._outgoing.get(path, ()))

    def nearest_before(self, path: str, op: str) -> str | None:
        """The path of the last layer of an operation on the way to a layer; None where there is none."""
        waiting, met = [path], {path}
        while waiting:
            for edge in self.incoming(waiting.pop(0)):
                if self.layer(edge.source).op == op:
                    return edge.source
                if edge.source not in met:
                    met.add(edge.source)
                    waiting.append(edge.source)
        return None

    @cached_property
    def totals(self) -> Totals:
        """Sums over all layers."""
        return Totals(
            params=sum(layer.params for layer in self.layers),
            trainable_params=sum(layer.trainable_params for layer in self.layers),
            macs=sum(layer.macs for layer in self.layers),
            activation_bytes=sum(layer.activation_bytes for layer in self.layers),
        )

    @cached_property
    def _by_path(self) -> dict[str, Layer]:
        return {layer.path: layer for layer in self.layers}

    @cached_property
    def _incoming(self) -> dict[str, list[Edge]]:
        return self._edges_by("target")

    @cached_property
    def _outgoing(self) -> dict[str, list[Edge]]:
        return self._edges_by("source")

    def _edges_by(self, end: Literal["source", "target"]) -> dict[str, list[Edge]]:
        edges: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            edges[getattr(edge, end)].append(edge)
        return edges
