"""Kernel replication put to the proof: what a stack of small kernels sees, what it equals, what it can't be.

Everything is computed on the CPU in double precision, with random weights of a seed: what is shown depends on no
training. Sources: Simonyan, Zisserman 2014, section 2.3; Szegedy et al. 2015, 'Rethinking the Inception
architecture', sections 3.1 and 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnviz.analysis.kernels import Chain
from cnnviz.errors import BadOption

Array = npt.NDArray[np.float64]
MOST_WEIGHTS = 2_000_000  # of a chain that is put to the proof
NOTHING = 0.005  # a residual at which a stack counts as the kernel, and is fitted no further


def linear(chain: Chain, seed: int = 0, *, padded: bool = True) -> nn.Sequential:
    """A chain's convolutions with random weights, and nothing between them.

    Args:
        padded: so that a map keeps its size at stride 1.

    Raises:
        BadOption: more weights than are worth a proof.
    """
    if chain.weights > MOST_WEIGHTS:
        raise BadOption(
            f"These layers have {chain.weights:,} weights, but the proof takes {MOST_WEIGHTS:,}; use fewer channels."
        )
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for c in chain.layers:
        padding = tuple(c.dilation * (k // 2) if padded else 0 for k in c.kernel)
        layer = nn.Conv2d(c.before, c.after, c.kernel, c.stride, (padding[0], padding[1]), c.dilation, bias=False)
        values = torch.empty(layer.weight.shape, dtype=torch.float64).normal_(generator=generator)
        layer.weight = nn.Parameter(values * layer.weight[0].numel() ** -0.5)
        layers.append(layer)
    return nn.Sequential(*layers)


# --- what it sees ------------------------------------------------------------


def gradient(chain: Chain, seed: int = 0) -> Array:
    """(H, W): how much each pixel weighs in one unit of the chain's last map, from a backward pass.

    H and W are the window that the unit can see, and a unit's step more on each side, where nothing arrives.
    """
    module = linear(chain, seed, padded=False)
    sides = [seen + 2 * step for seen, step in zip(chain.field, chain.grid, strict=True)]
    with torch.enable_grad():
        x = torch.zeros(1, chain.layers[0].before, *sides, dtype=torch.float64, requires_grad=True)
        unit = module(x)[0, 0, 1, 1]  # its window begins a step from the border, and ends one from the other
        (found,) = torch.autograd.grad(unit, x)
    return cast(Array, found[0].abs().sum(dim=0).numpy())


def grown(chain: Chain, seed: int = 0) -> tuple[Array, ...]:
    """What a unit of each map sees, the input's first: (H, W) each, its window, as `gradient` weighs its pixels.

    Args:
        chain: of stride 1.
    """
    before = (gradient(Chain(chain.layers[:number]), seed) for number in range(1, len(chain.layers) + 1))
    return (np.ones((1, 1)), *(strength[1:-1, 1:-1] for strength in before))


def support(strength: Array) -> npt.NDArray[np.bool_]:
    """(H, W): the pixels that a gradient reaches, cut to the window around them."""
    reached = strength > 0
    rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
    return reached[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


# --- what it equals ----------------------------------------------------------


def composed(weights: Sequence[Tensor]) -> Tensor:
    """The one kernel that does what linear layers do one after the other, at stride 1.

    Args:
        weights: (out, in, height, width) of each layer, in their order.

    Returns:
        (out of the last, in of the first, K, K), where every layer adds its own size less one.
    """
    whole = weights[0]
    for weight in weights[1:]:
        height, width = weight.shape[2:]
        # over all pairs of offsets that add up: a convolution in the mathematicians' sense, hence the flip
        grown = functional.conv2d(whole.transpose(0, 1), weight.flip(2, 3), padding=(height - 1, width - 1))
        whole = grown.transpose(0, 1)
    return whole


@dataclass(frozen=True)
class Compared:
    """A stack without non-linearities beside the one kernel that it is composed into, on a picture.

    Attributes:
        kernel: (K, K), the composed kernel of the first pair of channels.
        stack, single: (H, W), the first map of either.
        border: pixels from the picture's border in which the two differ: the stack's maps between are padded anew.
    """

    kernel: Array
    stack: Array
    single: Array
    border: int

    @property
    def difference(self) -> Array:
        """(H, W): the stack's map less the kernel's."""
        return self.stack - self.single

    @property
    def inside(self) -> float:
        """The largest difference inside the border, as a share of the largest value."""
        height, width = self.stack.shape
        b = self.border
        middle = self.difference[b : height - b, b : width - b]
        return float(np.abs(middle).max(initial=0) / np.abs(self.single).max())

    @property
    def outside(self) -> float:
        """The largest difference in the border, as a share of the largest value; 0 where there is none."""
        return float(np.abs(self.difference).max() / np.abs(self.single).max())


def compare(chain: Chain, picture: npt.NDArray[np.floating], seed: int = 0) -> Compared:
    """A chain without non-linearities beside its composed kernel, on a picture.

    Args:
        chain: of stride 1, that reads one channel.
        picture: (H, W).

    Raises:
        BadOption: a stride, or a picture that is smaller than the kernel.
    """
    if chain.grid != (1, 1):
        raise BadOption("A stack with a stride in it is put to the proof at stride 1 only; use stride 1.")
    if min(picture.shape) < max(chain.field):
        shape = " x ".join(map(str, picture.shape))
        raise BadOption(f"The picture has {shape} pixels, but a window of {chain.field[0]} has to fit into it.")
    module = linear(chain, seed)
    dilation = chain.layers[0].dilation
    with torch.inference_mode():
        x = torch.from_numpy(np.ascontiguousarray(picture, np.float64))[None, None]
        x = x.expand(1, chain.layers[0].before, -1, -1)
        whole = composed([cast(nn.Conv2d, layer).weight.detach() for layer in module])
        padding = (dilation * (whole.shape[2] // 2), dilation * (whole.shape[3] // 2))
        single = functional.conv2d(x, whole, padding=padding, dilation=dilation)
        stack = module(x)
    # a later layer reads its zeros where the one kernel sees what the first layer would have given there
    border = sum(dilation * (max(c.kernel) // 2) for c in chain.layers[1:])
    return Compared(whole[0, 0].numpy(), stack[0, 0].numpy(), single[0, 0].numpy(), border)


# --- what it can't be --------------------------------------------------------


@dataclass(frozen=True)
class Fitted:
    """A kernel, and the closest one that a chain of small ones composes into.

    Attributes:
        target, closest: (K, K).
        weights: of the chain.
    """

    target: Array
    closest: Array
    weights: int

    @property
    def residual(self) -> float:
        """What is left of the target, as a share of its length: 0 if the chain can be it."""
        return float(np.linalg.norm(self.target - self.closest) / np.linalg.norm(self.target))


def random_kernel(size: int, seed: int = 0) -> Array:
    """(size, size), normally distributed."""
    return np.random.default_rng(seed).standard_normal((size, size))


def fitted_by_stack(target: Array, mid: int = 1, seed: int = 0, starts: int = 6, sweeps: int = 200) -> Fitted:
    """The stack of 3 x 3 layers, linear, from one channel over `mid` to one, that comes closest to a kernel.

    The composed kernel is linear in each layer's weights: least squares layer by layer, over and over, from several
    random starts, of which the best counts. So the residual is an upper bound, that more starts might lower.

    Args:
        target: (K, K), K odd and at least 5.
    """
    size = target.shape[0]
    layers = (size - 1) // 2
    generator = np.random.default_rng([seed, mid])
    best: tuple[float, Array] = (np.inf, np.zeros_like(target))
    enough = NOTHING * float(np.linalg.norm(target))
    channels = (1, *[mid] * (layers - 1), 1)
    for _ in range(starts):
        weights = [
            torch.from_numpy(generator.standard_normal((after, before, 3, 3))) for before, after in pairwise(channels)
        ]
        left, before = np.inf, np.inf
        for _ in range(sweeps):
            for at in range(layers):
                weights[at], closest, left = _solved(weights, at, target)
            if left < enough or before - left < 1e-5 * np.linalg.norm(target):
                break
            before = left
        if left < best[0]:
            best = (left, closest)
        if best[0] < enough:
            break
    return Fitted(target, best[1], sum(weight.numel() for weight in weights))


def fitted_by_lines(target: Array, mid: int = 1) -> Fitted:
    """The 1 x K layer and the K x 1 layer after it that come closest to a kernel: its first `mid` singular vectors."""
    u, s, v = np.linalg.svd(target)
    return Fitted(target, (u[:, :mid] * s[:mid]) @ v[:mid], 2 * target.shape[0] * mid)


def _solved(weights: list[Tensor], at: int, target: Array) -> tuple[Tensor, Array, float]:
    """One layer's best weights, all others as they are; the composed kernel, and how far it is from the target."""
    size = target.shape[0]
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    before = composed(weights[:at]) if at else one  # (in of the layer, 1, …)
    after = composed(weights[at + 1 :]) if at + 1 < len(weights) else one  # (1, out of the layer, …)
    rest = size - 2
    columns = []
    for out in range(weights[at].shape[0]):
        for into in range(weights[at].shape[1]):
            around = composed([before[into, 0][None, None], after[0, out][None, None]])[0, 0].numpy()
            for row in range(3):
                for column in range(3):
                    placed = np.zeros((size, size))
                    placed[row : row + rest, column : column + rest] = around
                    columns.append(placed.ravel())
    matrix = np.stack(columns, axis=1)
    solution, *_ = np.linalg.lstsq(matrix, target.ravel(), rcond=None)
    closest = (matrix @ solution).reshape(size, size)
    return (
        torch.from_numpy(solution).reshape(weights[at].shape),
        closest,
        float(np.linalg.norm(target - closest)),
    )
