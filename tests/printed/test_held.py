"""The printed tables against the networks: every cell, with a reason for each that differs."""

import re

import pytest

from cnnviz.against import PRODUCED, beside, printed, tables
from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption, UnknownNetwork
from cnnviz.networks import cards
from cnnviz.printed.matching import match
from cnnviz.printed.reasons import UNEXPLAINED
from cnnviz.printed.table import read_table

READ = [key for key in tables() if key not in PRODUCED]

# Where each printed row of an inception module stands in the module: said here by name, found there by structure.
INCEPTION = {
    "conv1x1a": "branch3x3_reduce",
    "conv1x1b": "branch5x5_reduce",
    "conv1x1c": "branch1x1",
    "conv1x1d": "pool_proj",
    "conv3-3": "branch3x3",
    "conv5x5": "branch5x5",
    "maxpool-a": "pool",
    "depth-concat": "concat",
}


def cells(held, group, layer):
    return next(row.cells for row in held.rows if (row.group, row.layer) == (group, layer))


def test_which_tables_there_are_and_what_they_are_held_against():
    assert tables() == {
        "lenet5": "lenet5",
        "alexnet": "alexnet",
        "vgg16": "vgg16",
        "vgg19": "vgg19",
        "googlenet": "googlenet",
        "resnet18": "resnet18-printed",
    }


@pytest.mark.parametrize("key", READ)
def test_every_row_is_a_layer_of_its_own_and_every_cell_is_compared(key):
    held, table = printed(key), read_table(key)
    of_the_table = [row for row in held.rows if row.group != "text"]
    paths = [row.path for row in of_the_table]
    assert all(paths)
    assert len(set(paths)) == len(paths)
    assert [set(row.cells) for row in of_the_table] == [set(row.cells) for row in table.rows]
    assert held.compared == sum(len(row.cells) for row in held.rows)


@pytest.mark.parametrize("key", READ)
def test_a_cell_is_equal_or_different_for_a_reason(key):
    for row in printed(key).rows:
        for column, cell in row.cells.items():
            assert cell.equal == (str(cell.printed).lower() == str(cell.computed).lower()), (row.layer, column)
            assert bool(cell.reason) != cell.equal
            assert cell.reason != UNEXPLAINED
            assert not cell.reason or cell.reason.endswith(".")


@pytest.mark.parametrize("key", [key for key in READ if key != "lenet5"])
def test_what_a_row_is_called_stands_where_it_should_in_the_network(key):
    held = printed(key)
    graph = describe(Options(held.against))
    convolutions = [row.path for row in held.rows if "kernel_h" in row.cells and graph.layer(row.path).op == "conv"]
    assert sorted(convolutions) == sorted(layer.path for layer in graph.layers if layer.op == "conv")
    if key == "googlenet":
        for row in held.rows:
            if row.group:
                assert row.path == f"inception{row.group}.{INCEPTION[row.layer]}"


def test_alexnet_has_no_cell_that_differs():
    held = printed("alexnet")
    assert (held.differing, held.compared, held.total_reason) == ((), 119, "")
    assert held.printed_total == held.computed_total == 62_378_344


def test_resnet18_differs_in_half_sided_pads_alone():
    held = printed("resnet18")
    assert (held.network, held.against) == ("resnet18", "resnet18-printed")
    assert [(row.layer, column) for row, column, _ in held.differing] == [
        (name, "pad") for name in ("maxpool", "conv3-1", "conv4-1", "conv5-1")
    ]
    assert all((cell.printed, cell.computed) == (0.5, 1) for _, _, cell in held.differing)
    assert all(cell.reason.startswith("A half-sided pad") for _, _, cell in held.differing)
    assert held.printed_total == held.computed_total == 11_511_784
    assert beside("resnet18") == (
        "resnet18 as it is usually built has 11,689,512 parameters: 9,600 more in batch norm, 172,032 more in "
        "projections, 3,904 fewer in biases of convolutions.",
    )
    assert printed("resnet18-printed").rows == held.rows


def test_googlenets_584192_parameters_are_accounted_for_row_by_row():
    held = printed("googlenet")
    assert (held.printed_total, held.computed_total) == (6_414_360, 6_998_552)
    assert sum(number for _, number in held.lacking) == 6_998_552 - 6_414_360 == 584_192
    # the reference: 5x5 reduction, plain 1x1 and pooled 1x1 of 4b to 4e, and the pooled 1x1 of 5b
    assert [(row.group, row.layer) for row, _ in held.lacking] == [
        (group, layer) for group in ("4b", "4c", "4d", "4e") for layer in ("conv1x1b", "conv1x1c", "conv1x1d")
    ] + [("5b", "conv1x1d")]
    for row, number in held.lacking:
        deep, own = row.cells["channels_in"], row.cells["channels_out"].computed
        assert number == (deep.computed - deep.printed) * own
        assert row.cells["params"].reason.startswith(f"Follows from the {deep.printed} channels that the row reads")
    assert held.total_reason.startswith("The printed rows do add up to it; 13 of them lack 584,192 parameters")


@pytest.mark.parametrize(
    ("group", "layer", "column", "printed_", "computed", "reason"),
    [
        ("", "conv1", "in_h", 227, 224, "Another convention: an input of 227 with a pad of 1 gives 112, as 224 with 3"),
        ("", "conv1", "pad", 1, 3, "Another convention"),
        ("", "maxpool1", "pad", 0.5, 0, "A half-sided pad: 0.5 stands for one pixel on one side only"),
        (
            "3a",
            "conv1x1b",
            "in_c",
            96,
            192,
            "maxpool2 gives 192, as the row's own channels_in says; 96 is what conv1x1a",
        ),
        ("3b", "conv1x1c", "in_c", 192, 256, "depth-concat of 3a gives 256, as .* what the same row of 3a reads"),
        ("4b", "conv1x1b", "channels_in", 64, 512, "64 is what one arm alone gives, conv1x1d of 4a"),
        ("4b", "maxpool-a", "out_c", 64, 512, "A pooling gives as many maps as it reads"),
        ("4c", "conv1x1d", "channels_in", 64, 512, "maxpool-a gives 512; 64 is what that row is printed to give"),
        ("4e", "conv1x1c", "params", 16_640, 135_424, r"1 × 1 × 64 × 256 \+ 256; from 528 it is 135,424, 118,784 more"),
        ("5b", "conv1x1d", "channels_in", 128, 832, "maxpool-a gives 832"),
        ("4e", "conv1x1b", "channels_in", 64, 528, "64 is what one arm alone gives, conv1x1d of 4d"),
        ("5b", "conv1x1d", "params", 16_512, 106_624, "Follows from the 128 channels that the row reads"),
        ("", "fc", "input_layer", "depth-concat", "avgpool", "It reads avgpool, which in turn reads depth-concat"),
    ],
)
def test_reasons_of_googlenet(group, layer, column, printed_, computed, reason):
    cell = cells(printed("googlenet"), group, layer)[column]
    assert (cell.printed, cell.computed, cell.equal) == (printed_, computed, False)
    assert re.search(reason, cell.reason)


def test_lenet5s_text_is_set_against_its_table():
    held = printed("lenet5")
    text = {row.layer: row.cells["stride"] for row in held.rows if row.group == "text"}
    assert [(cell.printed, cell.computed) for cell in text.values()] == [(2, 1), (1, 2)]
    assert "with 2, Conv 1 would make 14 x 14 of 32 x 32, where 28 x 28 is printed" in text["convolution"].reason
    assert "with 1, Avg. pooling 1 would make 27 x 27 of 28 x 28, where 14 x 14" in text["pooling"].reason
    assert len(held.differing) == 2, "all of the table is right"
    assert (held.printed_total, held.computed_total) == (60_000, 61_706)
    assert held.total_reason == (
        "60,000 is the total of lenet5-1998, another network: "
        "it has 12 more in s2, 900 fewer in c3, 32 more in s4, 850 fewer in rbf."
    )


@pytest.mark.parametrize(("key", "layers", "total"), [("vgg16", 16, 138_357_544), ("vgg19", 19, 143_667_240)])
def test_tables_that_cannot_be_read_are_produced(key, layers, total):
    held = printed(key)
    assert (held.printed_total, held.computed_total, held.compared, held.differing) == (None, total, 0, ())
    assert sum(row.cells["params"].computed for row in held.rows) == total
    assert len([row for row in held.rows if row.cells["params"].computed]) == layers
    assert all(cell.printed is None and cell.computed is not None for row in held.rows for cell in row.cells.values())
    names = [row.layer for row in held.rows]
    assert names[:3] == ["conv1-1", "conv1-2", "maxpool1"]
    assert names[-4:] == ["maxpool5", "fc6", "fc7", "fc8"]
    assert cells(held, "", "fc6")["channels_in"].computed == 25_088


def test_a_row_without_a_layer_says_so():
    table = read_table("alexnet")
    found = match(table.rows, describe(Options("lenet5")))
    assert None in found.layers


def test_what_is_not_printed_is_a_sentence():
    with pytest.raises(BadOption, match="No table of resnet50 is printed; there are those of lenet5, alexnet, vgg16"):
        printed("resnet50")
    with pytest.raises(UnknownNetwork, match="Did you mean 'alexnet'"):
        printed("alexnt")


@pytest.mark.parametrize("key", tables())
def test_what_stands_beside_a_table_are_networks_of_its_name(key):
    for sentence in beside(key):
        assert sentence.split()[0].startswith(key)
        assert sentence.split()[0] in cards()
        assert "parameters" in sentence
