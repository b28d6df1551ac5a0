import csv
from pathlib import Path

import pytest

from cnnviz import networks
from cnnviz.analysis.cost import connections
from cnnviz.trace import trace

PRINTED = Path(__file__).parents[2] / "assets" / "printed"
PUBLISHED = list(csv.DictReader((PRINTED / "pretrained.csv").open()))


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["network"])
def test_macs_of_the_published_networks_to_the_last_printed_digit(row):
    graph = trace(networks.construct(row["network"]), (3, 224, 224))
    assert f"{graph.totals.macs / 1e9:.3f}" == row["gmacs_at_224"]
    assert graph.totals.params == int(row["params"])
    assert graph.totals.flops == 2 * graph.totals.macs


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("c1", 122_304),
        ("s2", 5_880),
        ("c3", 151_600),
        ("s4", 2_000),
        ("c5", 48_120),
        ("f6", 10_164),
        ("rbf", 840),
    ],
)
def test_lenet5_connections_match_the_paper(path, count):
    graph = trace(networks.construct("lenet5-1998"), (1, 32, 32))
    assert connections(graph.layer(path)) == count


def test_lenet5_has_340908_connections():
    graph = trace(networks.construct("lenet5-1998"), (1, 32, 32))
    assert sum(connections(layer) for layer in graph.layers) == 340_908


@pytest.mark.parametrize(
    ("key", "macs"),
    [
        ("alexnet-2012", "0.72"),
        ("alexnet", "1.14"),
        ("vgg19", "19.63"),
        ("googlenet", "1.58"),
        ("googlenet-bn", "1.50"),
    ],
)
def test_macs_of_the_reference(key, macs):
    graph = trace(networks.construct(key), networks.card(key).input_shape)
    assert f"{graph.totals.macs / 1e9:.2f}" == macs


# Where each printed layer stands in the module; rows that the table itself contradicts are left out below.
INCEPTION = {
    "conv1x1a": "branch3x3_reduce",
    "conv1x1b": "branch5x5_reduce",
    "conv1x1c": "branch1x1",
    "conv1x1d": "pool_proj",
    "conv3-3": "branch3x3",
    "conv5x5": "branch5x5",
}


def printed_rows(table):
    return [
        row for row in csv.DictReader((PRINTED / f"{table}.csv").open()) if row["params"] and row["layer"] != "TOTAL"
    ]


def test_alexnet_layer_by_layer_as_printed():
    graph = trace(networks.construct("alexnet"), (3, 227, 227))
    for row in printed_rows("alexnet"):
        layer = graph.layer(row["layer"].replace("maxpool", "pool"))
        assert layer.params == int(row["params"])
        if row["out_h"]:
            assert layer.output_shape == (int(row["out_c"]), int(row["out_h"]), int(row["out_w"]))


def test_resnet18_layer_by_layer_as_printed():
    graph = trace(networks.construct("resnet18-printed"), (3, 227, 227))
    weighted = [layer for layer in graph.layers if layer.op in ("conv", "linear")]
    rows = [row for row in printed_rows("resnet18") if int(row["params"])]
    assert [layer.params for layer in weighted] == [int(row["params"]) for row in rows]
    assert [layer.output_shape[0] for layer in weighted] == [int(row["out_c"]) for row in rows]
    assert graph.totals.params == 11_511_784


def test_googlenet_layer_by_layer_where_the_printed_row_is_consistent():
    graph = trace(networks.construct("googlenet"), (3, 224, 224))
    compared, differing = 0, []
    for row in printed_rows("googlenet"):
        if row["group"] and row["layer"] in INCEPTION:
            layer = graph.layer(f"inception{row['group']}.{INCEPTION[row['layer']]}")
            if int(row["channels_in"]) != layer.input_shapes[0][0]:
                differing.append(layer.params - int(row["params"]))  # an input depth its producer doesn't have
                continue
            compared += 1
            assert layer.params == int(row["params"])
            assert layer.output_shape == (int(row["out_c"]), int(row["out_h"]), int(row["out_w"]))
    assert compared == 9 * 6 - len(differing)
    assert sum(differing) == 584_192


def test_lenet5_layer_by_layer_as_printed():
    graph = trace(networks.construct("lenet5"), (1, 32, 32))
    rows = list(csv.DictReader((PRINTED / "lenet5.csv").open()))
    layers = [layer for layer in graph.layers if layer.op in ("input", "conv", "avgpool", "linear")]
    for row, layer in zip(rows, layers, strict=True):
        numbers = [int(n) for n in row["feature_map"].split("x")]
        deep = numbers[-1:] + numbers[:-1]
        assert layer.output_shape in (tuple(deep), (*deep, 1, 1))
        if row["stride"] != "-" and row["stride"]:
            assert layer.hyper("stride") == (int(row["stride"]),) * 2
