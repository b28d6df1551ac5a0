"""The rules, on rows that are made up: each speaks of the numbers that it is for, and of no others."""

import pytest

from cnnviz.graph import Edge, Layer, LayerGraph
from cnnviz.printed.matching import match
from cnnviz.printed.reasons import UNEXPLAINED, Case, reach, reason
from cnnviz.printed.table import PrintedRow


def conv(path="conv1", deep=3, out=8, kernel=3, stride=1, pad=1, side=32, bias=True):
    after = (side + 2 * pad - kernel) // stride + 1
    hyper = (
        *(("kernel", (kernel, kernel)), ("stride", (stride, stride)), ("padding", (pad, pad))),
        *(("bias", bias), ("in_channels", deep), ("out_channels", out)),
    )
    params = kernel**2 * deep * out + (out if bias else 0)
    return Layer(path, "conv", hyper, ((deep, side, side),), (out, after, after), params)


def case(layer, column, printed, computed, **cells):
    start = Layer("input", "input", (), (), layer.input_shapes[0])
    graph = LayerGraph("net", start.output_shape, (start, layer), (Edge("input", layer.path, start.output_shape),))
    matched = match([PrintedRow("", layer.path, {column: printed, **cells})], graph)
    assert matched.layers == (layer,)
    return Case(matched, 0, column, printed, computed)


def test_a_count_without_biases():
    assert reason(case(conv(), "params", 216, 224)) == "Counted without the 8 biases."
    assert reason(case(conv(bias=False), "params", 208, 216)) == UNEXPLAINED


def test_a_count_with_batch_norm():
    assert (
        reason(case(conv(), "params", 240, 224))
        == "Counted with the 8 scales and 8 shifts of the batch norm behind it."
    )


def test_a_count_that_nothing_explains_is_left_unexplained():
    assert reason(case(conv(), "params", 225, 224)) == UNEXPLAINED


def test_a_count_from_another_depth_only_where_it_is_that_depth():
    row = {"kernel_h": 3, "kernel_w": 3, "channels_in": 1, "channels_out": 8}
    assert reason(case(conv(), "params", 80, 224, **row)) == (
        "Follows from the 1 channels that the row reads, 3 × 3 × 1 × 8 + 8; from 3 it is 224, 144 more."
    )
    assert reason(case(conv(), "params", 81, 224, **row)) == UNEXPLAINED


def test_same_padding_is_as_much_as_keeps_the_size():
    assert reason(case(conv(kernel=5, pad=2), "pad", "same", 2)) == (
        "'Same' keeps a map of 32 at 32, for which this kernel takes a pad of 2."
    )
    assert reason(case(conv(kernel=5, pad=1), "pad", "same", 1)) == UNEXPLAINED


@pytest.mark.parametrize(("side", "beyond", "explained"), [(32, 1, True), (33, 2, False)])
def test_half_a_pixel_is_one_on_one_side_only_where_the_windows_reach_so_far(side, beyond, explained):
    layer = conv(stride=2, side=side)
    assert reach(layer) == beyond
    assert reason(case(layer, "pad", 0.5, 1)).startswith("A half-sided pad") == explained


def test_another_input_is_a_convention_only_where_it_gives_the_same_map():
    layer = conv(kernel=7, stride=2, pad=3, side=224)
    row = {"in_h": 227, "pad": 1, "stride": 2, "kernel_h": 7}
    assert reason(case(layer, "in_h", 227, 224, **row)).startswith("Another convention")
    assert reason(case(layer, "in_h", 231, 224, **{**row, "in_h": 231})) == UNEXPLAINED


def test_a_row_without_a_layer():
    matched = match([PrintedRow("", "fc", {"params": 10})], LayerGraph("net", (3,), (), ()))
    assert reason(Case(matched, 0, "params", 10, None)) == "net has no layer for this row."
