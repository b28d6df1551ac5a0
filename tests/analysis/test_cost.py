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
