import copy
import math

import pytest
import torch
from torch import nn

from cnnviz import networks
from cnnviz.catalogue import Options, describe
from cnnviz.graph import LayerGraph, ReceptiveField
from cnnviz.networks.layers import Subsampling, TableConv2d
from cnnviz.operations import describe_module
from cnnviz.recorder import follow
from cnnviz.trace import trace


def graph_of(key: str) -> LayerGraph:
    return trace(networks.construct(key), networks.card(key).input_shape)


@pytest.mark.parametrize(
    ("key", "path", "size", "stride"),
    [
        ("alexnet", "pool5", 195, 32),
        ("vgg16", "features.30", 212, 32),
        ("resnet18", "layer4.1.conv2", 435, 32),
        ("resnet18", "layer4", 435, 32),
        ("resnet50", "layer4", 427, 32),
        ("resnet152", "layer4", 1_451, 32),
        ("lenet5", "pool2", 16, 4),
    ],
)
def test_published_receptive_fields(key, path, size, stride):
    """Araujo, Norris, Sim 2019 list most of these."""
    graph = graph_of(key)
    inside = [layer for layer in graph.layers if layer.path == path or layer.path.startswith(f"{path}.")]
    field = inside[-1].receptive_field
    assert (field.size, field.stride) == ((size, size), (stride, stride))


@pytest.mark.parametrize(
    ("key", "path"),
    [("resnet18", "avgpool"), ("resnet18-printed", "avgpool"), ("vgg16", "classifier.0"), ("lenet5", "fc1")],
)
def test_what_sees_the_whole_input_has_none(key, path):
    assert graph_of(key).layer(path).receptive_field is None


def test_slicing_and_padding_move_the_start():
    class Shifted(nn.Module):
        def forward(self, x):
            x = nn.functional.pad(x, (3, 0, 5, 0))
            return x[:, :, 1:, 2::2]

    field = trace(Shifted(), (3, 16, 16)).layer("slice").receptive_field
    assert field == ReceptiveField(size=(1, 1), stride=(1, 2), start=(-4, -1))


def test_arms_that_join_see_the_hull_of_their_windows():
    class Arms(nn.Module):
        def __init__(self):
            super().__init__()
            self.left = nn.Conv2d(3, 4, kernel_size=(1, 5), padding=(0, 2))
            self.up = nn.Conv2d(3, 4, kernel_size=(3, 1), padding=(1, 0))

        def forward(self, x):
            return torch.cat([self.left(x), self.up(x)], dim=1)

    field = trace(Arms(), (3, 16, 16)).layer("concat").receptive_field
    assert field == ReceptiveField(size=(3, 5), stride=(1, 1), start=(-1, -2))


def strip(module: nn.Module, axis: int) -> nn.Module:
    """The network with every window reduced to one axis, every weight positive, all else the identity.

    With it the gradient of one unit is positive at each pixel that the unit sees, and 0 elsewhere.
    """
    module = copy.deepcopy(module)
    for name, child in list(module.named_modules()):
        new: nn.Module | None = None
        if isinstance(child, TableConv2d):
            new = flat_conv(child.describe()[1], axis)
        elif isinstance(child, nn.Conv2d):
            new = flat_conv(
                {
                    "in_channels": child.in_channels,
                    "out_channels": child.out_channels,
                    "groups": child.groups,
                    "kernel": child.kernel_size,
                    "stride": child.stride,
                    "padding": child.padding,
                },
                axis,
            )
        elif isinstance(child, nn.MaxPool2d | nn.AvgPool2d | Subsampling):
            hyper = describe_module(child).hyperparameters
            window = (along(hyper[name], axis, rest) for name, rest in (("kernel", 1), ("stride", 1), ("padding", 0)))
            new = nn.AvgPool2d(*window, ceil_mode=bool(hyper.get("ceil_mode")))
        elif (operation := describe_module(child)) and operation.op in (
            "batchnorm",
            "dropout",
            "lrn",
            "relu",
            "tanh",
        ):
            new = nn.Identity()
        if new is not None and name:
            parent, _, last = name.rpartition(".")
            setattr(module.get_submodule(parent) if parent else module, last, new)
    return module


def along(value, axis: int, rest: int) -> tuple[int, int]:
    pair = value if isinstance(value, tuple) else (value, value)
    return (pair[0], rest) if axis == 0 else (rest, pair[1])


def flat_conv(hyper, axis: int) -> nn.Conv2d:
    conv = nn.Conv2d(
        hyper["in_channels"],
        hyper["out_channels"],
        kernel_size=along(hyper["kernel"], axis, 1),
        stride=along(hyper["stride"], axis, 1),
        padding=along(hyper["padding"], axis, 0),
        groups=hyper["groups"],
        bias=False,
        device="cpu",
    )
    nn.init.constant_(conv.weight, 1 / conv.weight[0].numel())
    return conv


def last_with_a_window(graph: LayerGraph):
    """The convolutional part's last layer that is more than pointwise, before adaptive pooling and classifier."""
    windowed = [layer for layer in graph.layers if layer.receptive_field and layer.hyper("output_size") is None]
    return [layer for layer in windowed if layer.op in ("conv", "maxpool", "avgpool", "subsample", "add", "concat")][-1]


LAST = {
    **{"lenet5": "conv3", "lenet5-1998": "c5", "alexnet": "pool5", "alexnet-2012": "pool5"},
    **{"alexnet-owt": "features.12", "vgg11": "features.20", "vgg13": "features.24"},
    **{"vgg16": "features.30", "vgg19": "features.36"},
    **{"googlenet": "inception5b.concat", "googlenet-bn": "inception5b.concat"},
    **{"alexnet-cifar": "pool5", "relu4": "pool3", "tanh4": "pool3"},
}


@pytest.mark.parametrize("key", networks.cards())
def test_the_convolutional_part_reaches_to_its_last_layer(key):
    """So that the gradients below are those of the whole part, and not of what still has a window."""
    path = last_with_a_window(graph_of(key)).path
    if key in LAST:
        assert path == LAST[key]
    else:
        module = networks.construct(key)
        last = list(getattr(module, "layer4", None) or module.layer3)[-1]
        end = "conv2" if key.startswith("plain") else "add"
        assert path == f"{next(name for name, m in module.named_modules() if m is last)}.{end}"


@pytest.mark.parametrize("axis", [0, 1], ids=["height", "width"])
@pytest.mark.parametrize("key", networks.cards())
def test_the_gradient_of_one_central_unit_has_the_receptive_field_as_its_support(key, axis):
    module = networks.construct(key)
    layer = last_with_a_window(graph_of(key))
    field = layer.receptive_field
    size, stride, start = field.size[axis], field.stride[axis], field.start[axis]
    unit = max(0, math.ceil(-start / stride)) + 1
    length = start + unit * stride + size + 2 * stride
    flat = strip(module, axis).double()  # a corner pixel of ResNet-110 counts 3 to the power of -109
    channels = networks.card(key).input_shape[0]
    shape = (1, channels, length, 1) if axis == 0 else (1, channels, 1, length)
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)

    program = follow_up_to(flat, shape, layer.path)
    ref = program.places[layer.path]
    out = program.run(flat, x, [ref])[ref]
    out[(0, slice(None), unit, 0) if axis == 0 else (0, slice(None), 0, unit)].sum().backward()
    seen = x.grad[0].sum(dim=0).flatten().nonzero().flatten()
    assert (int(seen[0]), int(seen[-1])) == (start + unit * stride, start + unit * stride + size - 1)


def follow_up_to(module: nn.Module, shape: tuple[int, ...], path: str):
    """A program of the convolutional part: a strip doesn't fit the classifier, which isn't run."""
    for child in module.modules():
        for name, grandchild in list(child.named_children()):
            if isinstance(grandchild, nn.Linear | nn.AdaptiveAvgPool2d):
                setattr(child, name, nn.Identity())
    return follow(module, shape)


def test_the_window_of_a_unit():
    field = describe(Options("resnet18")).layer("conv1").receptive_field  # 7 x 7 at stride 2, padded by 3
    assert field.window((0, 0)) == (-3, -3, 4, 4)
    assert field.window((56, 10)) == (109, 17, 116, 24)
    assert describe(Options("resnet18")).layer("conv1").middle_window == (109, 109, 116, 116)
    assert describe(Options("resnet18")).layer("fc").middle_window is None
