"""What PyTorch's modules and functions are called here, and the shapes they give.

A tracer asks three things of every call in a forward pass: which operation it is
(`conv`, `maxpool`, `add`, …), with which hyperparameters, and what comes out. The
last one is answered by formula where we have one, which costs microseconds where
running the operation on the meta device costs up to a millisecond.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

import torch
from torch import Tensor, nn

from cnnviz.errors import ShapeMismatch
from cnnviz.graph import Shape, Value
from cnnviz.vocabulary import KEEPS_SHAPE, NORMS


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation's name in the graph and its hyperparameters."""

    op: str
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)


class Describes(Protocol):
    """A module that computes something new declares what it is."""

    def describe(self) -> tuple[str, dict[str, Value]]:
        """The operation's name and its hyperparameters."""
        ...


class Adapts(Describes, Protocol):
    """A module whose hyperparameters follow its input."""

    def describe_at(self, shape: Shape) -> tuple[str, dict[str, Value]]:
        """The operation's name and its hyperparameters for an input of that shape, without the batch."""
        ...


def describes(module: object) -> TypeGuard[Describes]:
    """Whether a module says itself what it is."""
    return hasattr(type(module), "describe")


def adapts(module: object) -> TypeGuard[Adapts]:
    """Whether its hyperparameters follow its input."""
    return hasattr(type(module), "describe_at")


def operation_at(module: nn.Module, operation: Operation, shape: Shape) -> Operation:
    """The operation that a module is for an input of a shape, without the batch; `operation` is that for any."""
    return Operation(*module.describe_at(shape)) if adapts(module) else operation


# --- modules -----------------------------------------------------------------


def _per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """An argument that may be one number for all axes, as one for each."""
    numbers = tuple(value) if isinstance(value, tuple | list) else (value,)  # asking an ABC takes half a window's time
    return tuple(map(int, numbers * axes if len(numbers) == 1 else numbers))


def _window(kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any) -> dict[str, Value]:
    axes = len(kernel)
    dilation = _per_axis(dilation, axes)
    after: tuple[int, ...] | None = None
    if padding == "same":  # PyTorch puts the odd pixel behind
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        padding, after = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    padding = _per_axis(0 if padding == "valid" else padding, axes)
    window: dict[str, Value] = {"kernel": kernel, "stride": _per_axis(stride, axes), "padding": padding}
    if after not in (None, padding):
        window["padding_after"] = after
    return {**window, "dilation": dilation}


def _conv(m: Any) -> dict[str, Value]:
    window = _window(m.kernel_size, m.stride, m.padding, m.dilation)
    if m.transposed:
        window["output_padding"] = _per_axis(m.output_padding, len(m.kernel_size))
    if m.padding_mode != "zeros":
        window["padding_mode"] = m.padding_mode
    channels = {"in_channels": m.in_channels, "out_channels": m.out_channels}
    return {**window, "groups": m.groups, "bias": m.bias is not None, **channels}


def _pool(axes: int) -> Callable[[Any], dict[str, Value]]:
    def described(m: Any) -> dict[str, Value]:
        window = _window(_per_axis(m.kernel_size, axes), m.stride, m.padding, getattr(m, "dilation", 1))
        return {**window, "ceil_mode": bool(m.ceil_mode)}

    return described


def _adaptive(axes: int) -> Callable[[Any], dict[str, Value]]:
    return lambda m: _output_size(m.output_size, axes)


def _output_size(size: Any, axes: int) -> dict[str, Value]:
    sizes = tuple(size) if isinstance(size, tuple | list) else (size,) * axes
    return {"output_size": tuple(-1 if s is None else int(s) for s in sizes)}


def _attributes(*names: str, **renamed: str) -> Callable[[Any], dict[str, Value]]:
    wanted = dict(zip(names, names, strict=True)) | renamed
    return lambda m: {ours: getattr(m, theirs) for ours, theirs in wanted.items()}


def _pad(m: Any) -> dict[str, Value]:
    return _pad_ends(m.padding)


_MODULES: dict[type[nn.Module], tuple[str, Callable[[Any], dict[str, Value]]]] = {
    nn.Linear: (
        "linear",
        lambda m: {"in_features": m.in_features, "out_features": m.out_features, "bias": m.bias is not None},
    ),
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), ("conv", _conv)),
    **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), ("convtranspose", _conv)),
    nn.MaxPool1d: ("maxpool", _pool(1)),
    nn.MaxPool2d: ("maxpool", _pool(2)),
    nn.MaxPool3d: ("maxpool", _pool(3)),
    nn.AvgPool1d: ("avgpool", _pool(1)),
    nn.AvgPool2d: ("avgpool", _pool(2)),
    nn.AvgPool3d: ("avgpool", _pool(3)),
    nn.AdaptiveAvgPool1d: ("avgpool", _adaptive(1)),
    nn.AdaptiveAvgPool2d: ("avgpool", _adaptive(2)),
    nn.AdaptiveMaxPool1d: ("maxpool", _adaptive(1)),
    nn.AdaptiveMaxPool2d: ("maxpool", _adaptive(2)),
    **dict.fromkeys(
        (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
        ("batchnorm", _attributes("eps", "momentum", channels="num_features")),
    ),
    nn.InstanceNorm2d: ("instancenorm", _attributes("eps", channels="num_features")),
    nn.GroupNorm: ("groupnorm", _attributes("num_groups", "eps", channels="num_channels")),
    nn.LayerNorm: ("layernorm", _attributes("normalized_shape", "eps")),
    # PyTorch divides alpha by the number of neighbours, the paper doesn't: what is shown is the paper's alpha
    nn.LocalResponseNorm: ("lrn", lambda m: {"size": m.size, "alpha": m.alpha / m.size, "beta": m.beta, "k": m.k}),
    **dict.fromkeys((nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout), ("dropout", _attributes("p"))),
    nn.Softmax: ("softmax", _attributes("dim")),
    nn.Softmax2d: ("softmax", lambda _: {"dim": 1}),
    nn.LogSoftmax: ("logsoftmax", _attributes("dim")),
    nn.LeakyReLU: ("leakyrelu", _attributes("negative_slope")),
    nn.Flatten: ("flatten", _attributes("start_dim", "end_dim")),
    **dict.fromkeys((nn.ZeroPad2d, nn.ConstantPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d), ("pad", _pad)),
}
_OVERRIDABLE = ("forward", "_conv_forward")


def describe_module(module: nn.Module) -> Operation | None:
    """The operation that a module is, or None for one whose forward has to be followed.

    A subclass with a forward of its own (a convolution that pads by itself, say) is followed.
    """
    if describes(module):
        return Operation(*module.describe())
    for cls in type(module).__mro__:
        if cls in _MODULES:
            op, hyperparameters = _MODULES[cls]
            return Operation(op, hyperparameters(module))
        if cls.__module__.startswith("torch.nn."):
            break
        if any(name in vars(cls) for name in _OVERRIDABLE):
            return None
    else:
        return None
    if isinstance(module, nn.Sequential) or (module._modules and not isinstance(module, nn.MultiheadAttention)):
        return None  # an empty Sequential (many a shortcut), TransformerEncoderLayer and the like
    return Operation(cls.__name__.lower())


# --- functions ---------------------------------------------------------------

_SIGNATURES: dict[str, tuple[str, ...]] = {
    **{f"conv{n}d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups") for n in (1, 2, 3)},
    "chunk": ("input", "chunks", "dim"),
    "split": ("input", "split_size", "dim"),
    "linear": ("input", "weight", "bias"),
    "max_pool2d": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg_pool2d": (
        *("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    ),
    "adaptive_avg_pool2d": ("input", "output_size"),
    "adaptive_max_pool2d": ("input", "output_size"),
    "pad": ("input", "pad", "mode", "value"),
    "dropout": ("input", "p", "training"),
    "softmax": ("input", "dim"),
    "log_softmax": ("input", "dim"),
    "batch_norm": ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    "local_response_norm": ("input", "size", "alpha", "beta", "k"),
    "leaky_relu": ("input", "negative_slope"),
    **dict.fromkeys(("add", "sub", "rsub", "mul", "div"), ("input", "other")),
    "cat": ("tensors", "dim"),
    "mean": ("input", "dim", "keepdim"),
    "getitem": ("input", "index"),
}

_NAMES = {
    **{f"conv{n}d": "conv" for n in (1, 2, 3)},
    "max_pool2d": "maxpool",
    "avg_pool2d": "avgpool",
    "adaptive_avg_pool2d": "avgpool",
    "adaptive_max_pool2d": "maxpool",
    "batch_norm": "batchnorm",
    "layer_norm": "layernorm",
    "group_norm": "groupnorm",
    "local_response_norm": "lrn",
    "leaky_relu": "leakyrelu",
    "log_softmax": "logsoftmax",
    "feature_dropout": "dropout",
    "dropout2d": "dropout",
    "cat": "concat",
    "getitem": "slice",
    "divide": "div",
    "true_divide": "div",
    "truediv": "div",
}

PASSES_ON = frozenset(
    "contiguous detach to float double half bfloat16 clone alias requires_grad expand expand_as broadcast_to".split()
)
"""Functions whose output is their input as far as a reader of the graph is concerned."""


FACTORIES = frozenset(
    {
        torch.arange,
        torch.as_tensor,
        torch.empty,
        torch.empty_strided,
        torch.eye,
        torch.full,
        torch.linspace,
        torch.logspace,
        torch.ones,
        torch.rand,
        torch.randint,
        torch.randn,
        torch.randperm,
        torch.scalar_tensor,
        torch.tensor,
        torch.zeros,
    }
)
"""Functions that make a tensor where they are told to."""

CONSTANTS = frozenset(
    (
        "empty_like full_like new_empty new_full new_ones new_tensor new_zeros ones_like rand_like randn_like "
        "zeros_like"
    ).split()
)
"""Functions that take a tensor for its shape, type and device only: what they make doesn't depend on its values."""


def function_name(func: Callable[..., Any]) -> str:
    """`add` for torch.add, Tensor.__add__, Tensor.__iadd__ and Tensor.add_ alike."""
    name = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":  # an attribute such as x.T: its descriptor knows the name
        return str(getattr(getattr(func, "__self__", None), "__name__", "attribute"))
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        for prefix in ("i", "r"):
            if hasattr(torch.Tensor, f"__{name[1:]}__") and name.startswith(prefix):
                name = name[1:]
    name = name.strip("_")
    return {"concat": "cat", "concatenate": "cat", "subtract": "sub", "multiply": "mul"}.get(name, name)


def arguments(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a torch function or tensor method by name, as far as we know its signature."""
    return dict(zip(_SIGNATURES.get(function_name(func), ()), args, strict=False)) | dict(kwargs)


def describe_function(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Operation:
    """The operation that a call of a torch function or tensor method is."""
    name = function_name(func)
    given = arguments(func, args, kwargs)
    op = _NAMES.get(name, name)
    hyper: dict[str, Value] = {}
    if op == "conv":
        weight: Tensor = given["weight"]
        groups = int(given.get("groups", 1))
        hyper = _window(
            tuple(weight.shape[2:]), given.get("stride", 1), given.get("padding", 0), given.get("dilation", 1)
        )
        hyper |= {"groups": groups, "bias": given.get("bias") is not None}
        hyper |= {"in_channels": weight.shape[1] * groups, "out_channels": weight.shape[0]}
    elif name == "linear":
        out_features, in_features = given["weight"].shape
        hyper = {
            "in_features": in_features,
            "out_features": out_features,
            "bias": given.get("bias") is not None,
        }
    elif name in ("max_pool2d", "avg_pool2d"):
        kernel = _per_axis(given["kernel_size"], 2)
        stride = given.get("stride")
        hyper = _window(
            kernel, kernel if stride in (None, []) else stride, given.get("padding", 0), given.get("dilation", 1)
        )
        hyper["ceil_mode"] = bool(given.get("ceil_mode", False))
    elif name.startswith("adaptive_"):
        hyper = _output_size(given["output_size"], 2)
    elif name == "pad":
        hyper = _pad_ends(given["pad"])
    elif name in ("view", "reshape"):
        sizes = args[1] if len(args) == 2 and isinstance(args[1], Sequence) else args[1:]
        op = "flatten" if len(sizes) == 2 else "reshape"
    elif name == "getitem":
        hyper = _slices(given["input"], given["index"])
    elif name == "mean":
        dims = given.get("dim")
        axes = {d % 4 for d in (dims if isinstance(dims, Sequence) else [dims])} if dims is not None else set()
        if given["input"].dim() == 4 and axes == {2, 3}:
            op, hyper = "avgpool", {"output_size": (1, 1)}  # 'global average pooling'
    elif name in ("cat", "chunk", "split", "softmax", "log_softmax"):
        hyper = {"dim": int(given.get("dim") or 0)}
    elif name == "dropout":
        hyper = {"p": float(given.get("p", 0.5))}
    return Operation(op, hyper)


def _pad_ends(pad: Sequence[int]) -> dict[str, Value]:
    left, right, top, bottom, front, back = [int(n) for n in [*pad, 0, 0, 0, 0, 0, 0][:6]]
    return {"before": (top, left), "after": (bottom, right), "channels": (front, back)}


def _slices(x: Tensor, index: Any) -> dict[str, Value]:
    entries = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [e if e is Ellipsis else None for e in entries]:
        at = next(i for i, e in enumerate(entries) if e is Ellipsis)
        entries[at : at + 1] = [slice(None)] * (x.dim() - len(entries) + 1)
    entries += [slice(None)] * (x.dim() - len(entries))
    text = ", ".join(_slice_text(e) for e in entries)
    if x.dim() != 4 or not all(isinstance(e, slice) for e in entries):
        return {"index": text}
    ranges = [range(size)[e] for size, e in zip(x.shape, entries, strict=True)]
    return {
        "index": text,
        "start": (ranges[2].start, ranges[3].start),
        "step": (ranges[2].step, ranges[3].step),
    }


def _slice_text(entry: Any) -> str:
    if not isinstance(entry, slice):
        return str(entry) if isinstance(entry, int) else "…"
    start, stop, step = ("" if n is None else str(n) for n in (entry.start, entry.stop, entry.step))
    return f"{start}:{stop}" + (f":{step}" if step else "")


# --- shapes ------------------------------------------------------------------


def by_name(shape: Shape) -> str:
    """A shape as readers write it: 256 x 6 x 6."""
    return " x ".join(map(str, shape))


def output_shape(operation: Operation, shape: Shape, path: str) -> Shape | None:
    """The shape (without the batch) that an operation gives for one input, or None where no formula is known.

    Raises:
        ShapeMismatch: the input doesn't fit; names the layer, what it needs and what it got.
    """
    op, hyper = operation.op, operation.hyperparameters
    if op == "linear":
        _check_last_axes((_int(hyper["in_features"]),), shape, path, "features")
        return (*shape[:-1], _int(hyper["out_features"]))
    if op in ("conv", "maxpool", "avgpool", "subsample"):
        return _window_shape(hyper, shape, path)
    if op == "rbf":
        return (_int(hyper["out_features"]),)
    if op in NORMS and "channels" in hyper:
        _check_channels(_int(hyper["channels"]), shape, path)
    if "normalized_shape" in hyper:
        _check_last_axes(_ints(hyper["normalized_shape"]), shape, path, "values at the end")
    return shape if op in KEEPS_SHAPE else None


def _check_last_axes(needed: tuple[int, ...], shape: Shape, path: str, what: str) -> None:
    if shape[-len(needed) :] != needed:
        raise ShapeMismatch(path, f"needs {by_name(needed)} {what}, but gets {by_name(shape)}")


def _check_channels(needed: int, shape: Shape, path: str) -> None:
    if shape[0] != needed:
        raise ShapeMismatch(path, f"needs {needed} channel{'s' if needed != 1 else ''}, but gets {shape[0]}")


def _window_shape(hyper: Mapping[str, Value], shape: Shape, path: str) -> Shape | None:
    axes = len(_ints(hyper.get("kernel", hyper.get("output_size"))))
    if len(shape) != axes + 1:
        wanted = {1: "channels x length", 2: "channels x height x width", 3: "channels x depth x height x width"}[axes]
        raise ShapeMismatch(path, f"needs maps of {wanted}, but gets {by_name(shape) or 'a number'}")
    _check_channels(_int(hyper.get("in_channels", shape[0])), shape, path)
    deep = _int(hyper.get("out_channels", shape[0]))
    if "output_size" in hyper:
        wanted_sizes = _ints(hyper["output_size"])
        return (deep, *(full if s < 0 else s for s, full in zip(wanted_sizes, shape[1:], strict=True)))
    if hyper.get("padding_mode"):
        return None  # PyTorch refuses to reflect more than there is
    sizes = tuple(window_length(hyper, axis, shape[1 + axis]) for axis in range(axes))
    if min(sizes) < 1:
        kernel, dilation, padding = (_ints(hyper[name]) for name in ("kernel", "dilation", "padding"))
        least = tuple(max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding, strict=True))
        raise ShapeMismatch(path, f"needs maps of at least {by_name(least)}, but gets {by_name(shape[1:])}")
    return (deep, *sizes)


def window_length(hyper: Mapping[str, Value], axis: int, length: int) -> int:
    """How many places a sliding window has along an axis: ⌊(n + 2p − d(k − 1) − 1) / s⌋ + 1.

    With `ceil_mode`, rounded up, unless the last window would lie in the padding alone (as PyTorch has it).
    """
    padding = _ints(hyper["padding"])
    before, after = padding[axis], _ints(hyper.get("padding_after", padding))[axis]
    kernel, stride, dilation = (
        _ints(hyper["kernel"])[axis],
        _ints(hyper["stride"])[axis],
        _ints(hyper["dilation"])[axis],
    )
    room = length + before + after - dilation * (kernel - 1) - 1
    if not hyper.get("ceil_mode"):
        return room // stride + 1
    places = -(-room // stride) + 1
    return places - 1 if (places - 1) * stride >= length + before else places


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _ints(value: Value) -> tuple[int, ...]:
    assert isinstance(value, tuple)
    return value
