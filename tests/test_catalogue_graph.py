"""From options to a graph."""

import sys

import pytest

from cnnviz.catalogue import (
    Options,
    card_of,
    construct,
    describe,
    input_shape,
    parse_input,
    parse_size,
)
from cnnviz.errors import BadOption, CnnvizError, ShapeMismatch, UnknownNetwork, Untraceable

NETS = """
import torch
from torch import nn

class Small(nn.Sequential):
    def __init__(self, classes=10):
        super().__init__(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, classes))

class Wide(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 2, 3))

class Endless(nn.Module):
    def forward(self, x):
        return self.forward(x)

class Decides(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x

made = Small()
number = 5

def five():
    return 5

def fails():
    raise ValueError("no\\nway")

def leaves():
    raise SystemExit(3)
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """The name of a module of networks that are not ours, importable for the time of a test."""
    (tmp_path / "foreign_nets.py").write_text(NETS)
    (tmp_path / "foreign_script.py").write_text("raise SystemExit('run me')")
    (tmp_path / "foreign_broken.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "foreign_nets"
    for name in ("foreign_nets", "foreign_script", "foreign_broken"):
        sys.modules.pop(name, None)


# --- the catalogue's networks --------------------------------------------------


def test_a_network_has_its_own_size_classes_and_name():
    graph = describe(Options("resnet18"))
    assert (graph.network, graph.input_shape) == ("resnet18", (3, 224, 224))
    assert graph.totals.params == 11_689_512


def test_options_change_the_network():
    graph = describe(Options("resnet18", size=(96, 64), classes=10, shortcut="A"))
    assert graph.input_shape == (3, 96, 64)
    assert graph.layer("fc").output_shape == (10,)
    assert "layer2.0.downsample.pad" in graph
    assert describe(Options("googlenet", heads=True)).totals.params == 13_378_280


def test_equal_options_share_one_graph():
    assert describe(Options("lenet5", classes=7)) is describe(Options("lenet5", classes=7))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            Options("alexnet", size=(300, 300)),
            r"alexnet's fc6 needs .*256 x 6 x 6.*300 x 300 input gives .*256 x 8 x 8.* Use 227\.$",
        ),
        (Options("alexnet", size=(20, 20)), r"^alexnet's pool2 needs maps of at least 3 x 3.* Use 227\.$"),
        (Options("resnet18", channels=1), r"^resnet18's conv1 needs 3 channels.* Use 3 channels\.$"),
        (Options("lenet5", channels=3), r"^lenet5's conv1 needs 1 channel.* Use 1 channel\.$"),
    ],
)
def test_what_does_not_fit_names_network_and_layer_and_says_what_would(options, sentence):
    with pytest.raises(ShapeMismatch, match=sentence) as caught:
        describe(options)
    assert caught.value.layer in ("fc6", "pool2", "conv1")


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (65_537, 1), (10**18, 10**18)])
def test_sizes_out_of_range_are_refused(size):
    with pytest.raises(BadOption, match="from 1 to 65,536"):
        describe(Options("vgg16", size=size))


def test_the_largest_size_is_described_as_fast_as_any():
    assert describe(Options("resnet18", size=(65_536, 65_536))).totals.macs > 10**14


def test_foreign_names_are_refused_unless_allowed(nets):
    with pytest.raises(UnknownNetwork):
        describe(Options(f"{nets}:Small", size=(28, 28), channels=1))
    assert nets not in sys.modules


# --- foreign networks ----------------------------------------------------------


@pytest.mark.parametrize("name", ["Small", "made"])
def test_a_foreign_network_is_described(nets, name):
    options = Options(f"{nets}:{name}", size=(28, 28), channels=1)
    graph = describe(options, foreign=True)
    assert graph.network == f"{nets}:{name}"
    assert graph.totals.params == 40 + 27_050
    assert not construct(options, foreign=True).training


def test_a_foreign_network_takes_options_as_keywords(nets):
    graph = describe(Options(f"{nets}:Small", size=(28, 28), channels=1, classes=3), foreign=True)
    assert graph.layer("3").output_shape == (3,)


def test_a_foreign_network_gets_an_input_as_imagenet_has_it(nets):
    options = Options(f"{nets}:Wide")
    assert describe(options, foreign=True).input_shape == (3, 224, 224)
    assert card_of(options, foreign=True).normalisation.name == "ImageNet"
    assert card_of(Options(f"{nets}:Small", channels=1), foreign=True).normalisation.mean == (0.0,)


def test_foreign_names_are_allowed_beside_our_own():
    assert describe(Options("lenet5"), foreign=True) is describe(Options("lenet5"))


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("foreign_nets:Smal", BadOption, r"foreign_nets has no 'Smal'\. Did you mean 'Small'"),
        ("foreign_nets:Small", ShapeMismatch, r"foreign_nets:Small's 0 needs 1 .* as in 1,28,28\.$"),
        ("foreign_nets:number", BadOption, "is of type int, but a callable"),
        ("foreign_nets:five", BadOption, "gives int, but an nn.Module is needed"),
        ("foreign_nets:fails", BadOption, r"fails\(\) of foreign_nets fails: ValueError: no\.$"),
        ("foreign_nets:leaves", BadOption, "SystemExit: 3"),
        ("foreign_nets:Endless", Untraceable, "calls itself without end"),
        (
            "foreign_nets:Decides",
            Untraceable,
            "^foreign_nets:Decides can't be followed: .*values of a tensor",
        ),
        ("foreign_script:Net", BadOption, "importing foreign_script fails: SystemExit: run me"),
        ("foreign_broken:Net", BadOption, "importing foreign_broken fails: SyntaxError"),
        ("foreign_absent:Net", BadOption, "No module named 'foreign_absent'"),
        ("foreign_nets:", BadOption, "write package.module:callable"),
        (":Small", BadOption, "write package.module:callable"),
    ],
)
def test_what_is_wrong_with_a_foreign_network_is_a_sentence(nets, name, kind, sentence):
    with pytest.raises(kind, match=sentence) as caught:
        describe(Options(name), foreign=True)
    assert "\n" not in str(caught.value)


def test_an_option_that_a_foreign_network_does_not_take_is_a_sentence(nets):
    with pytest.raises(BadOption, match=r"Wide\(classes=3\) of foreign_nets fails: TypeError"):
        describe(Options(f"{nets}:Wide", classes=3), foreign=True)


# --- what people type ----------------------------------------------------------


def test_inputs_and_sizes_are_read():
    assert parse_input("3,224,320") == (3, 224, 320)
    assert parse_input(" 1, 28 ,28") == (1, 28, 28)
    assert parse_size("224") == (224, 224)
    assert parse_size("224,320") == (224, 320)


@pytest.mark.parametrize("text", ["", "224", "3,224", "3,224,224,1", "3x224x224", "a,b,c", "3,,4", "9" * 99, "²,1,1"])
def test_what_is_no_input_is_refused(text):
    with pytest.raises(BadOption, match="channels,height,width are needed, as in 3,224,224"):
        parse_input(text)


@pytest.mark.parametrize("text", ["", "a", "1,2,3", "1.5", "1e3", "<b>" * 99])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(BadOption, match="one number is needed") as caught:
        parse_size(text)
    assert len(str(caught.value)) < 200


def test_an_input_shape_needs_a_known_network():
    with pytest.raises(CnnvizError, match="Did you mean 'alexnet'"):
        input_shape(Options("alexnt"))
