"""Two networks compared, against the figures that papers print."""

import re

import pytest

from cnnviz.analysis.comparison import Compared, compare, depth, last_receptive_field, pareto_front, summary
from cnnviz.catalogue import Options, describe
from cnnviz.graph import Edge, Layer, LayerGraph
from cnnviz.networks import cards


def graph_of(key, **options):
    return describe(Options(key, **options))


@pytest.mark.parametrize("key", [key for key in cards() if key.startswith(("vgg", "resnet", "plain"))])
def test_a_network_is_as_deep_as_its_name_says(key):
    assert depth(graph_of(key)) == int(re.search(r"\d+", key)[0])


@pytest.mark.parametrize(
    ("key", "layers"),
    [("lenet5", 5), ("alexnet", 8), ("alexnet-2012", 8), ("googlenet", 22), ("googlenet-bn", 22)],
)
def test_depth_is_counted_as_in_the_papers(key, layers):
    assert depth(graph_of(key)) == layers


@pytest.mark.parametrize("options", [{"shortcut": "A"}, {"shortcut": "C"}])
def test_shortcuts_make_no_network_deeper(options):
    assert depth(graph_of("resnet34", **options)) == 34


def test_auxiliary_heads_lie_on_no_longest_way():
    assert depth(graph_of("googlenet", heads=True)) == 22


@pytest.mark.parametrize(
    ("key", "size"),
    [("alexnet", 163), ("vgg16", 196), ("resnet18", 435), ("resnet50", 427), ("resnet152", 1_451)],
)
def test_the_last_convolution_sees_what_is_published(key, size):
    assert last_receptive_field(graph_of(key)).size == (size, size)


def test_of_convolutions_that_end_side_by_side_the_widest_counts():
    graph = graph_of("googlenet")
    widest = last_receptive_field(graph)
    assert widest == graph.layer("inception5b.branch5x5").receptive_field
    assert widest.size > graph.layer("inception5b.branch1x1").receptive_field.size


def test_totals_stand_side_by_side():
    rows = {row.name: row for row in compare(graph_of("vgg16"), graph_of("alexnet"))}
    assert list(rows) == ["params", "macs", "flops", "activation_bytes", "depth", "sees"]
    assert (rows["params"].first, rows["params"].second) == (138_357_544, 62_378_344)
    assert rows["flops"].first == 2 * rows["macs"].first
    assert rows["macs"].ratio == rows["flops"].ratio == pytest.approx(13.627, abs=0.001)
    assert rows["depth"] == Compared("depth", 16, 8)
    assert rows["sees"] == Compared("sees", 196, 163)


@pytest.mark.parametrize(
    ("first", "second", "ratio", "larger"),
    [(6, 3, 2, 0), (3, 6, 2, 1), (5, 5, 1, 0), (0, 5, None, 1), (None, 5, None, 1)],
)
def test_a_ratio_is_from_the_smaller_to_the_larger(first, second, ratio, larger):
    row = Compared("params", first, second)
    assert (row.ratio, row.larger) == (ratio, larger)


def test_a_network_without_convolutions_has_no_last_receptive_field():
    layers = (
        Layer("input", "input", (), (), (4,)),
        Layer("fc", "linear", (("in_features", 4),), ((4,),), (2,), params=10, macs=8),
    )
    graph = LayerGraph("small", (4,), layers, (Edge("input", "fc", (4,)),))
    assert last_receptive_field(graph) is None
    assert depth(graph) == 1
    assert compare(graph, graph)[-1] == Compared("sees", None, None)


# --- all of them ---------------------------------------------------------------


def test_small_kernels_don_t_make_vgg_small():
    """An article says that VGG reduces the parameters of the convolutional layers: per kernel only."""
    assert summary(graph_of("vgg16")).conv_params == 14_714_688
    assert summary(graph_of("alexnet")).conv_params == 3_747_200


@pytest.mark.parametrize("key", cards())
def test_a_summary_is_the_graphs_totals(key):
    found, graph = summary(graph_of(key)), graph_of(key)
    assert (found.params, found.macs, found.flops) == (graph.totals.params, graph.totals.macs, 2 * graph.totals.macs)
    assert 0 < found.conv_params < found.params
    assert found.sees == last_receptive_field(graph).size[1]


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([(1, 50), (2, 60), (3, 55), (4, 70)], (0, 1, 3)),
        ([(2, 60), (1, 60)], (1,)),  # as good, and cheaper
        ([(1, 50), (1, 60)], (1,)),
        ([(3, 10)], (0,)),
        ([], ()),
    ],
)
def test_a_front_is_whoever_nobody_beats(points, front):
    assert pareto_front(points) == front
