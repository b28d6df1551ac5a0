"""Receptive fields: which window of the input a unit of a layer can see.

Source: Araujo, Norris, Sim 2019, 'Computing receptive fields of convolutional neural networks'.
"""

from collections.abc import Mapping, Sequence

from cnnviz.graph import ReceptiveField, Shape, Value
from cnnviz.vocabulary import POINTWISE

PIXEL = ReceptiveField(size=(1, 1), stride=(1, 1), start=(0, 0))


def receptive_field_after(
    op: str,
    hyperparameters: Mapping[str, Value],
    input_shapes: Sequence[Shape],
    output_shape: Shape,
    fields: Sequence[ReceptiveField | None],
) -> ReceptiveField | None:
    """The receptive field of a layer, given those of the tensors that enter it.

    A window of kernel k, stride s, padding p and dilation d on units that see (size, stride, start) sees
    size + d(k - 1) stride, at stride s stride, from start - p stride on. Where branches join, the hull of
    their windows counts.

    Returns:
        None where a unit sees the whole input, or no fixed window of it.
    """
    if op == "input":
        return PIXEL if len(output_shape) == 3 else None
    if len(output_shape) != 3:
        return None
    if op in POINTWISE and len(fields) == 1:
        return fields[0]
    known = [field for field in fields if field is not None]
    if not fields or len(known) < len(fields):
        return None
    across_channels = op in ("chunk", "split", "softmax", "logsoftmax") and hyperparameters.get("dim") in (1, -3)
    if op in POINTWISE or across_channels:
        return _hull(known)
    shape = input_shapes[0]
    if len(shape) != 3:
        return None
    if "output_size" in hyperparameters:  # adaptive pooling: a fixed window only where it divides evenly
        if output_shape[1:] == (1, 1) or any(n % m for n, m in zip(shape[1:], output_shape[1:], strict=True)):
            return known[0] if shape == output_shape and shape[1:] != (1, 1) else None
        kernel = (shape[1] // output_shape[1], shape[2] // output_shape[2])
        return _slide(known[0], kernel=kernel, stride=kernel)
    if op in ("conv", "maxpool", "avgpool", "subsample"):
        kernel, padding = _axes(hyperparameters["kernel"]), _axes(hyperparameters["padding"])
        if op == "avgpool" and kernel == shape[1:] and padding == (0, 0):
            return None  # global average pooling by another name
        stride, dilation = _axes(hyperparameters["stride"]), _axes(hyperparameters["dilation"])
        return _slide(known[0], kernel, stride, padding, dilation)
    if op == "pad":
        before = _axes(hyperparameters["before"])
        return _slide(known[0], padding=before)
    if op == "slice" and "step" in hyperparameters:
        skipped = tuple(-n for n in _axes(hyperparameters["start"]))
        return _slide(known[0], stride=_axes(hyperparameters["step"]), padding=(skipped[0], skipped[1]))
    return None


def _slide(
    field: ReceptiveField,
    kernel: tuple[int, int] = (1, 1),
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
) -> ReceptiveField:
    step_down, step_right = field.stride
    return ReceptiveField(
        size=(
            field.size[0] + dilation[0] * (kernel[0] - 1) * step_down,
            field.size[1] + dilation[1] * (kernel[1] - 1) * step_right,
        ),
        stride=(step_down * stride[0], step_right * stride[1]),
        start=(field.start[0] - padding[0] * step_down, field.start[1] - padding[1] * step_right),
    )


def _hull(fields: Sequence[ReceptiveField]) -> ReceptiveField | None:
    """The smallest window that holds all of them, unit by unit; None where their strides differ."""
    first, *others = fields
    if any(field.stride != first.stride for field in others):
        return None
    top, left = (min(field.start[axis] for field in fields) for axis in (0, 1))
    bottom, right = (max(field.start[axis] + field.size[axis] for field in fields) for axis in (0, 1))
    return ReceptiveField(size=(bottom - top, right - left), stride=first.stride, start=(top, left))


def _axes(value: Value) -> tuple[int, int]:
    assert isinstance(value, tuple)
    return (value[0], value[1])
