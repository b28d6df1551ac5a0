import csv
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cnnviz import trace
from cnnviz.catalogue import Options, describe
from cnnviz.errors import ShapeMismatch
from cnnviz.networks import card, construct
from cnnviz.networks.card import IMAGENET
from cnnviz.networks.inception import GoogLeNetOutput

PRINTED = Path(__file__).parents[2] / "assets" / "printed" / "googlenet.csv"
MODULES = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
# The arms of torchvision's checkpoint, in its order, and their kernels.
ARMS = {
    "branch1": 1,
    "branch2.0": 1,
    "branch2.1": 3,
    "branch3.0": 1,
    "branch3.1": 3,
    "branch4.1": 1,
}


def expected_names(heads: bool) -> list[str]:
    convolutions = ["conv1", "conv2", "conv3"]
    convolutions += [f"inception{module}.{arm}" for module in MODULES for arm in ARMS]

    def conv_norm(path: str) -> list[str]:
        statistics = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        return [f"{path}.conv.weight", *(f"{path}.bn.{name}" for name in statistics)]

    def linear(path: str) -> list[str]:
        return [f"{path}.weight", f"{path}.bias"]

    names = [name for path in convolutions for name in conv_norm(path)]
    for head in ("aux1", "aux2") if heads else ():
        names += conv_norm(f"{head}.conv") + linear(f"{head}.fc1") + linear(f"{head}.fc2")
    return names + linear("fc")


@pytest.mark.parametrize("heads", [False, True])
def test_names_of_the_checkpoint(heads):
    state = construct("googlenet-bn", heads=heads).state_dict()
    assert list(state) == expected_names(heads)
    assert len(state) == (364 if heads else 344)


def test_shapes_of_the_checkpoint():
    state = construct("googlenet-bn", heads=True).state_dict()
    for module in MODULES:
        kernels = {arm: state[f"inception{module}.{arm}.conv.weight"].shape[2] for arm in ARMS}
        assert kernels == ARMS
    assert state["conv1.conv.weight"].shape == (64, 3, 7, 7)
    assert state["inception3a.branch3.1.conv.weight"].shape == (32, 16, 3, 3)
    assert state["aux1.conv.conv.weight"].shape == (128, 512, 1, 1)
    assert state["aux2.conv.conv.weight"].shape == (128, 528, 1, 1)
    assert state["aux1.fc1.weight"].shape == (1024, 2048)


@pytest.mark.parametrize(("key", "parameters"), [("googlenet", 13_378_280), ("googlenet-bn", 13_004_888)])
def test_heads(key, parameters):
    module = construct(key, heads=True)
    assert sum(p.numel() for p in module.parameters()) == parameters
    x = torch.empty(2, 3, 224, 224, device="meta")
    for training in (False, True):
        out = module.train(training)(x)
        assert isinstance(out, GoogLeNetOutput)
        assert [tuple(t.shape) for t in out] == [(2, 1000)] * 3
    assert not [name for name, _ in construct(key).named_parameters() if name.startswith("aux")]
    assert isinstance(construct(key).train()(x), Tensor)


@pytest.mark.parametrize("key", ["googlenet", "googlenet-bn"])
def test_heads_have_as_many_classes_and_leave_the_logits_alone(key):
    torch.manual_seed(0)
    with_heads, without = construct(key, heads=True, classes=5), construct(key, classes=5)
    state = {name: torch.randn(t.shape) * 0.05 for name, t in with_heads.state_dict().items()}
    state |= {name: torch.ones(t.shape) for name, t in state.items() if name.endswith("running_var")}
    with_heads.load_state_dict(state, strict=True, assign=True)
    own = {name: t for name, t in state.items() if not name.startswith("aux")}
    without.load_state_dict(own, strict=True, assign=True)
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        logits, aux2, aux1 = with_heads(x)
        assert torch.equal(logits, without(x))
    assert aux1.shape == aux2.shape == (1, 5)
    assert not torch.equal(aux1, aux2)


def test_an_inception_module_computes_what_torchvision_does():
    module = construct("googlenet-bn").inception3a
    state = {name: torch.rand(t.shape) * 0.2 for name, t in module.state_dict().items()}
    module.load_state_dict(state, strict=True, assign=True)
    x = torch.randn(1, 192, 9, 9)

    def conv(name: str, x: Tensor) -> Tensor:
        weight = state[f"{name}.conv.weight"]
        x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        names = ("running_mean", "running_var", "weight", "bias")
        return F.relu(F.batch_norm(x, *(state[f"{name}.bn.{n}"] for n in names), eps=0.001))

    pooled = F.max_pool2d(x, 3, stride=1, padding=1, ceil_mode=True)
    arms = [
        conv("branch1", x),
        conv("branch2.1", conv("branch2.0", x)),
        conv("branch3.1", conv("branch3.0", x)),
        conv("branch4.1", pooled),
    ]
    with torch.no_grad():
        torch.testing.assert_close(module(x), torch.cat(arms, dim=1))


def test_the_cards_normalisation_is_what_torchvision_converts_to():
    pixels = torch.rand(4, 3, 8, 8, dtype=torch.float64)
    mean, std = (torch.tensor(v, dtype=torch.float64).view(3, 1, 1) for v in (IMAGENET.mean, IMAGENET.std))
    converted = (pixels - mean) / std * (std / 0.5) + (mean - 0.5) / 0.5
    ours = card("googlenet-bn").normalisation
    own_mean, own_std = (torch.tensor(v, dtype=torch.float64).view(3, 1, 1) for v in (ours.mean, ours.std))
    torch.testing.assert_close((pixels - own_mean) / own_std, converted)


def test_the_printed_parameters_of_3a():
    printed = {r["layer"]: int(r["params"] or 0) for r in csv.DictReader(PRINTED.open()) if r["group"] == "3a"}
    module = construct("googlenet").inception3a
    computed = {
        "conv1x1a": module.branch3x3_reduce,
        "conv1x1b": module.branch5x5_reduce,
        "conv1x1c": module.branch1x1,
        "conv3-3": module.branch3x3,
        "conv5x5": module.branch5x5,
        "conv1x1d": module.pool_proj,
    }
    sizes = {name: sum(p.numel() for p in conv.parameters()) for name, conv in computed.items()}
    assert sizes == {name: printed[name] for name in computed}
    assert sum(sizes.values()) == 163_696


def test_maps_along_the_trunk():
    module, x = construct("googlenet"), torch.empty(1, 3, 224, 224, device="meta")
    shapes = {}
    for name, layer in module.named_children():
        x = layer(x)
        shapes[name] = tuple(x.shape[1:])
    assert shapes["pool2"] == (192, 28, 28)
    assert shapes["inception3a"] == (256, 28, 28)
    assert shapes["inception3b"] == (480, 28, 28)
    assert shapes["inception4a"] == (512, 14, 14)
    assert shapes["inception4d"] == (528, 14, 14)
    assert shapes["pool4"] == (832, 7, 7)
    assert shapes["inception5b"] == (1024, 7, 7)
    assert shapes["avgpool"] == (1024, 1, 1)


@pytest.mark.parametrize(("size", "last"), [(224, 7), (64, 2), (32, 1)])
def test_the_last_pooling_takes_the_map_where_that_is_smaller_than_its_window(size, last):
    module = construct("googlenet", classes=10)
    graph = trace(module, (3, size, size))
    pooling = graph.layer("avgpool")
    assert (pooling.input_shapes, pooling.output_shape) == (((1024, last, last),), (1024, 1, 1))
    assert pooling.hyper("kernel") == (last, last)
    assert module(torch.empty(2, 3, size, size, device="meta")).shape == (2, 10)


def test_a_larger_picture_is_refused():
    with pytest.raises(ShapeMismatch, match=r"needs 1024 x 1 x 1 maps, but a 256 x 256 input gives 1024 x 2 x 2\."):
        describe(Options("googlenet", size=(256, 256)))
