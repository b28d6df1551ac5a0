"""The order in which a pass comes to the nodes of a drawing."""

import pytest

from cnnviz.catalogue import Options, describe
from cnnviz.networks import cards
from cnnviz.views.drawing import drawing
from cnnviz.views.steps import steps


@pytest.mark.parametrize("key", cards())
def test_an_unfolded_network_stops_at_each_node_after_all_that_it_reads(key):
    graph = describe(Options(key))
    picture = drawing(graph, "all")
    found = steps(picture)
    assert all(step.stops and not step.run for step in found)
    place = {step.node: number for number, step in enumerate(found)}
    assert all(place[arc.source] < place[arc.target] for arc in picture.arcs)
    assert found[0].shape == graph.input_shape
    for step, node in zip(found, picture.nodes, strict=True):
        assert step.shape == graph.layer(node.layers[-1].path).output_shape


def test_a_folded_run_is_one_step_and_says_how_often():
    graph = describe(Options("resnet18"))
    found = steps(drawing(graph))
    assert [step.node for step in found if step.stops][:5] == [
        "input",
        "conv1",
        "maxpool",
        "layer1.0.add",
        "layer2.0.conv1",
    ]
    [run] = {step.run for step in found if step.run}
    assert run == "layer1.0 to layer1.1 · ×2, the same"
    assert [step.stops for step in found if step.run] == [False, False, True]
    opened = steps(drawing(graph, ["layer1.0"]))
    assert [step.node for step in opened if step.stops][3:6] == ["layer1.0.conv1", "layer1.0.conv2", "layer1.0.add"]


def test_a_run_of_single_nodes_is_one_step():
    graph = describe(Options("resnet152"))
    for unfolded in ((), ("layer3.1",)):
        picture = drawing(graph, unfolded)
        found = steps(picture)
        runs = {step.run for step in found if step.run}
        assert sum(step.stops for step in found if step.run) == len(runs)
        assert ("layer3.1 to layer3.35 · ×35, the same" in runs) == (not unfolded)


def test_shapes_stay_untold_where_they_are_asked_for():
    picture = drawing(describe(Options("lenet5")))
    assert {step.shape for step in steps(picture, numbers=False)} == {None}
