"""Takes operations apart: what one number of a layer's output was computed from.

For each operation one function that answers from the layer's inputs, weights and hyperparameters, in
float64 and without the layer's own code: what it says is what the papers say that the layer does.
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from cnnviz.activations.nonlinearities import FUNCTIONS, applied
from cnnviz.activations.parts import (
    Arm,
    Closed,
    Given,
    Join,
    Mask,
    Moved,
    Neighbours,
    Normalised,
    Parts,
    Place,
    Products,
    Share,
    Values,
    Window,
)
from cnnviz.activations.reading import Reading, Unread
from cnnviz.networks.layers import LocalResponseNorm, RadialBasis, Subsampling, TableConv2d
from cnnviz.program import Named, Ref

Indices = npt.NDArray[np.intp]


def parts_of(reading: Reading) -> Parts:
    """The parts of one number; `Closed` with the reason where the operation isn't known, or isn't one to take apart."""
    op = reading.step.operation.op
    known = applied if op in FUNCTIONS else _KNOWN.get(op)
    if known is None:
        return Closed(f"{reading.path} is '{op}', which isn't taken apart.")
    try:
        return known(reading)
    except Unread as unread:
        return Closed(str(unread))


# --- sums of products ------------------------------------------------------------


def _conv(reading: Reading) -> Parts:
    kernel = reading.axes("kernel")
    weight, bias = _kernels(reading)
    _maps_expected(reading, len(kernel))
    out = reading.index[1]
    groups = int(reading.given("groups", 1))
    per_group = weight.shape[1]
    first = out // (weight.shape[0] // groups) * per_group
    channels = np.arange(first, first + per_group)
    weights = _values(weight[out])
    if isinstance(reading.module, TableConv2d):  # where the table has no connection there is no kernel
        own = np.array([into for to, into in reading.module.pairs if to == out], dtype=np.intp)
        channels, weights = channels[own], weights[own]
    window = _Sliding(reading)
    inputs = window.values(reading, channels)
    contributions = (inputs * weights).reshape(len(channels), -1).sum(axis=1)
    order = _largest_first(contributions)
    return Products(
        source=reading.path_of(reading.source),
        channels=channels[order],
        inputs=inputs[order],
        weights=weights[order],
        contributions=contributions[order],
        bias=0.0 if bias is None else float(bias[out]),
        outside=window.outside,
        start=window.start,
        step=window.step,
    )


def kernels_of(reading: Reading) -> Tensor:
    """(out, in / groups, *kernel): a convolution's weights, zero where a table connects nothing.

    Raises:
        Unread: the layer is no convolution, or keeps its weights in a way of its own.
    """
    if reading.step.operation.op != "conv":
        raise Unread(f"{reading.path} is '{reading.step.operation.op}', which has no kernels.")
    return _kernels(reading)[0]


def _kernels(reading: Reading) -> tuple[Tensor, Tensor | None]:
    module = reading.module
    if isinstance(module, TableConv2d):
        return module.dense_weight().detach(), module.bias.detach()
    weight = reading.weight("weight")
    usual = module is None or isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    if not usual or weight is None:
        raise Unread(f"{reading.path} is a convolution with weights of its own kind, which isn't taken apart.")
    return weight, reading.weight("bias")


def _linear(reading: Reading) -> Parts:
    weight, bias = reading.weight("weight"), reading.weight("bias")
    if weight is None or not (reading.module is None or isinstance(reading.module, nn.Linear)):
        raise Unread(f"{reading.path} is fully connected with weights of its own kind, which isn't taken apart.")
    unit = reading.index[-1]
    inputs = reading.take(reading.read, *reading.index[:-1])
    return _dot(reading, inputs, _values(weight[unit]), 0.0 if bias is None else float(bias[unit]))


def _rbf(reading: Reading) -> Parts:
    if not isinstance(reading.module, RadialBasis):
        raise Unread(f"{reading.path} is no RBF layer that is known, and isn't taken apart.")
    inputs = reading.take(reading.read, 0)
    return _dot(reading, inputs, _values(reading.module.patterns[reading.index[-1]]), 0.0, squares=True)


def _dot(reading: Reading, inputs: Values, weights: Values, bias: float, *, squares: bool = False) -> Products:
    contributions = (inputs - weights) ** 2 if squares else inputs * weights
    order = _largest_first(contributions)
    return Products(
        source=reading.path_of(reading.source),
        channels=order,
        inputs=inputs[order],
        weights=weights[order],
        contributions=contributions[order],
        bias=bias,
        outside=np.array(False),
        squares=squares,
    )


def _subsample(reading: Reading) -> Parts:
    if not isinstance(reading.module, Subsampling):
        raise Unread(f"{reading.path} subsamples in a way of its own, which isn't taken apart.")
    channel = reading.index[1]
    window = _Sliding(reading)
    inputs = window.values(reading, np.array([channel]))
    weights = np.full(inputs.shape, float(reading.module.weight.detach()[channel]))
    return Products(
        source=reading.path_of(reading.source),
        channels=np.array([channel]),
        inputs=inputs,
        weights=weights,
        contributions=(inputs * weights).reshape(1, -1).sum(axis=1),
        bias=float(reading.module.bias.detach()[channel]),
        outside=window.outside,
        start=window.start,
        step=window.step,
    )


def _largest_first(contributions: Values) -> Indices:
    return np.argsort(-np.abs(contributions), kind="stable")


# --- windows -----------------------------------------------------------------------


class _Sliding:
    """The window that one unit of a convolution or pooling reads.

    Attributes:
        start: along each axis, its first pixel; may lie in the padding.
        outside: (*window): what lies beyond the maps.
    """

    def __init__(self, reading: Reading) -> None:
        kernel, stride, padding = (reading.axes(name) for name in ("kernel", "stride", "padding"))
        self.step = reading.axes("dilation")
        unit = reading.index[2:]
        self.start = tuple(at * s - p for at, s, p in zip(unit, stride, padding, strict=True))
        pixels = [first + d * np.arange(k) for first, d, k in zip(self.start, self.step, kernel, strict=True)]
        self.sizes = reading.shape_of(reading.read)[2:]
        self.outside = _any_axis([(at < 0) | (at >= size) for at, size in zip(pixels, self.sizes, strict=True)])
        mode = reading.given("padding_mode", "zeros")
        self._filled = mode != "zeros"  # the padding repeats what is inside, instead of zeros
        self._pixels = [_folded(at, size, mode) for at, size in zip(pixels, self.sizes, strict=True)]

    def values(self, reading: Reading, channels: Indices) -> Values:
        """(n, *window): what it reads of some channels."""
        axes = len(self._pixels)
        grid = [at.reshape([-1 if a == axis else 1 for a in range(axes)]) for axis, at in enumerate(self._pixels)]
        found = reading.take(reading.read, 0, channels.reshape(-1, *[1] * axes), *grid)
        return found if self._filled else np.where(self.outside, 0.0, found)


def _folded(at: Indices, size: int, mode: str) -> Indices:
    """Where a pixel beyond the border is read from; with zeros, anywhere: it isn't used."""
    if mode == "circular":
        return np.asarray(at % size)
    if mode == "reflect":
        at = np.abs(at)
        return np.where(at >= size, 2 * (size - 1) - at, at)
    return np.clip(at, 0, size - 1)


def _any_axis(outside: list[Mask]) -> Mask:
    """Pixels that lie outside along any axis, of what lies outside along each."""
    found: Mask = np.array(False)
    for mask in outside:
        found = found[..., None] | mask
    return found


def _maps_expected(reading: Reading, axes: int) -> None:
    if len(reading.shape) != axes + 2 or len(reading.shape_of(reading.read)) != axes + 2:
        raise Unread(f"{reading.path} works on maps without a batch, and isn't taken apart.")


def _maxpool(reading: Reading) -> Parts:
    return _pooled(reading, largest=True)


def _avgpool(reading: Reading) -> Parts:
    return _pooled(reading, largest=False)


def _pooled(reading: Reading, *, largest: bool) -> Parts:
    ref = reading.read
    sizes = reading.shape_of(ref)[2:]
    channel = reading.index[1]
    divisor = 1
    if "output_size" in reading.hyper:
        # adaptive, or a mean over the whole map: unit i of m sees pixels i n / m, rounded down, to (i + 1) n / m, up
        units = reading.index[2:] or (0,) * len(sizes)
        places = reading.shape[2:] or (1,) * len(sizes)
        start = tuple(i * n // m for i, n, m in zip(units, sizes, places, strict=True))
        stop = tuple(-(-(i + 1) * n // m) for i, n, m in zip(units, sizes, places, strict=True))
        step = (1,) * len(sizes)
        values = reading.take(ref, 0, channel, *(slice(a, b) for a, b in zip(start, stop, strict=True)))
        outside = np.zeros(values.shape, dtype=bool)
        divisor = values.size
    else:
        _maps_expected(reading, len(reading.axes("kernel")))
        window = _Sliding(reading)
        start, step, outside = window.start, window.step, window.outside
        values = window.values(reading, np.array([channel]))[0]
        if not largest:
            divisor = _divisor(reading, window)
    winner: Place | None = None
    if largest:
        flat = int(np.argmax(np.where(outside, -np.inf, values)))
        winner = tuple(int(i) for i in np.unravel_index(flat, values.shape))
    return Window(
        source=reading.path_of(reading.source),
        rule="largest" if largest else "mean",
        channel=channel,
        values=values,
        outside=outside,
        start=start,
        step=step,
        divisor=divisor,
        winner=winner,
    )


def _divisor(reading: Reading, window: _Sliding) -> int:
    """What an average pooling divides by: the window, the padding included or not, but nothing behind it."""
    override = reading.given("divisor_override")
    if override:
        return int(override)
    if not reading.given("count_include_pad", True):
        return int((~window.outside).sum())
    kernel, padding = reading.axes("kernel"), reading.axes("padding")
    sides = zip(window.start, kernel, window.sizes, padding, strict=True)
    return math.prod(min(first + k, size + p) - first for first, k, size, p in sides)


# --- joins ---------------------------------------------------------------------------


def _add(reading: Reading) -> Parts:
    return _joined(reading, "sum", 1.0)


def _sub(reading: Reading) -> Parts:
    return _joined(reading, "sum", -1.0)


def _mul(reading: Reading) -> Parts:
    return _joined(reading, "product", 1.0)


def _div(reading: Reading) -> Parts:
    if reading.given("rounding_mode"):
        raise Unread(f"{reading.path} rounds what it divides, and isn't taken apart.")
    return _joined(reading, "quotient", 1.0)


def _joined(reading: Reading, rule: Literal["sum", "product", "quotient"], factor: float) -> Parts:
    operands = [reading.operand("input"), reading.operand("other")]
    edges = iter(reading.edges())
    arriving = [(operand, next(edges) if reading.alive(operand) else None) for operand in operands]
    if getattr(reading.step.function, "__name__", "").strip("_") in ("rsub", "rdiv", "rtruediv"):
        arriving.reverse()  # 1 - x is called as x.__rsub__(1)
    arms = []
    for (operand, edge), times in zip(arriving, (1.0, factor * float(reading.given("alpha", 1))), strict=True):
        if edge:
            shape = reading.shape_of(operand)
            index = _broadcast(reading.index, shape)
            value = reading.number(operand, index)
            arms.append(Arm(edge.source, edge.role, _without_batch(index, shape), value, times))
        else:
            found = reading.constant(operand)
            index = _broadcast(reading.index, found.shape)
            arms.append(
                Arm(operand.name if isinstance(operand, Named) else "", None, index, float(found[index]), times)
            )
    return Join(rule, tuple(arms))


def _broadcast(index: Place, shape: tuple[int, ...]) -> Place:
    """Where an operand is read for a place of the result."""
    own = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else at for at, size in zip(own, shape, strict=True))


def _concat(reading: Reading) -> Parts:
    operands = reading.operand("tensors")
    axis = int(reading.given("dim", 0)) % len(reading.shape)
    at = reading.index[axis]
    for number, operand in enumerate(operands):
        live = reading.alive(operand)
        shape = reading.shape_of(operand) if isinstance(operand, Ref) else reading.constant(operand).shape
        if at >= shape[axis]:
            at -= shape[axis]
            continue
        index = (*reading.index[:axis], at, *reading.index[axis + 1 :])
        if not live:
            return Moved("", (), float(reading.constant(operand)[index]), number)
        return Moved(reading.path_of(operand), _without_batch(index, shape), reading.number(operand, index), number)
    raise AssertionError("the place lies in none of the tensors that are joined")


# --- moved -----------------------------------------------------------------------------


def _moved(reading: Reading) -> Parts:
    """Finds out by moving numbers that tell where they come from; twice, as padding may look like one of them."""
    ref = reading.read
    shape = reading.shape_of(ref)
    count = math.prod(shape)
    first, second = (float(reading.moved(ref, start)[reading.index]) for start in (0, count))
    if second - first != count:
        return Moved("", (), first)
    index = tuple(int(i) for i in np.unravel_index(int(first), shape))
    return Moved(reading.path_of(ref), _without_batch(index, shape), reading.number(ref, index))


def _dropout(reading: Reading) -> Parts:
    if reading.given("training", True):
        return Closed(f"{reading.path} drops units at random, as the network is in training mode: call eval() on it.")
    return Moved(reading.path_of(reading.read), reading.place, reading.number(reading.read, reading.index))


def _without_batch(index: Place, shape: tuple[int, ...]) -> Place:
    return index[1:] if shape[:1] == (1,) else index


# --- element by element, and along an axis ---------------------------------------------


def _batchnorm(reading: Reading) -> Parts:
    mean, variance = reading.weight("running_mean"), reading.weight("running_var")
    if mean is None or variance is None or reading.given("training", False):
        return Closed(f"{reading.path} normalises by the batch's own mean and variance, and isn't taken apart.")
    weight, bias = reading.weight("weight"), reading.weight("bias")
    channel = reading.index[1]
    return Normalised(
        source=reading.path_of(reading.read),
        place=reading.place,
        x=reading.number(reading.read, reading.index),
        mean=float(mean[channel]),
        variance=float(variance[channel]),
        eps=float(reading.given("eps", 1e-5)),
        weight=1.0 if weight is None else float(weight[channel]),
        bias=0.0 if bias is None else float(bias[channel]),
    )


def _lrn(reading: Reading) -> Parts:
    size, alpha = int(reading.given("size")), float(reading.given("alpha", 1e-4))
    default_k = 2.0 if isinstance(reading.module, LocalResponseNorm) else 1.0
    if not isinstance(reading.module, LocalResponseNorm):
        alpha /= size  # PyTorch takes a mean, in which what is missing at the ends counts as 0
    own = reading.index[1]
    depth = reading.shape[1]
    channels = np.arange(max(0, own - size // 2), min(depth, own + (size - 1) // 2 + 1))
    values = reading.take(reading.read, 0, slice(int(channels[0]), int(channels[-1]) + 1), *reading.index[2:])
    return Neighbours(
        source=reading.path_of(reading.read),
        place=reading.place,
        channels=channels,
        values=values,
        own=own - int(channels[0]),
        k=float(reading.given("k", default_k)),
        alpha=alpha,
        beta=float(reading.given("beta", 0.75)),
    )


def _softmax(reading: Reading) -> Parts:
    dim = reading.hyper.get("dim")
    axes = len(reading.shape)
    if not isinstance(dim, int):  # what PyTorch does, with a warning
        dim = 0 if axes in (0, 1, 3) else 1
    axis = dim % axes
    index = [slice(None) if a == axis else at for a, at in enumerate(reading.index)]
    return Share(
        source=reading.path_of(reading.read),
        place=reading.place,
        values=reading.take(reading.read, *index),
        own=reading.index[axis],
        logarithm=reading.step.operation.op == "logsoftmax",
    )


def _input(reading: Reading) -> Parts:
    return Given(reading.own())


_KNOWN: dict[str, Callable[[Reading], Parts]] = {
    "input": _input,
    "conv": _conv,
    "linear": _linear,
    "rbf": _rbf,
    "subsample": _subsample,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "add": _add,
    "sub": _sub,
    "rsub": _sub,
    "mul": _mul,
    "div": _div,
    "concat": _concat,
    "batchnorm": _batchnorm,
    "lrn": _lrn,
    "softmax": _softmax,
    "logsoftmax": _softmax,
    "dropout": _dropout,
    **dict.fromkeys(
        (
            "flatten reshape view unflatten slice pad permute transpose squeeze unsqueeze narrow select flip roll "
            "chunk split tensor_split unbind pixel_shuffle pixel_unshuffle channel_shuffle pixelshuffle "
            "pixelunshuffle channelshuffle movedim swapaxes swapdims t mT"
        ).split(),
        _moved,
    ),
}


def _values(tensor: Tensor) -> Values:
    return np.asarray(tensor.detach().cpu().double().numpy())
