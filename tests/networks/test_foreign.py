"""Networks of the user's own: brought into the catalogue once, from then on as good as ours."""

import copy
import sys

import numpy as np
import pytest
import torch
from foreign import Dense, Functional, PreActivation, Recurrent, SqueezeExcitation
from PIL import Image

import cnnviz
from cnnviz import networks
from cnnviz.catalogue import Options, construct, describe
from cnnviz.engine.local import Engine, Picture
from cnnviz.errors import BadOption, ShapeMismatch, UnknownNetwork, Untraceable
from cnnviz.images import to_input
from cnnviz.networks import bring, card, cards
from cnnviz.prediction import class_names

NETS = """
import torch
from torch import nn

calls = []

class Small(nn.Sequential):
    \"\"\"A small one.

    And more of it.
    \"\"\"

    def __init__(self, classes=10):
        calls.append(classes)
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

class Small28(Small):
    def forward(self, x):
        assert x.shape[-1] == 28, "28 pixels, please"
        return super().forward(x)

class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Conv2d(3, 2, 3)
        self.weights = nn.ReLU()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x):
        self.count += 1
        return self.weights(self.network(x)) * self.count

class Fails(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3).half()

    def forward(self, x):
        return self.conv(x)

made = Small()
number = 5

def five():
    return 5

def fails():
    raise ValueError("no\\nway")

def leaves():
    raise SystemExit(3)
"""
NOISE = Picture(Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 40, 3), dtype=np.uint8)), "noise")


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """The name of a module of networks that are not ours, importable for the time of a test."""
    (tmp_path / "foreign_nets.py").write_text(NETS)
    (tmp_path / "foreign_script.py").write_text("raise SystemExit('run me')")
    (tmp_path / "foreign_broken.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(networks, "_brought", {})
    yield "foreign_nets"
    for name in ("foreign_nets", "foreign_script", "foreign_broken"):
        sys.modules.pop(name, None)


# --- the key -------------------------------------------------------------------


def test_a_name_that_was_not_brought_is_no_key_and_imports_nothing(nets):
    for ask in (networks.card, networks.construct, networks.build, lambda key: describe(Options(key))):
        with pytest.raises(UnknownNetwork):
            ask(f"{nets}:Small")
    assert nets not in sys.modules


@pytest.mark.parametrize("name", ["Small", "made"])
def test_a_network_that_was_brought_is_a_key_before_all_others(nets, name):
    bring(f"{nets}:{name}", (1, 28, 28))
    assert list(cards())[:2] == [f"{nets}:{name}", "lenet5"]
    graph = describe(Options(f"{nets}:{name}"))
    assert (graph.network, graph.input_shape) == (f"{nets}:{name}", (1, 28, 28))
    assert graph.totals.params == 40 + 27_050
    assert describe(Options(f"{nets}:{name}")) is graph
    assert not construct(Options(f"{nets}:{name}")).training


def test_it_is_made_once_with_the_keywords_that_are_given(nets):
    key = bring(f"{nets}:Small", (1, 28, 28), classes=3, shortcut=None).key
    calls = sys.modules[nets].calls
    before = list(calls)  # 10 for `made`, 3 for ours
    assert before == [10, 3]
    assert describe(Options(key)).layer("3").output_shape == (3,)
    assert networks.build(key) is construct(Options(key))
    assert calls == before


def test_its_card_says_what_has_to_be_assumed(nets):
    assert bring(f"{nets}:Wide").input_shape == (3, 224, 224)
    assert card(f"{nets}:Wide").normalisation.name == "ImageNet"
    small = bring(f"{nets}:Small", (1, 28, 28))
    assert small.normalisation.mean == (0.0,)
    assert (small.idea, card(f"{nets}:Wide").idea) == ("A small one.", "")
    assert class_names(small) == ()


def test_it_takes_no_options_of_the_catalogue(nets):
    bring(f"{nets}:Small", (1, 28, 28))
    with pytest.raises(BadOption, match=r"foreign_nets:Small takes no options"):
        describe(Options(f"{nets}:Small", classes=3))


def test_brought_anew_it_has_a_new_graph(nets):
    bring(f"{nets}:Small", (1, 28, 28))
    describe(Options(f"{nets}:Small"))
    bring(f"{nets}:Small", (1, 28, 28), classes=5)
    assert describe(Options(f"{nets}:Small")).layer("3").output_shape == (5,)


# --- what is wrong ---------------------------------------------------------------


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
def test_what_is_wrong_is_a_sentence(nets, name, kind, sentence):
    with pytest.raises(kind, match=sentence) as caught:
        describe(Options(bring(name).key))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("Wide", r"Wide\(classes=3\) of foreign_nets fails: TypeError"), ("made", "can't be given classes=3")],
)
def test_keywords_that_it_does_not_take_are_a_sentence(nets, name, sentence):
    with pytest.raises(BadOption, match=sentence):
        bring(f"{nets}:{name}", classes=3)
    assert f"{nets}:{name}" not in cards()


def test_another_size_that_does_not_fit_names_the_one_it_came_with(nets):
    key = bring(f"{nets}:Small", (1, 28, 28)).key
    with pytest.raises(ShapeMismatch, match=r"foreign_nets:Small's 3 needs .* 30 x 30 input gives .* Use 28\.$"):
        describe(Options(key, size=(30, 30)))
    with pytest.raises(ShapeMismatch, match=r"Use 1 channel\.$"):
        describe(Options(key, channels=3))


def test_what_it_says_of_another_size_says_where(nets):
    key = bring(f"{nets}:Small28", (1, 28, 28)).key
    assert describe(Options(key)).totals.params == 27_090
    sentence = r"Small28 fails on a 1 x 30 x 30 input \(line \d+ of foreign_nets\.py\): 28 pixels, please\.$"
    with pytest.raises(Untraceable, match=sentence):
        describe(Options(key, size=(30, 30)))


# --- its weights, its maps -------------------------------------------------------


@pytest.mark.parametrize(
    ("maker", "shape", "layer"),
    [
        (PreActivation, (3, 32, 32), "block2.add"),
        (Dense, (4, 16, 16), "layers.2"),
        (SqueezeExcitation, (3, 16, 16), "block.add"),
        (Recurrent, (4, 8, 8), "block#3.conv"),
        (Functional, (3, 17, 17), "mul"),
    ],
)
def test_maps_are_those_of_a_plain_capture_and_leave_the_module_as_it_was(nets, maker, shape, layer):
    key = bring(f"foreign:{maker.__name__}", shape).key
    module = construct(Options(key))
    before = copy.deepcopy(module.state_dict())
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(1, *shape)).astype(np.float32))
    first, second = (cnnviz.capture(networks.build(key), x, [layer])[layer] for _ in range(2))
    assert torch.equal(first, second)
    plain = module(x)
    output, plain = ("output.map", plain["map"]) if isinstance(plain, dict) else ("output", plain)
    assert torch.equal(cnnviz.capture(module, x, [output])[output], plain)
    assert all(torch.equal(value, module.state_dict()[name]) for name, value in before.items())


def test_the_engine_shows_what_a_plain_pass_gives_and_says_whose_weights_they_are(nets):
    key = bring("foreign:SqueezeExcitation", (3, 64, 64)).key
    result = Engine().maps(Options(key), NOISE, "block.relu", device="cpu")
    x = torch.from_numpy(to_input(NOISE.image, card(key)))
    with torch.no_grad():
        plain = construct(Options(key))(x)
    assert np.array_equal(result.maps, plain[0].numpy())
    assert (result.weights, result.trained) == ("weights as foreign:SqueezeExcitation makes them", None)


def test_a_forward_that_counts_gives_every_visitor_the_same(nets):
    key = bring(f"{nets}:Counts", (3, 64, 64)).key
    maps = [Engine().maps(Options(key), NOISE, "mul", device="cpu").maps for _ in range(3)]
    module = construct(Options(key))
    assert float(module.count) == 0
    assert isinstance(module.network, torch.nn.Conv2d)
    assert isinstance(module.weights, torch.nn.ReLU)
    assert np.array_equal(maps[0], maps[2])
    x = torch.from_numpy(to_input(NOISE.image, card(key)))
    with torch.no_grad():
        assert np.array_equal(maps[0], module(x)[0].numpy())


def test_other_weights_go_into_a_copy(nets):
    key = bring(f"{nets}:Small", (1, 28, 28)).key
    module = construct(Options(key))
    before = module[0].weight.clone()
    other = networks.build(key, weights="random")
    assert not torch.equal(other[0].weight, before)
    assert torch.equal(module[0].weight, before)
    assert networks.source_for(key, "random").trained is False


def test_what_fails_with_real_values_is_a_sentence(nets):
    key = bring(f"{nets}:Fails", (3, 64, 64)).key
    with pytest.raises(Untraceable, match=r"^foreign_nets:Fails fails on its way to conv: RuntimeError: .*\.$"):
        Engine().maps(Options(key), NOISE, "conv", device="cpu")
