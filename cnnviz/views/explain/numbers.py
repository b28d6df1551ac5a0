"""Which formulas a layer has: output size, parameters, MACs, receptive field, memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cnnviz.graph import BYTES_PER_VALUE, Layer, LayerGraph, ReceptiveField, Shape
from cnnviz.views.explain.formula import Formula, formula
from cnnviz.views.explain.hyper import concatenated, integer, integers, slides, window_of

_AXES = {1: ["length"], 2: ["height", "width"], 3: ["depth of a map", "height", "width"]}
_Rules = Iterator[tuple[Formula, int]]
"""Formulas, each with the graph's number. One that doesn't give it is not shown: no card contradicts the graph."""


def formulas(graph: LayerGraph, layer: Layer) -> tuple[Formula, ...]:
    """All of a layer's formulas that give the graph's numbers."""
    fields = [graph.layer(edge.source).receptive_field for edge in graph.incoming(layer.path)]
    rules = [
        *_output_size(layer),
        *_PARAMETERS.get(layer.op, _none)(layer),
        *_macs(layer),
        *_receptive_field(layer, fields),
        (_sizes("memory", layer.output_shape, f"{BYTES_PER_VALUE}", "bytes", results=True), layer.activation_bytes),
    ]
    return tuple(found for found, expected in rules if found.value == expected)


def _none(layer: Layer) -> _Rules:
    yield from ()


def _output_size(layer: Layer) -> _Rules:
    shapes, out = layer.input_shapes, layer.output_shape
    if layer.op == "concat":
        axis = concatenated(layer)
        if axis is not None:
            depths = {f"c_{number}": shape[axis] for number, shape in enumerate(shapes, start=1)}
            yield formula(f"output {_axis_name(axis, out)}", " + ".join(depths), depths), out[axis]
    elif layer.op == "flatten" and len(out) == 1 and shapes and shapes[0]:
        yield _sizes("output length", shapes[0]), out[0]
    elif shapes and len(out) == len(shapes[0]):
        if layer.op == "pad" and any(integers(layer, "channels")):
            before, after = integers(layer, "channels")
            depths = {"c_before": before, "c": shapes[0][0], "c_after": after}
            yield formula("output depth", "c_before + c + c_after", depths), out[0]
        lengths = [_length(layer, axis, n) for axis, n in enumerate(shapes[0][1:])]
        yield from _by_axis("output ", [length for length in lengths if length], out[1:])


def _length(layer: Layer, axis: int, n: int) -> Formula | None:
    """Height (axis 0) or width of the output of whatever slides, cuts or pads."""
    if layer.op == "pad" and any(integers(layer, "before") + integers(layer, "after")):
        ends = {"p_before": integers(layer, "before")[axis], "p_after": integers(layer, "after")[axis]}
        return formula("", "n + p_before + p_after", {"n": n} | ends)
    if layer.op == "slice" and layer.hyper("step"):
        taken = {"t": integers(layer, "start")[axis], "s": integers(layer, "step")[axis]}
        return formula("", "ceil((n - t)/s)", {"n": n} | taken)
    if not slides(layer):
        return None
    window = {"n": n} | window_of(layer, axis)
    dilated = window["d"] != 1
    if layer.op == "convtranspose":
        window["o"] = integers(layer, "output_padding")[axis]
        span = "d*(k - 1) + 1" if dilated else "k"
        return formula("", f"(n - 1)*s - 2*p + {span}{' + o' if window['o'] else ''}", window)
    padding = "2*p" if window["p"] == window["p_after"] else "p + p_after"
    places = f"((n + {padding} - {'d*(k - 1) - 1' if dilated else 'k'})/s) + 1"
    if not layer.hyper("ceil_mode"):
        return formula("", f"floor{places}", window)
    rounded_up = formula("", f"ceil{places}", window)
    in_padding = (rounded_up.value - 1) * window["s"] >= n + window["p"]  # the last window begins behind the input
    return formula("", f"ceil{places} - 1", window) if in_padding else rounded_up


def _convolution_parameters(layer: Layer) -> _Rules:
    if slides(layer):
        bias = " + c_out" if layer.hyper("bias") else ""
        yield formula("parameters", f"{_kernels(layer)}*{_along('k', layer)}{bias}", _channels(layer)), layer.params


def _linear_parameters(layer: Layer) -> _Rules:
    bias = " + f_out" if layer.hyper("bias") else ""
    yield formula("parameters", f"f_in*f_out{bias}", _features(layer)), layer.params


def _a_pair_a_channel(layer: Layer) -> _Rules:
    if layer.output_shape:
        yield formula("parameters", "2*c", {"c": layer.output_shape[0]}), layer.params


def _layernorm_parameters(layer: Layer) -> _Rules:
    yield _sizes("parameters", integers(layer, "normalized_shape"), "2"), layer.params


_PARAMETERS: dict[str, Callable[[Layer], _Rules]] = {
    "conv": _convolution_parameters,
    "convtranspose": _convolution_parameters,
    "linear": _linear_parameters,
    "batchnorm": _a_pair_a_channel,
    "groupnorm": _a_pair_a_channel,
    "instancenorm": _a_pair_a_channel,
    "subsample": _a_pair_a_channel,
    "layernorm": _layernorm_parameters,
}


def _macs(layer: Layer) -> _Rules:
    if layer.op == "linear":
        places = {f"e_{number}": size for number, size in enumerate(layer.output_shape[:-1], start=1)}
        yield formula("MACs", "*".join([*places, "f_out*f_in"]), places | _features(layer)), layer.macs
    elif layer.op in ("conv", "convtranspose") and slides(layer):
        *filters, reads = _kernels(layer).split("*")
        places_of = "*".join([*filters, _along("n_in" if layer.op == "convtranspose" else "n_out", layer)])
        yield formula("MACs", f"{places_of}*({reads}*{_along('k', layer)})", _channels(layer)), layer.macs
    else:
        return
    yield formula("FLOPs", "2*M", {"M": layer.macs}), layer.flops


def _kernels(layer: Layer) -> str:
    """How many k x k kernels a convolution has: one for each pair of channels that are connected."""
    if layer.hyper("connections"):
        return "m"
    first, second = ("c_in", "c_out") if layer.op == "convtranspose" else ("c_out", "c_in")
    return f"{first}*{second}" if layer.hyper("groups") == 1 else f"{first}*({second}/g)"


def _receptive_field(layer: Layer, fields: Sequence[ReceptiveField | None]) -> _Rules:
    """The step from what comes in to what goes out; nothing where the window is passed on as it is."""
    after, known = layer.receptive_field, [field for field in fields if field is not None]
    if after is None or not known or len(known) < len(fields):
        return  # a unit sees the whole input
    joined = len(known) > 1
    heights, widths = (_hull(known, axis) if joined else _step(layer, known[0], axis) for axis in (0, 1))
    for what, expected in (("", after.size), (" stride", after.stride), (" start", after.start)):
        if what in heights and what in widths:
            yield from _by_axis(f"receptive field{what}", [heights[what], widths[what]], expected)


def _step(layer: Layer, field: ReceptiveField, axis: int) -> dict[str, Formula]:
    """Size, stride and start along an axis of what a window sees that slides over units that see `field`."""
    numbers = {"r": field.size[axis], "j": field.stride[axis], "a": field.start[axis]}
    if layer.op == "pad":
        numbers["p"] = integers(layer, "before")[axis]
        templates = {" start": "a - p*j"} if any(integers(layer, "before")) else {}
    elif layer.op == "slice" and layer.hyper("step"):
        numbers |= {"t": integers(layer, "start")[axis], "s": integers(layer, "step")[axis]}
        templates = {" stride": "j*s", " start": "a + t*j"}
    elif slides(layer):
        numbers |= window_of(layer, axis)
        size = "r + (k - 1)*j" if numbers["d"] == 1 else "r + d*(k - 1)*j"
        templates = {"": size, " stride": "j*s", " start": "a - p*j"}
    elif layer.hyper("output_size") and layer.input_shapes[0] != layer.output_shape:
        even = layer.input_shapes[0][1 + axis] // layer.output_shape[1 + axis]
        numbers |= {"k": even, "s": even}
        templates = {"": "r + (k - 1)*j", " stride": "j*s", " start": "a"}
    else:
        templates = {}
    return {what: formula("", template, numbers, unit="pixels") for what, template in templates.items()}


def _hull(fields: Sequence[ReceptiveField], axis: int) -> dict[str, Formula]:
    """Size and start along an axis of the smallest window that holds those of all arms."""
    if len(set(fields)) == 1:
        return {}
    windows = list(dict.fromkeys((field.start[axis], field.size[axis]) for field in fields))
    numbers = {
        f"{letter}_{number}": value
        for number, window in enumerate(windows, start=1)
        for letter, value in zip("ar", window, strict=True)
    }
    if len(windows) == 1:
        templates = {"": "r_1", " start": "a_1"}
    else:
        starts = ", ".join(f"a_{number}" for number in range(1, len(windows) + 1))
        ends = ", ".join(f"a_{number} + r_{number}" for number in range(1, len(windows) + 1))
        templates = {"": f"max({ends}) - min({starts})", " start": f"min({starts})"}
    return {what: formula("", template, numbers, unit="pixels") for what, template in templates.items()}


def _by_axis(name: str, found: Sequence[Formula], expected: Shape) -> _Rules:
    """One formula for all axes where they are alike, else one each.

    `name` is that of what is the same for both ('receptive field'), or ends in a blank for the axes to follow.
    """
    if len(found) != len(expected) or not found:
        return
    axes = _AXES.get(len(found), [f"axis {number}" for number in range(1, len(found) + 1)])
    if len({(one.expression, value) for one, value in zip(found, expected, strict=True)}) == 1:
        whole = f"{name}{' and '.join(axes)}" if name.endswith(" ") else name
        yield replace(found[0], name=whole), expected[0]
    else:
        for axis, one, value in zip(axes, found, expected, strict=True):
            yield replace(one, name=f"{name}{axis}" if name.endswith(" ") else f"{name}, {axis}"), value


def _sizes(name: str, shape: Shape, first: str = "", unit: str = "", results: bool = False) -> Formula:
    """The product of a shape's sizes, which may be results themselves, and of `first`."""
    symbols = {3: ("c", "h", "w"), 1: ("f",)}.get(len(shape), tuple(f"e_{i + 1}" for i in range(len(shape))))
    sizes = dict(zip(symbols, shape, strict=True))
    return formula(name, "*".join(filter(None, [first, *sizes])) or "1", sizes, unit, sizes if results else ())


def _along(symbol: str, layer: Layer) -> str:
    """The product over all axes: k_h*k_w, h_out*w_out."""
    return "*".join(f"{axis}{symbol[1:]}" if symbol[0] == "n" else f"{symbol}_{axis}" for axis in _axis_letters(layer))


def _axis_letters(layer: Layer) -> list[str]:
    return [axis[0] for axis in _AXES[slides(layer)]]


def _channels(layer: Layer) -> dict[str, int]:
    """All that a convolution's parameters and MACs are counted from."""
    numbers = {"c_in": integer(layer, "in_channels"), "c_out": integer(layer, "out_channels")}
    numbers |= {"g": integer(layer, "groups"), "m": integer(layer, "connections")}
    for axis, letter in enumerate(_axis_letters(layer)):
        numbers[f"k_{letter}"] = integers(layer, "kernel")[axis]
        numbers[f"{letter}_in"] = layer.input_shapes[0][1 + axis]
        numbers[f"{letter}_out"] = layer.output_shape[1 + axis]
    return numbers


def _features(layer: Layer) -> dict[str, int]:
    return {"f_in": integer(layer, "in_features"), "f_out": integer(layer, "out_features")}


def _axis_name(axis: int, shape: Shape) -> str:
    """'depth' is that of maps: how many there are."""
    return ("depth", "height", "width")[axis] if len(shape) == 3 else f"axis {axis + 1}" if len(shape) > 1 else "length"
