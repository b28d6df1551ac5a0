"""A layer's hyperparameters, read as numbers: its windows, and the axis that it joins along."""

from cnnviz.graph import Layer


def integers(layer: Layer, name: str) -> tuple[int, ...]:
    """A hyperparameter that has a number for each axis; () where it has none."""
    value = layer.hyper(name)
    return value if isinstance(value, tuple) else ()


def integer(layer: Layer, name: str) -> int:
    """A hyperparameter that is one number; 0 where it is none."""
    value = layer.hyper(name)
    return value if isinstance(value, int) else 0


def window_of(layer: Layer, axis: int) -> dict[str, int]:
    """What slides along an axis, by its symbols: kernel k, stride s, dilation d, padding p before and p_after."""
    names = {"k": "kernel", "s": "stride", "p": "padding", "d": "dilation"}
    window = {symbol: integers(layer, name)[axis] for symbol, name in names.items()}
    return window | {"p_after": (integers(layer, "padding_after") or integers(layer, "padding"))[axis]}


def slides(layer: Layer) -> int:
    """Along how many axes a kernel of this layer slides; 0 where it has none."""
    axes = len(integers(layer, "kernel"))
    known = 1 <= axes <= 3 and layer.input_shapes
    return axes if known and len(layer.input_shapes[0]) == len(layer.output_shape) == axes + 1 else 0


def concatenated(layer: Layer) -> int | None:
    """The axis, of a shape without the batch, along which a concat joins."""
    dim, shapes, out = layer.hyper("dim"), layer.input_shapes, layer.output_shape
    if not isinstance(dim, int) or not shapes or any(len(shape) != len(out) for shape in shapes):
        return None
    axis = dim - 1 if dim >= 0 else dim + len(out)
    return axis if 0 <= axis < len(out) else None
