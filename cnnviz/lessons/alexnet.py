"""AlexNet's ideas one by one, each as a few functions that a page, a notebook or a test can call.

Source: Krizhevsky, Sutskever, Hinton 2012; sections are given with each.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnviz.activations.capture import capture
from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption
from cnnviz.training.ideas import Measured, differences, epochs_to_its_error, measured
from cnnviz.training.loop import Epoch, read_log

Floats = npt.NDArray[np.float32]
_LOGS = Path(__file__).resolve().parents[2] / "assets" / "training"


# --- ReLU against tanh (section 3.1) ------------------------------------------

NONLINEARITIES = {"ReLU": torch.relu, "tanh": torch.tanh}
FOUR_LAYERS = {"ReLU": "relu4", "tanh": "tanh4"}
"""The networks of figure 1, which are equal but for it."""
TARGET = 25.0  # % training error, the line of figure 1
PAPERS_FACTOR = 6.0
FLAT = 0.1  # below this slope a unit of tanh counts as saturated: beyond ±0.95


@dataclass(frozen=True)
class Slopes:
    """What a layer's non-linearity lets through of a gradient, for one picture.

    Attributes:
        values: of all its units.
        flat: share of its units whose slope is below a tenth.
        mean: of the slopes of all units.
    """

    path: str
    values: Floats
    flat: float
    mean: float


def slopes(module: nn.Module, x: Tensor) -> list[Slopes]:
    """For a network of ReLU or tanh modules: the slopes of their units, seen from what they give."""
    kinds = {name: type(child) for name, child in module.named_modules() if isinstance(child, nn.ReLU | nn.Tanh)}
    found = []
    for path, maps in capture(module, x, kinds).items():
        values = maps[0].float().cpu()
        slope = (values > 0).float() if kinds[path] is nn.ReLU else 1 - values.square()
        flat = float((slope < FLAT).float().mean())
        found.append(Slopes(path, values.flatten().numpy(), flat, float(slope.mean())))
    return found


def gradients(x: Tensor, layers: int, function: str, gain: float, seed: int = 0, width: int = 16) -> list[float]:
    """How large the gradient is before each layer of an untrained chain of 3x3 convolutions, from a backward pass.

    Args:
        x: (1, C, H, W).
        function: a key of NONLINEARITIES.
        gain: the weights' standard deviation is gain / sqrt(inputs of a unit); sqrt(2) is He et al.'s for ReLU.
        width: maps of each layer.

    Returns:
        L2 norms of what arrives at each layer's sum, the first layer's first, as shares of the last one's.
    """
    if not 2 <= layers <= 100:
        raise BadOption(f"A chain of {layers} layers was asked for, but it has from 2 to 100.")
    generator = torch.Generator().manual_seed(seed)
    sums, y = [], x
    with torch.enable_grad():
        for _ in range(layers):
            weight = torch.randn(width, y.shape[1], 3, 3, generator=generator) * gain / math.sqrt(9 * y.shape[1])
            y = functional.conv2d(y, weight.to(x.device).requires_grad_(), padding=1)
            sums.append(y)
            y = NONLINEARITIES[function](y)
        given = torch.randn(y.shape, generator=generator).to(x.device)
        arrived = torch.autograd.grad(y, sums, given)
    norms = [float(gradient.norm()) for gradient in arrived]
    return [norm / norms[-1] if norms[-1] else 0.0 for norm in norms]


def curves() -> Mapping[str, list[Epoch]]:
    """The bundled training logs of relu4 and tanh4, by non-linearity."""
    return {name: read_log(_LOGS / f"{key}-cifar10.jsonl") for name, key in FOUR_LAYERS.items()}


def epochs_to(log: Sequence[Epoch], error: float = TARGET) -> int | None:
    """The first epoch whose training error is at most so many percent."""
    return next((line.epoch for line in log if 100 - line.train_accuracy <= error), None)


def maps_of(module: nn.Module, x: Tensor, path: str) -> Floats:
    """What a layer gives for a picture, (C, H, W)."""
    return np.asarray(capture(module, x, [path])[path][0].float().cpu().numpy(), dtype=np.float32)


# --- local response normalisation (section 3.3) --------------------------------


def divisors(maps: Floats, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> Floats:
    """What each unit is divided by: (k + alpha * sum of squares over n neighbouring channels) ** beta.

    Args:
        maps: (C, H, W).
    """
    if n < 1 or n % 2 == 0 or k <= 0 or alpha < 0:
        raise BadOption(f"n={n}, k={k:g}, alpha={alpha:g} were given, but n is odd, k above 0, alpha not below 0.")
    squares = np.cumsum(np.pad(np.square(maps, dtype=np.float64), ((n // 2 + 1, n // 2), (0, 0), (0, 0))), axis=0)
    sums = squares[n:] - squares[:-n]
    return np.asarray((k + alpha * sums) ** beta, dtype=np.float32)


@dataclass(frozen=True)
class Damped:
    """Maps before and after normalisation.

    Attributes:
        before, after: (C, H, W).
        lone: what a unit without excited neighbours is divided by, k ** beta.
        most: the largest divisor, as a multiple of that.
        pixel: (row, column) at which the strongest unit is.
        channel: its.
    """

    before: Floats
    after: Floats
    lone: float
    most: float
    pixel: tuple[int, int]
    channel: int


def damped(maps: Floats, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> Damped:
    """Local response normalisation of a layer's maps; see `divisors`."""
    by = divisors(maps, n, k, alpha, beta)
    channel, row, column = (int(i) for i in np.unravel_index(int(maps.argmax()), maps.shape))
    return Damped(maps, maps / by, k**beta, float(by.max() / k**beta), (row, column), channel)


# --- overlapping pooling (section 3.4) ------------------------------------------


def pooled(maps: Floats, window: int, stride: int) -> Floats:
    """The largest value of every window, (C, H, W) to (C, H', W')."""
    if window > min(maps.shape[1:]):
        raise BadOption(f"Windows of {window} x {window} don't fit into maps of {maps.shape[1]} x {maps.shape[2]}.")
    windows = np.lib.stride_tricks.sliding_window_view(maps, (window, window), axis=(1, 2))
    return np.ascontiguousarray(windows[:, ::stride, ::stride].max(axis=(3, 4)))


def visits(length: int, window: int, stride: int) -> list[int]:
    """How many windows each of `length` positions along an axis is in."""
    starts = range(0, length - window + 1, stride)
    return [sum(start <= position < start + window for start in starts) for position in range(length)]


def moved_by_one(maps: Floats, window: int, stride: int) -> float:
    """By how much the pooled maps change when what they pool moves by one pixel, as a share of their own size."""
    whole = pooled(maps[:, :, 1:], window, stride)
    moved = pooled(maps[:, :, :-1], window, stride)
    size = float(np.abs(whole).mean())
    return float(np.abs(whole - moved).mean()) / size if size else 0.0


# --- dropout (section 4.2) -------------------------------------------------------


@dataclass(frozen=True)
class LastLayer:
    """What a network's last fully connected layer reads for a picture, and its weights."""

    units: Floats  # (U,)
    weight: Floats  # (K, U)
    bias: Floats  # (K,)


def last_layer(module: nn.Module, x: Tensor, before: str, path: str) -> LastLayer:
    """What the fully connected layer at `path` reads, which the layer at `before` gives."""
    units = capture(module, x, [before])[before][0].flatten().float().cpu().numpy()
    layer = module.get_submodule(path)
    assert isinstance(layer, nn.Linear)
    weight, bias = (value.detach().float().cpu().numpy() for value in (layer.weight, layer.bias))
    return LastLayer(units, weight, bias)


@dataclass(frozen=True)
class Dropped:
    """Many masks over the units that a layer reads.

    Attributes:
        masks: (M, U), True where a unit stays.
        sums: (M, K), what the layer gives with each mask; in the paper's form, nothing is scaled while training.
        whole: (K,), what it gives with all units: 1 / (1 - p) times too much.
        scaled: (K,), with all units, each times 1 - p: what is used at test time.
        away: (M,), how far the mean of the first 1, 2, … M masks is from that, as a share of its size.
    """

    masks: npt.NDArray[np.bool_]
    sums: Floats
    whole: Floats
    scaled: Floats
    away: Floats


def dropped(layer: LastLayer, p: float, masks: int, seed: int = 0) -> Dropped:
    """Draw masks that drop each unit with probability p.

    Raises:
        BadOption: p isn't a probability below 1, or there is no mask.
    """
    if not 0 <= p < 1 or masks < 1:
        raise BadOption(
            f"p={p:g} and {masks} masks were given, but p is from 0 to below 1, and there is at least 1 mask."
        )
    stays = np.random.default_rng(seed).random((masks, len(layer.units))) >= p
    products = layer.weight * layer.units
    sums = (stays.astype(np.float32) @ products.T + layer.bias).astype(np.float32)
    whole = products.sum(axis=1) + layer.bias
    scaled = (1 - p) * products.sum(axis=1) + layer.bias
    means = np.cumsum(sums, axis=0) / np.arange(1, masks + 1)[:, None]
    size = float(np.linalg.norm(scaled)) or 1.0
    return Dropped(stays, sums, whole, scaled, (np.linalg.norm(means - scaled, axis=1) / size).astype(np.float32))


def probabilities(sums: Floats) -> Floats:
    """Softmax over the last axis."""
    powers = np.exp(sums - sums.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


# --- augmentation (section 4.1) ---------------------------------------------------


@dataclass(frozen=True)
class Crop:
    """A square of the picture: its upper left corner, and whether it is mirrored."""

    left: int
    top: int
    mirrored: bool = False


def positions(cover: int = 256, crop: int = 224) -> int:
    """How many places a crop has along an axis: 33 for 224 of 256. The paper counts 32.

    Raises:
        BadOption: the crop is larger than the picture.
    """
    if not 1 <= crop <= cover:
        raise BadOption(f"A crop of {crop} was asked for of a picture of {cover}, but it can't be larger.")
    return cover - crop + 1


def ten_crops(cover: int, crop: int) -> list[Crop]:
    """The four corners and the middle, and all five mirrored; the order of section 4.1."""
    room = positions(cover, crop) - 1
    places = [(0, 0), (room, 0), (0, room), (room, room), (room // 2, room // 2)]
    return [Crop(left, top, mirrored) for mirrored in (False, True) for left, top in places]


def random_crops(cover: int, crop: int, number: int, mirror: bool = True, seed: int = 0) -> list[Crop]:
    """As training draws them."""
    draw = np.random.default_rng(seed)
    places = draw.integers(0, positions(cover, crop), (number, 2))
    flips = draw.random(number) < 0.5
    return [Crop(int(left), int(top), bool(flip) and mirror) for (left, top), flip in zip(places, flips, strict=True)]


def cut(picture: Floats, crop: Crop, side: int) -> Floats:
    """A crop of (C, H, W)."""
    piece = picture[:, crop.top : crop.top + side, crop.left : crop.left + side]
    return piece[:, :, ::-1] if crop.mirrored else piece


def answers(module: nn.Module, picture: Floats, crops: Sequence[Crop], side: int, device: torch.device) -> Floats:
    """A network's probabilities, one row a crop.

    Args:
        module: gives logits.
        picture: (C, H, W), normalised.
    """
    batch = torch.from_numpy(np.stack([cut(picture, crop, side) for crop in crops])).to(device)
    with torch.inference_mode():
        return probabilities(module(batch).float().cpu().numpy())


# --- two towers (section 3.5) -------------------------------------------------------


@dataclass(frozen=True)
class Towers:
    """One weighted layer, as one tower and as two.

    Attributes:
        one, two: parameters.
        macs_one, macs_two: multiply-accumulates.
        reads_one, reads_two: how many maps a unit reads.
    """

    path: str
    one: int
    two: int
    macs_one: int
    macs_two: int
    reads_one: int
    reads_two: int


@cache
def towers() -> tuple[Towers, ...]:
    """AlexNet's weighted layers as one tower, and as it was trained on two GPUs, counted from the networks."""
    one, two = describe(Options("alexnet")), describe(Options("alexnet-2012"))
    rows = []
    for layer in one.layers:
        if layer.params:
            other = two.layer(layer.path)
            reads = [_reads(graph.layer(layer.path).hyperparameters) for graph in (one, two)]
            rows.append(Towers(layer.path, layer.params, other.params, layer.macs, other.macs, *reads))
    return tuple(rows)


def _reads(hyperparameters: Sequence[tuple[str, object]]) -> int:
    known = dict(hyperparameters)
    inputs = known.get("in_channels", known.get("in_features"))
    groups = known.get("groups", 1)
    assert isinstance(inputs, int)
    assert isinstance(groups, int)
    return inputs // groups


# --- what they are worth --------------------------------------------------------------


def worth() -> list[Measured]:
    """The bundled logs of the small AlexNet: all four ideas, then each left out, over three seeds."""
    return measured(_LOGS)


def points_lost(idea: str) -> list[float]:
    """By how many points of held-out accuracy the small AlexNet is worse without an idea, for each seed."""
    whole, *rows = worth()
    return [-change for change in differences(next(row for row in rows if row.left_out == idea), whole)]


def epochs_of_dropout() -> list[tuple[int, int | None]]:
    """How many epochs the small AlexNet takes to the same training error with dropout, and without; a pair a seed."""
    return epochs_to_its_error(_LOGS, "dropout")
