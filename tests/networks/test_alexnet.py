import csv
from pathlib import Path

import pytest
import torch
from torch import nn

from cnnviz.networks import construct

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
