"""A whole network in which stacks of 3 x 3 layers stand for all larger kernels, built and traced like any other."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal, cast

from torch import nn

from cnnviz.catalogue import Options, construct, describe
from cnnviz.errors import BadOption
from cnnviz.graph import Layer, LayerGraph
from cnnviz.trace import trace

Inside = Literal["out", "in"]
"""Channels between the layers of a stack: as many as the replaced layer gives, or as it reads."""
Taken = Literal["last", "first"]
"""Which layer of a stack takes the stride of the layer that it replaces."""

NETWORKS = ("alexnet", "alexnet-2012", "googlenet")


@dataclass(frozen=True)
class Swap:
    """A convolution, and the stack of 3 x 3 layers that replaces it."""

    single: Layer
    stack: tuple[Layer, ...]

    @property
    def kernel(self) -> int:
        """K of the K x K layer."""
        return _along(self.single, "kernel")

    @property
    def stride(self) -> int:
        """Of the K x K layer."""
        return _along(self.single, "stride")

    @property
    def params(self) -> int:
        """Of the stack."""
        return sum(layer.params for layer in self.stack)

    @property
    def macs(self) -> int:
        """Of the stack."""
        return sum(layer.macs for layer in self.stack)

    @property
    def sees(self) -> tuple[int, int]:
        """Width of the window that a unit sees in the layer's own input: of the K x K layer, and of the stack."""
        seen, apart = 1, 1
        for layer in self.stack:
            seen += (_along(layer, "kernel") - 1) * apart
            apart *= _along(layer, "stride")
        return self.kernel, seen


@dataclass(frozen=True)
class Replaced:
    """A network as it was published, and in stacks; what both have has the same paths."""

    before: LayerGraph
    after: LayerGraph
    swaps: tuple[Swap, ...]


def replaced(key: str, inside: Inside = "out", taken: Taken = "last") -> Replaced:
    """A network of the catalogue beside itself `in_threes`.

    Raises:
        UnknownNetwork, BadOption: as `in_threes`.

    GoogLeNet's inception3a reads 16 maps and gives 32: 12,800 weights become 13,824, or 6,912 with 16 inside.
    """
    before = describe(Options(key))
    after = trace(in_threes(key, inside, taken), before.input_shape, network=f"{key} in 3 × 3")
    stacks = {
        layer.path: tuple(new for new in after.layers if new.op == "conv" and new.path.startswith(f"{layer.path}."))
        for layer in _large(before)
    }
    return Replaced(before, after, tuple(Swap(layer, stacks[layer.path]) for layer in _large(before)))


def in_threes(key: str, inside: Inside = "out", taken: Taken = "last") -> nn.Module:
    """A network of the catalogue with every kernel above 3 x 3 as a stack of 3 x 3, ReLUs between; on meta.

    All maps that a replaced layer gives keep their shape, by as many padded layers as that takes.

    Raises:
        UnknownNetwork: the catalogue has no such key.
        BadOption: a stack can't give the maps of the layer that it would replace.
    """
    module = construct(Options(key))
    for layer in _large(describe(Options(key))):
        parent, _, name = layer.path.rpartition(".")
        # put in its old place: the order of children is that of the forward pass
        module.get_submodule(parent)._modules[name] = _stack(layer, inside, taken)
    return module.eval()


def _large(graph: LayerGraph) -> list[Layer]:
    return [layer for layer in graph.layers if layer.op == "conv" and _along(layer, "kernel") > 3]


def _stack(layer: Layer, inside: Inside, taken: Taken) -> nn.Sequential:
    kernel, stride, groups = _along(layer, "kernel"), _along(layer, "stride"), cast(int, layer.hyper("groups"))
    many = (kernel - 1) // 2
    before, after = layer.input_shapes[0][0], layer.output_shape[0]
    channels = [before, *[after if inside == "out" else before] * (many - 1), after]
    strides = [1] * many
    strides[-1 if taken == "last" else 0] = stride
    made: OrderedDict[str, nn.Module] = OrderedDict()
    for at, padding in enumerate(_paddings(layer, strides)):
        if at:
            made[f"relu{at}"] = nn.ReLU()
        made[f"conv{at + 1}"] = nn.Conv2d(
            channels[at],
            channels[at + 1],
            kernel_size=3,
            stride=strides[at],
            padding=padding,
            groups=groups,
            bias=bool(layer.hyper("bias")),
            device="meta",
        )
    return nn.Sequential(made)


def _paddings(layer: Layer, strides: list[int]) -> list[int]:
    """A pixel around the last few layers, as many as give maps of the wanted size."""
    for padded in range(len(strides) + 1):
        paddings = [0] * (len(strides) - padded) + [1] * padded
        sides = list(layer.input_shapes[0][1:])
        for stride, padding in zip(strides, paddings, strict=True):
            sides = [(side + 2 * padding - 3) // stride + 1 for side in sides]
        if sides == list(layer.output_shape[1:]):
            return paddings
    shape = " x ".join(map(str, layer.output_shape))
    raise BadOption(f"{layer.path} gives {shape} maps, which no stack of 3 x 3 gives; put its stride elsewhere.")


def _along(layer: Layer, name: str) -> int:
    value = layer.hyper(name)
    assert isinstance(value, tuple)
    return int(value[0])
