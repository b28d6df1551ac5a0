import csv
from pathlib import Path

import pytest
import torch
from torch import nn

from cnnviz import trace
from cnnviz.catalogue import Options, describe
from cnnviz.networks import construct
from cnnviz.networks.alexnet import AlexNetCifar

OPS = ("lrn", "maxpool", "dropout")
PRINTED = Path(__file__).parents[2] / "assets" / "printed" / "alexnet.csv"


def test_the_printed_rows():
    rows = [row for row in csv.DictReader(PRINTED.open()) if row["layer"] != "TOTAL"]
    module, x = construct("alexnet"), torch.empty(1, 3, 227, 227, device="meta")
    seen = {}
    for name, layer in module.named_children():
        x = layer(x)
        seen[name] = (x.shape[1:], sum(p.numel() for p in layer.parameters()))
    for row in rows:
        shape, params = seen[row["layer"].replace("maxpool", "pool")]
        assert params == int(row["params"])
        if row["out_c"]:
            assert shape == (int(row["out_c"]), int(row["out_h"]), int(row["out_w"]))


def test_relu_then_normalisation_then_pooling():
    names = [name for name, _ in construct("alexnet").named_children()]
    assert names[:8] == ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2"]
    assert names[-2:] == ["fc8", "softmax"]


@pytest.mark.parametrize("key", ["alexnet", "alexnet-2012"])
def test_the_papers_constants(key):
    """Sections 3.3, 3.4 and 4.2."""
    graph = describe(Options(key))
    of = {op: [dict(layer.hyperparameters) for layer in graph.layers if layer.op == op] for op in OPS}
    assert of["lrn"] == [{"size": 5, "k": 2, "alpha": 1e-4, "beta": 0.75}] * 2
    assert [(one["kernel"], one["stride"]) for one in of["maxpool"]] == [((3, 3), (2, 2))] * 3
    assert of["dropout"] == [{"p": 0.5}] * 2


def test_two_gpus():
    module = construct("alexnet-2012")
    assert {n: m.groups for n, m in module.named_children() if isinstance(m, nn.Conv2d)} == {
        "conv1": 1,
        "conv2": 2,
        "conv3": 1,
        "conv4": 2,
        "conv5": 2,
    }
    assert not hasattr(module, "softmax")


def test_one_weird_trick_has_the_names_of_the_checkpoint():
    shapes = {name: tuple(t.shape) for name, t in construct("alexnet-owt").state_dict().items()}
    assert list(shapes) == [
        f"{layer}.{kind}"
        for layer in (*(f"features.{i}" for i in (0, 3, 6, 8, 10)), *(f"classifier.{i}" for i in (1, 4, 6)))
        for kind in ("weight", "bias")
    ]
    assert shapes["features.0.weight"] == (64, 3, 11, 11)
    assert shapes["features.3.weight"] == (192, 64, 5, 5)
    assert shapes["features.10.weight"] == (256, 256, 3, 3)
    assert shapes["classifier.1.weight"] == (4096, 9216)


@pytest.mark.parametrize("size", [224, 300])
def test_one_weird_trick_takes_any_size(size):
    assert construct("alexnet-owt")(torch.empty(1, 3, size, size, device="meta")).shape == (1, 1000)


# --- the small one -----------------------------------------------------------


def test_the_small_one_has_a_quarter_of_the_kernels_and_the_same_layers():
    small, large = construct("alexnet-cifar"), construct("alexnet")
    names = [name for name, _ in large.named_children()]
    assert [name for name, _ in small.named_children()] == names[:-1]  # it gives logits
    for number in range(1, 6):
        ours, theirs = (module.get_submodule(f"conv{number}").out_channels for module in (small, large))
        assert ours == theirs / 4
    graph = trace(small, (3, 32, 32))
    assert [graph.layer(f"pool{n}").output_shape for n in (1, 2, 5)] == [(24, 8, 8), (64, 4, 4), (64, 2, 2)]


@pytest.mark.parametrize(
    ("left_out", "ops"), [("lrn", {"lrn": 0, "dropout": 2}), ("dropout", {"lrn": 2, "dropout": 0})]
)
def test_an_idea_left_out_is_the_only_difference(left_out, ops):
    whole, less = (trace(AlexNetCifar(**options), (3, 32, 32)) for options in ({}, {left_out: False}))
    counts = {op: sum(layer.op == op for layer in less.layers) for op in ops}
    assert counts == ops
    others = [
        [(layer.path, layer.output_shape) for layer in graph.layers if layer.op != left_out] for graph in (whole, less)
    ]
    assert others[0] == others[1]


def test_without_overlap_windows_lie_side_by_side_and_shapes_stay():
    whole, less = (trace(AlexNetCifar(overlap=overlap), (3, 32, 32)) for overlap in (True, False))
    kernels = [[layer.hyper("kernel") for layer in graph.layers if layer.op == "maxpool"] for graph in (whole, less)]
    assert kernels == [[(3, 3)] * 3, [(2, 2)] * 3]
    assert [layer.output_shape for layer in whole.layers] == [layer.output_shape for layer in less.layers]
