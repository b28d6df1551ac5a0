import pytest
import torch

from cnnviz import networks
from cnnviz.activations.statistics import Statistics, statistics
from cnnviz.prediction import Prediction, Score
from cnnviz.views.figures import enlarged
from cnnviz.views.signals import class_scores, statistics_over_depth


def one(path: str, deviation: float, **given: object) -> Statistics:
    usual = {"op": "conv", "shape": (4, 2, 2), "mean": -0.5, "low": -1.0, "high": 2.0, "zeros": 0.25, "dead": 1}
    return Statistics(path=path, deviation=deviation, **(usual | given))


@pytest.mark.parametrize("key", ["lenet5", "resnet56"])
def test_a_point_for_every_layer(key):
    module = networks.construct(key, device="cpu")
    found = statistics(module, torch.randn(1, *networks.card(key).input_shape))
    figure = statistics_over_depth(found)
    assert all(len(trace.x) == len(found) for trace in figure.data)
    assert figure.layout.yaxis.type == "log"
    # names below only where they fit
    assert (figure.layout.xaxis2.ticktext is not None) == (key == "lenet5")


def test_shares_means_and_what_hovering_tells():
    figure = statistics_over_depth([one("conv1", 0.5), one("conv2", 0.01, zeros=1.0, dead=4)])
    drawn = {trace.name: trace for trace in figure.data}
    assert list(drawn["standard deviation"].y) == [0.5, 0.01]
    assert list(drawn["mean, without its sign"].y) == [0.5, 0.5]
    assert list(drawn["zeros"].y) == [0.25, 1]
    assert list(drawn["dead channels"].y) == [0.25, 1]
    assert (
        drawn["zeros"].hovertext[1].startswith("<b>conv2</b> (conv), 4 × 2 × 2<br>mean -0.5, standard deviation 0.01")
    )
    assert drawn["zeros"].hovertext[1].endswith("100.0% zeros, 4 of 4 channels dead")


@pytest.mark.parametrize(("selected", "marked"), [("conv2", [2, 2]), ("fc", []), ("", [])])
def test_the_selected_layer_is_marked(selected, marked):
    figure = statistics_over_depth([one("conv1", 0.5), one("conv2", 0.01)], selected)
    assert [line.x0 for line in figure.layout.shapes] == marked


def test_where_the_signal_is_dead_a_cross():
    figure = statistics_over_depth([one("conv1", 0.5), one("relu1", 0.0)])
    drawn = {trace.name: trace for trace in figure.data}
    assert list(drawn["standard deviation"].y) == [0.5, None]
    assert list(drawn["the same everywhere"].x) == [2]
    alive = statistics_over_depth([one("conv1", 0.5)])
    assert "the same everywhere" not in {trace.name for trace in alive.data}


def test_the_winner_is_on_top():
    scores = (Score(134, "crane", 0.6), Score(517, "crane", 0.3), Score(1, "goldfish", 0.1))
    figure = class_scores(Prediction("probability", scores), most=2)
    assert list(figure.data[0].y) == ["134: crane", "517: crane"]
    assert list(figure.data[0].text) == ["60.0%", "30.0%"]
    assert figure.layout.yaxis.autorange == "reversed"


def test_of_distances_the_smallest_wins():
    figure = class_scores(Prediction("squared distance", (Score(3, "3", 12.3), Score(5, "5", 40.0))))
    assert list(figure.data[0].y) == ["3", "5"]
    assert "smallest wins" in figure.layout.xaxis.title.text


def test_both_axes_grow_for_a_projector():
    figure = statistics_over_depth([one("conv1", 0.5)])
    figure.update_xaxes(tickfont={"size": 10})
    assert enlarged(figure, 1.5).layout.height == 690
    assert [axis.tickfont.size for axis in figure.select_xaxes()] == [15, 15]
