import pytest
import torch
from torch import nn

from cnnviz import networks, trace
from cnnviz.errors import BadOption
from cnnviz.networks import card
from cnnviz.prediction import Prediction, Score, class_names, predict


def predicted(module, shape=(3, 8, 8), names=()):
    return predict(module.eval(), torch.randn(1, *shape), trace(module, shape), names)


class Fixed(nn.Module):
    """The same scores whatever it sees, after which comes `last`."""

    def __init__(self, scores, last=None):
        super().__init__()
        self.fc = nn.Linear(3 * 8 * 8, len(scores))
        nn.init.zeros_(self.fc.weight)
        self.fc.bias.data = torch.tensor(scores)
        self.last = last or nn.Identity()

    def forward(self, x):
        return self.last(self.fc(x.flatten(1)))


@pytest.mark.parametrize("last", [None, nn.Softmax(1), nn.LogSoftmax(1), nn.Dropout()])
def test_the_softmax_is_applied_where_the_network_does_not(last):
    answer = predicted(Fixed([0.0, 2.0, 1.0], last), names=("a", "b", "c"))
    assert answer.measure == "probability"
    assert [(score.index, score.name) for score in answer.scores] == [(1, "b"), (2, "c"), (0, "a")]
    expected = torch.tensor([2.0, 1.0, 0.0]).softmax(0)
    assert [score.value for score in answer.scores] == pytest.approx(expected.tolist(), rel=1e-5)
    assert answer.margin == pytest.approx(float(expected[0] - expected[1]), rel=1e-5)


def test_the_smallest_distance_wins():
    module = networks.build("lenet5-1998", weights="random")
    x = torch.randn(1, 1, 32, 32)
    answer = predict(module, x, trace(module, (1, 32, 32)), class_names(card("lenet5-1998")))
    with torch.no_grad():
        distances = module(x)[0]
    assert answer.measure == "squared distance"
    assert answer.scores[0].name == str(int(distances.argmin()))
    values = [score.value for score in answer.scores]
    assert values == sorted(values)
    assert answer.margin == pytest.approx(values[1] - values[0])


def test_the_verdict_is_a_sentence():
    assert predicted(Fixed([0.0, 2.0])).verdict == "class 1 is ahead by 76.16 percentage points."
    assert Prediction("squared distance", (Score(4, "4", 1.5), Score(2, "2", 2.75))).verdict == (
        "4 is ahead by 1.250; the smallest distance wins."
    )
    assert predicted(Fixed([0.5])).verdict == "class 0 is the only class."


def test_names_that_do_not_fit_are_numbers():
    assert predicted(Fixed([0.0, 2.0]), names=("a", "b", "c")).scores[0].name == "class 1"
    assert predicted(Fixed([0.5])).margin == 0


def test_a_network_without_classes_is_a_sentence():
    with pytest.raises(BadOption, match="gives no scores of classes, but 1 x 4 x 6 x 6"):
        predicted(nn.Sequential(nn.Conv2d(3, 4, 3)))


@pytest.mark.parametrize("key", networks.cards())
def test_every_network_has_as_many_names_as_classes(key):
    names = class_names(card(key))
    assert len(names) == card(key).classes
    assert len(set(names)) >= len(names) - 2  # ImageNet has two cranes, and two pairs of maillots


def test_names_are_in_the_order_of_the_outputs():
    assert class_names(card("resnet18"))[:2] == ("tench", "goldfish")
    assert class_names(card("resnet20"))[3] == "cat"
    assert class_names(card("lenet5"))[7] == "7"
