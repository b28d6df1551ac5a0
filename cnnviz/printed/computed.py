"""What a layer has in the columns of a printed table."""

from cnnviz.graph import Layer, Value
from cnnviz.printed.matching import Matched
from cnnviz.printed.table import Printed
from cnnviz.vocabulary import ACTIVATIONS

_IN = ("in_c", "in_h", "in_w")
_OUT = ("out_c", "out_h", "out_w")


def computed(matched: Matched, at: int, column: str) -> Printed | None:
    """What a row's layer has in a column; None where it has no such thing.

    A fully connected layer is, as tables print it, a convolution with a kernel of 1 over a map of 1.
    """
    layer = matched.layers[at]
    if layer is None:
        return None
    if column == "input_layer":
        return ", ".join(matched.rows[n].layer for n in matched.reads(at)) or "input"
    if column == "activation":
        return _activation(matched, layer)
    return computed_number(layer, column)


def places_along(layer: Layer, side: int) -> float:
    """How many places a layer's kernel would have along a side, were the input that wide: 54.25 is no map's size."""
    kernel, stride, padding = (layer.hyper(name) for name in ("kernel", "stride", "padding"))
    assert isinstance(kernel, tuple)
    assert isinstance(stride, tuple)
    assert isinstance(padding, tuple)
    return (side + 2 * padding[0] - kernel[0]) / stride[0] + 1


def computed_number(layer: Layer, column: str) -> Printed | None:
    """As `computed`, for all but a layer's neighbours."""
    linear = layer.op == "linear"
    if column in _IN and layer.input_shapes:
        return _size(layer.input_shapes[0], _IN.index(column))
    if column in _OUT:
        return _size(layer.output_shape, _OUT.index(column))
    match column:
        case "params":
            return layer.params
        case "stride":
            return 1 if linear else _side(layer.hyper("stride"), 0)
        case "pad":
            return 0 if linear else _side(layer.hyper("padding"), 0)
        case "kernel_h" | "kernel_w":
            return 1 if linear else _side(layer.hyper("kernel"), int(column == "kernel_w"))
        case "channels_in":
            return _size(layer.input_shapes[0], 0)
        case "channels_out" | "filters_or_neurons":
            return layer.output_shape[0]
        case "filter_size":
            kernel = layer.hyper("kernel")
            return "x".join(map(str, kernel)) if isinstance(kernel, tuple) else None
        case "feature_map":
            channels, *sides = layer.output_shape
            # a map of one pixel is printed as the vector it is
            return "x".join(map(str, (*sides, channels))) if set(sides) - {1} else channels
    return None


def _size(shape: tuple[int, ...], axis: int) -> int:
    return shape[axis] if axis < len(shape) else 1


def _side(sizes: Value, axis: int) -> int | None:
    return sizes[axis] if isinstance(sizes, tuple) else None


def _activation(matched: Matched, layer: Layer) -> str | None:
    after = [matched.graph.layer(edge.target).op for edge in matched.graph.outgoing(layer.path)]
    return next((op for op in after if op in ACTIVATIONS or op == "softmax"), None)
