import csv
from pathlib import Path

import pytest
from torch import nn

from cnnviz.analysis.kernels import break_even, replicate
from cnnviz.errors import BadOption
from cnnviz.trace import trace

PRINTED = Path(__file__).parents[2] / "assets" / "printed" / "kernel_replication.csv"


@pytest.mark.parametrize("row", list(csv.DictReader(PRINTED.open())), ids=lambda row: row["kernel"])
def test_the_articles_savings_for_one_channel(row):
    result = replicate(int(row["kernel"]))
    assert result.stack == int(row["stack_of_3x3"])
    assert result.saving_percent == pytest.approx(float(row["printed_reduction_percent"]), abs=0.05)


@pytest.mark.parametrize(("mid", "weights"), [(16, 6_912), (32, 13_824)])
def test_googlenets_module_3a_depends_on_the_channels_inside(mid, weights):
    result = replicate(5, channels_in=16, mid=mid, channels_out=32)
    assert (result.weights_single, result.weights_stack) == (12_800, weights)


@pytest.mark.parametrize("kernel", range(3, 16, 2))
def test_the_stack_sees_what_the_kernel_sees(kernel):
    assert replicate(kernel).receptive_field == (kernel, kernel)


def test_work_is_weights_times_positions():
    result = replicate(7, 2, 3, 4, size=(5, 6))
    assert result.macs_single == 30 * 49 * 2 * 4
    assert result.macs_stack == 30 * 9 * (2 * 3 + 3 * 3 + 3 * 4)


@pytest.mark.parametrize(
    ("arguments", "words"), [((4,), "try 5"), ((1,), "try 3"), ((5, 0), "at least 1"), ((-2,), "try 3")]
)
def test_what_cannot_be_replicated_says_what_to_do(arguments, words):
    with pytest.raises(BadOption, match=words):
        replicate(*arguments)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kernel", range(5, 16, 2))
def test_the_break_even_is_where_neither_saves(kernel, bias):
    even = break_even(replicate(kernel, 16, 16, 32, bias=bias))
    below, above = (replicate(kernel, 16, mid, 32, bias=bias).saving_percent for mid in (int(even), int(even) + 1))
    assert below >= 0 > above


def test_the_break_even_of_googlenets_module_3a():
    assert break_even(replicate(5, 16, 16, 32)) == pytest.approx(25 * 16 * 32 / (9 * 48))
    assert break_even(replicate(3)) is None


@pytest.mark.parametrize("kernel", range(3, 16, 2))
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_dilated_as_well_the_windows_agree(kernel, dilation):
    result = replicate(kernel, dilation=dilation)
    window = 1 + dilation * (kernel - 1)
    assert result.single.field == result.threes.field == result.lines.field == (window, window)
    assert result.same


@pytest.mark.parametrize(("strided", "field", "grid"), [("last", 7, 2), ("first", 11, 2), ("each", 15, 8)])
def test_a_stride_leaves_the_window_alone_in_the_last_layer_only(strided, field, grid):
    result = replicate(7, size=(56, 56), stride=2, strided=strided)
    assert (result.threes.field, result.threes.grid) == ((field, field), (grid, grid))
    assert (result.single.field, result.single.grid) == ((7, 7), (2, 2))
    assert result.same == (strided == "last")
    assert (result.lines.field, result.lines.grid) == ((7, 7), (2, 2))


def test_with_the_stride_in_the_last_layer_the_others_run_over_the_whole_map():
    result = replicate(7, size=(56, 56), stride=2)
    assert result.macs_single == 49 * 28 * 28
    assert result.macs_stack == 9 * (56 * 56 + 56 * 56 + 28 * 28)


@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_it_is_what_the_same_layers_have_in_a_graph(kernel):
    """Counted again by tracing real modules: weights, multiply-accumulates, memory, receptive field."""
    for strided in ("last", "first", "each"):
        result = replicate(kernel, 4, 6, 8, (20, 30), bias=True, dilation=2, stride=3, strided=strided)
        for chain in (result.single, result.threes, result.lines):
            module = nn.Sequential(
                *(
                    nn.Conv2d(
                        c.before,
                        c.after,
                        c.kernel,
                        c.stride,
                        tuple(c.dilation * (k // 2) for k in c.kernel),
                        c.dilation,
                    )
                    for c in chain.layers
                )
            )
            layers = [layer for layer in trace(module, (4, 20, 30)).layers if layer.op == "conv"]
            assert sum(layer.params for layer in layers) == chain.weights
            assert sum(layer.macs for layer in layers) == chain.macs
            assert sum(layer.activation_bytes for layer in layers) == chain.activation_bytes
            assert (layers[-1].receptive_field.size, layers[-1].receptive_field.stride) == (chain.field, chain.grid)
