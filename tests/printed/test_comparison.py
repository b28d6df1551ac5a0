"""The article's comparison of four networks, whose FLOP column mixes conventions."""

import re

import pytest

from cnnviz.against import comparison
from cnnviz.catalogue import Options, describe
from cnnviz.printed.comparison import (
    KEYS,
    macs_with_stride_first,
    protocols,
    rounds_to,
    with_running_statistics,
)
from cnnviz.printed.pretrained import published
from cnnviz.printed.table import read


def cell(network, column):
    return next(row.cells[column] for row in comparison() if row.layer == network)


def test_every_printed_cell_has_its_place():
    printed = [list(line.values()) for line in read("comparison")]
    texts = [[row.layer, *(str(found.printed) for found in row.cells.values())] for row in comparison()]
    assert [set(row) for row in texts] == [
        {str(float(cell)) if re.fullmatch(r"[\d.]+0", cell) and "." in cell else cell for cell in row}
        for row in printed
    ]
    assert [row.path for row in comparison()] == list(KEYS.values())


@pytest.mark.parametrize(
    ("network", "computed", "equal", "reason"),
    [
        ("AlexNet", 62_378_344, True, ""),
        ("VGGNet", 138_357_544, True, ""),
        ("Inception", 6_998_552, False, r"The printed table's own total, 6,414,360: its rows lack 584,192\."),
        ("ResNet-152", 60_192_808, False, r"running means and variances, .* it has 60,344,232\."),
    ],
)
def test_parameters(network, computed, equal, reason):
    found = cell(network, "parameters")
    assert (found.computed, found.equal) == (computed, equal)
    assert re.search(reason, found.reason)


@pytest.mark.parametrize(
    ("network", "gmacs", "equal", "reason"),
    [
        ("AlexNet", "1.14", False, "Nearest is alexnet-2012's 1.45 billion, counted with two operations"),
        ("VGGNet", "15.47", False, "It is vgg19's 19.63 billion, counted in multiply-accumulates"),
        ("Inception", "1.58", True, "Counted in multiply-accumulates"),
        ("ResNet-152", "11.51", False, "stride in the first 1 x 1: 11.28 billion"),
    ],
)
def test_flop(network, gmacs, equal, reason):
    found = cell(network, "flop")
    assert (f"{found.computed / 1e9:.2f}", found.equal) == (gmacs, equal)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("network", "percent", "protocol"),
    [
        ("AlexNet", 84.7, "seven networks"),
        ("VGGNet", 92.3, "not said"),
        ("Inception", 93.3, "144 crops"),
        ("ResNet-152", 95.51, "one network on the validation set"),
    ],
)
def test_a_printed_accuracy_comes_with_its_protocol(network, percent, protocol):
    found = cell(network, "top5_accuracy_percent")
    assert (found.printed, found.computed, found.equal) == (percent, None, None)
    assert protocol in found.reason


def test_a_printed_accuracy_is_what_the_papers_error_leaves():
    """VGG's is of no error that we know; GoogLeNet's error, 6.67 %, is printed to one digit."""
    found = {one.network: one for one in protocols()}
    assert {name: one.leaves for name, one in found.items()} == {
        "AlexNet": 84.7,
        "VGGNet": None,
        "Inception": 93.33,
        "ResNet-152": 95.51,
        "second best of 2012": 73.8,
    }
    for one in found.values():
        if one.leaves is not None:
            assert one.leaves == pytest.approx(one.printed, abs=0.05)
            assert f"leaves {one.leaves} %" in one.words
    printed = {row.layer: row.cells["top5_accuracy_percent"].printed for row in comparison()}
    assert printed == {name: one.printed for name, one in found.items() if name in printed}


def test_years():
    assert all(row.cells["year"].equal for row in comparison())


def test_resnet152_counted_otherwise():
    graph = describe(Options("resnet152"))
    assert with_running_statistics(graph) == 60_344_232
    assert f"{graph.totals.macs / 1e9:.2f}" == "11.51"
    assert f"{macs_with_stride_first(graph) / 1e9:.2f}" == "11.28"
    assert rounds_to(macs_with_stride_first(graph), "11.3B"), "He et al. 2015, table 1"
    basic = describe(Options("resnet34"))
    assert macs_with_stride_first(basic) == basic.totals.macs, "it has no 1 x 1 before a 3 x 3"


@pytest.mark.parametrize(
    ("number", "printed", "equal"),
    [
        (62_378_344, "62M", True),
        (6_998_552, "6.4M", False),
        (6_414_360, "6.4M", True),
        (19.63e9, "19.6B", True),
        (2.5e9, "2B", True),
    ],
)
def test_rounding_to_the_printed_digits(number, printed, equal):
    assert rounds_to(number, printed) == equal


def test_published_accuracies():
    rows = {row.network: row for row in published()}
    assert len(rows) == 11
    assert (rows["vgg16"].params, rows["vgg16"].top1, rows["vgg16"].top5) == (138_357_544, 71.592, 90.382)
