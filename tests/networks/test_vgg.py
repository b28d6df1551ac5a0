import pytest
import torch
from torch import nn

from cnnviz.networks import construct

# Where torchvision's checkpoints have the convolutions in `features`.
CONVOLUTIONS = {
    "vgg11": (0, 3, 6, 8, 11, 13, 16, 18),
    "vgg13": (0, 2, 5, 7, 10, 12, 15, 17, 20, 22),
    "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    "vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
}


@pytest.mark.parametrize("key", CONVOLUTIONS)
def test_names_and_shapes_of_the_checkpoint(key):
    shapes = {name: tuple(t.shape) for name, t in construct(key).state_dict().items()}
    layers = [f"features.{i}" for i in CONVOLUTIONS[key]] + [f"classifier.{i}" for i in (0, 3, 6)]
    assert list(shapes) == [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    assert all(shapes[f"{layer}.weight"][2:] == (3, 3) for layer in layers[:-3])
    assert [shapes[f"{layer}.weight"] for layer in layers[-3:]] == [(4096, 25088), (4096, 4096), (1000, 4096)]


def test_sixteen_weighted_layers():
    modules = list(construct("vgg16").modules())
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in modules) == 16
    # in all its convolutions, which is more than AlexNet has
    assert sum(p.numel() for m in modules if isinstance(m, nn.Conv2d) for p in m.parameters()) == 14_714_688


def test_maps_before_the_classifier():
    assert construct("vgg16").features(torch.empty(1, 3, 224, 224, device="meta")).shape == (1, 512, 7, 7)
