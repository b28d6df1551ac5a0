import csv
from pathlib import Path

import pytest

from cnnviz.analysis.kernels import replicate
from cnnviz.errors import BadOption

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
