"""Layers of the classic papers that PyTorch doesn't have, or computes in another way.

Each declares by `describe()` what it is to whoever draws or counts it: an operation
and its hyperparameters.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnviz.graph import Shape, Value

Connections = tuple[tuple[int, ...], ...]
"""For each output map, the input maps that it reads."""


class LocalResponseNorm(nn.Module):
    """b = a / (k + alpha * sum of a² over `size` neighbouring channels) ** beta.

    Input and output (N, C, H, W). Source: Krizhevsky et al. 2012, section 3.3.
    """

    def __init__(self, *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each unit by its neighbours across channels at the same pixel."""
        # In float32 at least: beside k, half precision would round away what the neighbours add.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        neighbours: Tensor = NeighbourSum.apply(wide.square(), self.size)  # type: ignore[no-untyped-call]
        return (wide * (self.k + self.alpha * neighbours) ** -self.beta).to(x.dtype)

    def describe(self) -> tuple[str, dict[str, Value]]:
        """What this layer is, for the graph."""
        return "lrn", {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}

    def extra_repr(self) -> str:
        """The hyperparameters, for `print(module)`."""
        return f"size={self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class NeighbourSum(torch.autograd.Function):
    """Each channel with its neighbours added, as many below as above, `size` in all: (N, C, ...) to the same.

    PyTorch's own LRN pools in three dimensions for it, and takes six times as long to train on a CPU.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, size: int) -> Tensor:
        """Add the channels on both sides, one distance after the other."""
        total = x.clone()
        for distance in range(1, min(size // 2 + 1, x.shape[1])):
            total[:, distance:] += x[:, :-distance]
            total[:, :-distance] += x[:, distance:]
        return total

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:
        """Keep how many there are; values aren't needed."""
        _, ctx.size = inputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Who counts for whom is mutual: the gradient is added up in the same way."""
        return NeighbourSum.apply(gradients[0], ctx.size), None  # type: ignore[no-untyped-call]


class ScaledTanh(nn.Module):
    """f(a) = 1.7159 tanh(2a/3), which maps ±1 to ±1, where its curvature is largest.

    Source: LeCun et al. 1998, equation 6 and appendix A.
    """

    amplitude = 1.7159
    slope = 2 / 3

    def forward(self, x: Tensor) -> Tensor:
        """Squash every unit."""
        return self.amplitude * torch.tanh(self.slope * x)

    def describe(self) -> tuple[str, dict[str, Value]]:
        """What this layer is, for the graph."""
        return "tanh", {"amplitude": self.amplitude, "slope": self.slope}


class Subsampling(nn.Module):
    """Halves the maps: the sum of each 2 x 2 window, times a coefficient, plus a bias, one pair a map.

    Input (N, C, H, W), output (N, C, H/2, W/2). Source: LeCun et al. 1998, section II.B.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.initialise()

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Begin as average pooling; nothing is random."""
        nn.init.constant_(self.weight, 1 / 4)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Add up, scale and shift."""
        summed = functional.avg_pool2d(x, kernel_size=2, stride=2, divisor_override=1)
        return summed * self.weight[:, None, None] + self.bias[:, None, None]

    def describe(self) -> tuple[str, dict[str, Value]]:
        """What this layer is, for the graph."""
        return "subsample", {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1)}


class AtMostAvgPool2d(nn.AvgPool2d):
    """Average pooling at stride 1, by windows of one size, or of the whole map where that is smaller.

    Input (N, C, H, W), output (N, C, max(1, H - k + 1), max(1, W - k + 1)): a network that was published for one size
    takes smaller pictures as well, and remains what it was at its own.
    """

    def __init__(self, kernel_size: int) -> None:
        super().__init__(kernel_size, stride=1)
        self.most = kernel_size

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        return functional.avg_pool2d(x, self._window(tuple(x.shape)), stride=1)

    def describe(self) -> tuple[str, dict[str, Value]]:
        """What this layer is, for the graph, where the maps are large enough."""
        return self.describe_at((self.most, self.most))

    def describe_at(self, shape: Shape) -> tuple[str, dict[str, Value]]:
        """What this layer is for an input of that shape, of which the last two numbers are height and width."""
        window: dict[str, Value] = {"kernel": self._window(shape), "stride": (1, 1), "padding": (0, 0)}
        return "avgpool", {**window, "dilation": (1, 1), "ceil_mode": False}

    def _window(self, shape: Shape) -> tuple[int, int]:
        return min(self.most, shape[-2]), min(self.most, shape[-1])


class TableConv2d(nn.Module):
    """A convolution in which each output map reads only some of the input maps.

    Input (N, in_channels, H, W), output (N, outputs of the table, H - k + 1, W - k + 1). `weight` holds
    one k x k kernel for each connected pair of maps, in the order of the table, and nothing for the rest.
    Source: LeCun et al. 1998, section II.B, table I.
    """

    def __init__(self, in_channels: int, table: Connections, *, kernel_size: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.kernel_size = in_channels, len(table), kernel_size
        # Numbers rather than a buffer: a file of weights can't change who is connected, and a module
        # that was built on the meta device knows it.
        self.pairs = [(out, into) for out, inputs in enumerate(table) for into in inputs]
        self.fan_ins = [len(table[out]) * kernel_size**2 for out, _ in self.pairs]
        self.weight = nn.Parameter(torch.empty(len(self.pairs), kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(self.out_channels))
        self.initialise()

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Kernels normal with standard deviation 1 / sqrt(fan-in), which differs between maps; biases 0."""
        if self.weight.is_meta:
            return
        with torch.no_grad():
            values = torch.empty(self.weight.shape).normal_(generator=generator)
            deviations = torch.tensor([fan_in**-0.5 for fan_in in self.fan_ins])
            self.weight.copy_(values * deviations[:, None, None])
        nn.init.zeros_(self.bias)

    def dense_weight(self) -> Tensor:
        """The same kernels as an ordinary convolution has them, zero where nothing is connected."""
        k = self.kernel_size
        places = [out * self.in_channels + into for out, into in self.pairs]
        empty = self.weight.new_zeros(self.out_channels * self.in_channels, k, k)
        filled = empty.index_copy(0, torch.tensor(places, device=self.weight.device), self.weight)
        return filled.view(self.out_channels, self.in_channels, k, k)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        return functional.conv2d(x, self.dense_weight(), self.bias)

    def describe(self) -> tuple[str, dict[str, Value]]:
        """What this layer is, for the graph; `connections` counts connected pairs of maps."""
        return "conv", {
            "kernel": (self.kernel_size, self.kernel_size),
            "stride": (1, 1),
            "padding": (0, 0),
            "dilation": (1, 1),
            "groups": 1,
            "bias": True,
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "connections": len(self.pairs),
        }

    def extra_repr(self) -> str:
        """The hyperparameters, for `print(module)`."""
        k, pairs = self.kernel_size, len(self.pairs)
        return f"{self.in_channels}, {self.out_channels}, kernel_size={(k, k)}, connections={pairs}"


class RadialBasis(nn.Module):
    """y_i = sum over j of (x_j - w_ij)²: how far the input is from each of some fixed patterns.

    Input (N, features), output (N, patterns). A pattern is its rows of text, '#' for +1, anything else
    for -1; they are constants, not parameters. Source: LeCun et al. 1998, equation 7 and figure 3.
    """

    patterns: Tensor

    def __init__(self, drawings: tuple[str, ...]) -> None:
        super().__init__()
        rows = [[1.0 if pixel == "#" else -1.0 for pixel in "".join(text.split())] for text in drawings]
        # On the CPU even when the module is built on meta, which would forget them; and not in the
        # state dict: a file of weights must not change what a digit looks like.
        self.register_buffer("patterns", torch.tensor(rows, device="cpu"), persistent=False)
        self.out_features, self.in_features = self.patterns.shape

    def forward(self, x: Tensor) -> Tensor:
        """Squared Euclidean distances."""
        return (x[:, None, :] - self.patterns.to(x.device)).square().sum(dim=2)

    def describe(self) -> tuple[str, dict[str, Value]]:
        """What this layer is, for the graph."""
        return "rbf", {"in_features": self.in_features, "out_features": self.out_features}

    def extra_repr(self) -> str:
        """The hyperparameters, for `print(module)`."""
        return f"{self.in_features}, {self.out_features}"
