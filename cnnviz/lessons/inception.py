"""The inception module: what each arm costs and gives, naive and with reductions, counted from real modules.

Source: Szegedy et al. 2014, section 4, figure 2 and table 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call

from cnnviz.activations.capture import capture
from cnnviz.analysis.roles import WEIGHTED
from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption
from cnnviz.graph import Layer, LayerGraph
from cnnviz.networks import build, inception
from cnnviz.networks.inception import Inception, Widths
from cnnviz.trace import trace

Floats = npt.NDArray[np.float32]
MOST = 4096  # maps, and positions along a side; far beyond any use
POOLING = "pooling"


class NaiveInception(nn.Module):
    """Every arm reads the module's input as it is, and the pooled maps are handed on as they are (figure 2a).

    Input (N, inputs, H, W), output (N, conv1x1 + conv3x3 + conv5x5 + inputs, H, W).
    """

    def __init__(self, inputs: int, widths: Widths) -> None:
        super().__init__()
        self.branch1x1 = nn.Conv2d(inputs, widths.conv1x1, kernel_size=1)
        self.relu1x1 = nn.ReLU()
        self.branch3x3 = nn.Conv2d(inputs, widths.conv3x3, kernel_size=3, padding=1)
        self.relu3x3 = nn.ReLU()
        self.branch5x5 = nn.Conv2d(inputs, widths.conv5x5, kernel_size=5, padding=2)
        self.relu5x5 = nn.ReLU()
        self.pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The four arms, then depth concatenation."""
        one = self.relu1x1(self.branch1x1(x))
        three = self.relu3x3(self.branch3x3(x))
        five = self.relu5x5(self.branch5x5(x))
        return torch.cat([one, three, five, self.pool(x)], dim=1)


@dataclass(frozen=True)
class Arm:
    """What lies between the fork and the concat of a module, on one of its ways.

    Attributes:
        name: its largest kernel, or that it pools.
        layers: paths, in the order of the forward pass; the last one is what the concat reads.
        last: path of its last convolution; None where it has none.
        params, macs: of all its layers.
        weighted: how many of them have weights.
        channels: how deep its share of the concat is.
    """

    name: str
    layers: tuple[str, ...]
    last: str | None
    params: int
    macs: int
    weighted: int
    channels: int


@dataclass(frozen=True)
class Module:
    """An inception module in numbers.

    Attributes:
        join: path of its concat.
    """

    join: str
    arms: tuple[Arm, ...]

    @property
    def params(self) -> int:
        """Of all arms."""
        return sum(arm.params for arm in self.arms)

    @property
    def macs(self) -> int:
        """Of all arms."""
        return sum(arm.macs for arm in self.arms)

    @property
    def channels(self) -> int:
        """How deep the concat is."""
        return sum(arm.channels for arm in self.arms)


@dataclass(frozen=True)
class Place:
    """A module of GoogLeNet: how deep its input is, how wide its maps are, and its row of table 1."""

    inputs: int
    side: int
    widths: Widths


@cache
def places() -> Mapping[str, Place]:
    """GoogLeNet's nine modules, `3a` to `5b`."""
    graph, found = describe(Options("googlenet")), {}
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        inputs, side, _ = graph.layer(f"inception{name}.branch1x1").input_shapes[0]
        found[name] = Place(inputs, side, getattr(inception, f"M{name.upper()}"))
    return found


@lru_cache(maxsize=256)
def counted(inputs: int, widths: Widths, side: int = 28, *, naive: bool = False) -> Module:
    """A module's arms, counted from the module itself: with reductions, or naive, without them and the projection.

    Args:
        inputs: how many maps it reads.
        side: height and width of the maps.

    Raises:
        BadOption: a number below 1 or above 4,096.

    With GoogLeNet's 3a (192 maps) 163,696 parameters give 256 maps; naive, 387,296 give 416.
    """
    for name, number in (("input maps", inputs), *widths._asdict().items(), ("positions along a side", side)):
        if not 1 <= number <= MOST:
            raise BadOption(f"{number:,} {name} were given, but a module has from 1 to {MOST:,}.")
    with torch.device("meta"):
        module = (NaiveInception if naive else Inception)(inputs, widths)
    return modules(trace(module, (inputs, side, side)))[0]


def modules(graph: LayerGraph) -> list[Module]:
    """What every concat of a graph joins, in the order of the forward pass."""
    return [_module(graph, layer) for layer in graph.layers if layer.op == "concat"]


def _module(graph: LayerGraph, join: Layer) -> Module:
    operands = graph.incoming(join.path)
    ways = [_way(graph, edge.source) for edge in operands]
    common = frozenset.intersection(*(frozenset(way) for way in ways))
    arms: list[Arm] = []
    for edge, way in zip(operands, ways, strict=True):
        layers = [graph.layer(path) for path in reversed(way) if path not in common]
        kernels = [
            kernel[0] for layer in layers if layer.op == "conv" and isinstance(kernel := layer.hyper("kernel"), tuple)
        ]
        pools = any(layer.op in ("maxpool", "avgpool") for layer in layers)
        name = POOLING if pools else f"{max(kernels)} × {max(kernels)}" if kernels else "identity"
        if any(arm.name == name for arm in arms):
            name += ", second"
        weighted = [layer.path for layer in layers if layer.op in WEIGHTED]
        arms.append(
            Arm(
                name,
                tuple(layer.path for layer in layers),
                weighted[-1] if weighted else None,
                sum(layer.params for layer in layers),
                sum(layer.macs for layer in layers),
                len(weighted),
                edge.shape[0],
            )
        )
    return Module(join.path, tuple(arms))


def _way(graph: LayerGraph, path: str) -> list[str]:
    """From a layer back to the input, as long as it is one way, and on at the fork of a module before it."""
    way = [path]
    while before := graph.incoming(way[-1]):
        way.append(before[0].source)
    return way


# --- on a picture ------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What a network's modules give for one picture.

    Attributes:
        maps: by the path of a concat, what its arms give, (C, H, W) each, in the order of the concat.
    """

    maps: Mapping[str, tuple[Floats, ...]]

    def together(self, join: str) -> Floats:
        """What the concat gives, (C, H, W)."""
        return np.concatenate(self.maps[join])

    def energy(self, join: str) -> list[float]:
        """Each arm's share of the sum of squares after the concat."""
        sums = [float(np.square(maps, dtype=np.float64).sum()) for maps in self.maps[join]]
        return [part / sum(sums) if sum(sums) else 0.0 for part in sums]


def seen(module: nn.Module, x: Tensor, found: Sequence[Module]) -> Seen:
    """What every arm of `found`, modules of its graph, gives for a picture: one pass."""
    ends = {arm.layers[-1] for one in found for arm in one.arms}
    maps = capture(module, x, ends)
    return Seen({one.join: tuple(maps[arm.layers[-1]][0].float().cpu().numpy() for arm in one.arms) for one in found})


def silenced(module: nn.Module, x: Tensor, arms: Sequence[Arm], step: Callable[[], None] = lambda: None) -> Floats:
    """What the network answers as it is, then with each arm giving nothing but zeros: probabilities, a row each.

    Args:
        module: gives logits.
        step: called before each pass.
    """
    rows = []
    parameters = dict(module.named_parameters())
    with torch.inference_mode():
        for arm in (None, *arms):
            step()
            silent: dict[str, Tensor] = {}
            if arm is not None and arm.last is not None:
                # whatever scales or shifts from the last convolution on: batch norm has an offset of its own
                after = arm.layers[arm.layers.index(arm.last) :]
                names = [name for name in parameters if name.rpartition(".")[0] in after]
                silent = {name: torch.zeros_like(parameters[name]) for name in names}
            rows.append(functional_call(module, silent, (x,))[0].softmax(dim=-1))
    return np.asarray(torch.stack(rows).float().cpu().numpy(), dtype=np.float32)


# --- weights -------------------------------------------------------------------------


def sizes(module: nn.Module, found: Sequence[Module]) -> dict[str, list[float]]:
    """By concat, the mean absolute weight of each arm's last convolution; 0 for an arm without one."""
    parameters = dict(module.named_parameters())
    return {
        one.join: [
            float(parameters[f"{arm.last}.weight"].detach().abs().mean()) if arm.last else 0.0 for arm in one.arms
        ]
        for one in found
    }


def sizes_at_start(key: str, found: Sequence[Module]) -> dict[str, list[float]]:
    """The same of untrained weights, as they are initialised: what a kernel reads decides there, not the data."""
    return sizes(build(key, weights="random"), found)


def correlation(now: Mapping[str, Sequence[float]], start: Mapping[str, Sequence[float]]) -> float:
    """Pearson's, of the sizes of all arms' weights with those that they began with: 1 where the start decides."""
    sizes_now, at_start = (np.concatenate([found[join] for join in now]) for found in (now, start))
    return float(np.corrcoef(sizes_now, at_start)[0, 1])


def normalised(graph: LayerGraph, arm: Arm) -> bool:
    """Whether batch norm follows an arm's convolution: then the size of its weights cancels out."""
    return any(graph.layer(path).op == "batchnorm" for path in arm.layers)


# --- auxiliary heads --------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """An auxiliary head: after which module it reads, how far down the network that is, and what it costs.

    Attributes:
        after: path of the concat that it reads.
        below: share of the trunk's MACs that lies before it.
        layers: its weighted layers and their parameters.
    """

    name: str
    after: str
    below: float
    layers: tuple[tuple[str, int], ...]
    macs: int

    @property
    def params(self) -> int:
        """Of all its layers."""
        return sum(number for _, number in self.layers)


def heads(key: str = "googlenet") -> tuple[Head, ...]:
    """A network's auxiliary heads, as its graph has them."""
    graph, found = describe(Options(key, heads=True)), []
    plain = describe(Options(key))
    order = {layer.path: number for number, layer in enumerate(plain.layers)}
    for name in ("aux1", "aux2"):
        own = [layer for layer in graph.layers if layer.path.startswith(f"{name}.")]
        after = graph.incoming(own[0].path)[0].source
        before = sum(layer.macs for layer in plain.layers[: order[after] + 1])
        found.append(
            Head(
                name,
                after,
                before / plain.totals.macs,
                tuple((layer.path, layer.params) for layer in own if layer.params),
                sum(layer.macs for layer in own),
            )
        )
    return tuple(found)
