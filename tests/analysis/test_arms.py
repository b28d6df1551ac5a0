import pytest

from cnnviz import networks
from cnnviz.analysis.arms import arms
from cnnviz.catalogue import Options, describe


def test_an_inception_modules_channels_come_from_its_four_branches():
    found = arms(describe(Options("googlenet")), "inception3a.concat")
    assert [(arm.name, arm.first, arm.last) for arm in found] == [
        ("relu1x1", 0, 63),
        ("relu3x3", 64, 191),
        ("relu5x5", 192, 223),
        ("relu_pool_proj", 224, 255),
    ]
    assert found[1].source == "inception3a.relu3x3"


@pytest.mark.parametrize("key", networks.cards())
def test_the_arms_of_every_concatenation_have_all_its_channels(key):
    graph = describe(Options(key))
    for layer in graph.layers:
        found = arms(graph, layer.path)
        assert bool(found) == (layer.op == "concat")
        if found:
            assert sum(arm.last - arm.first + 1 for arm in found) == layer.output_shape[0]
            assert len({arm.name for arm in found}) == len(found)
