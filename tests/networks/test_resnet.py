import csv
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnviz.networks import construct
from cnnviz.networks.resnet import ZeroPaddedShortcut

PRINTED = Path(__file__).parents[2] / "assets" / "printed" / "resnet18.csv"
BLOCKS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
KEYS = {"resnet18": 122, "resnet34": 218, "resnet50": 320, "resnet101": 626, "resnet152": 932}
Shapes = dict[str, tuple[int, ...]]


def checkpoint(key: str) -> Shapes:
    """Names and shapes of torchvision's checkpoint, in its order."""
    shapes: Shapes = {}
    bottleneck = key in ("resnet50", "resnet101", "resnet152")

    def conv_norm(prefix: str, conv: str, norm: str, shape: tuple[int, ...]) -> None:
        shapes[f"{prefix}{conv}.weight"] = shape
        for name in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{prefix}{norm}.{name}"] = shape[:1]
        shapes[f"{prefix}{norm}.num_batches_tracked"] = ()

    conv_norm("", "conv1", "bn1", (64, 3, 7, 7))
    depth = 64
    for stage, (width, count) in enumerate(zip((64, 128, 256, 512), BLOCKS[key], strict=True), start=1):
        for block in range(count):
            prefix, out = f"layer{stage}.{block}.", width * (4 if bottleneck else 1)
            if bottleneck:
                conv_norm(prefix, "conv1", "bn1", (width, depth, 1, 1))
                conv_norm(prefix, "conv2", "bn2", (width, width, 3, 3))
                conv_norm(prefix, "conv3", "bn3", (out, width, 1, 1))
            else:
                conv_norm(prefix, "conv1", "bn1", (width, depth, 3, 3))
                conv_norm(prefix, "conv2", "bn2", (width, width, 3, 3))
            if block == 0 and (stage > 1 or bottleneck):
                conv_norm(prefix, "downsample.0", "downsample.1", (out, depth, 1, 1))
            depth = out
    return shapes | {"fc.weight": (1000, depth), "fc.bias": (1000,)}


@pytest.mark.parametrize("key", BLOCKS)
def test_names_and_shapes_of_the_checkpoint(key):
    expected = checkpoint(key)
    module = construct(key)
    assert list(module.state_dict()) == list(expected)
    assert len(expected) == KEYS[key]
    synthetic = {name: torch.empty(shape, device="meta") for name, shape in expected.items()}
    module.load_state_dict(synthetic, strict=True, assign=True)


def reference(state: dict[str, Tensor], blocks: tuple[int, ...], x: Tensor) -> Tensor:
    """What torchvision's forward computes in eval mode, from the state dict alone."""

    def conv_norm(prefix: str, conv: str, norm: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = state[f"{prefix}{conv}.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(state[f"{prefix}{norm}.{name}"] for name in names))

    x = F.relu(conv_norm("", "conv1", "bn1", x, stride=2))
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            prefix, stride = f"layer{stage}.{block}.", 2 if stage > 1 and block == 0 else 1
            deep = f"{prefix}conv3.weight" in state
            y = F.relu(conv_norm(prefix, "conv1", "bn1", x, 1 if deep else stride))
            y = conv_norm(prefix, "conv2", "bn2", y, stride if deep else 1)
            if deep:
                y = conv_norm(prefix, "conv3", "bn3", F.relu(y))
            if f"{prefix}downsample.0.weight" in state:
                x = conv_norm(prefix, "downsample.0", "downsample.1", x, stride)
            x = F.relu(y + x)
    return F.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


@pytest.mark.parametrize("key", ["resnet18", "resnet50"])
def test_a_checkpoint_loads_and_computes_what_torchvision_does(key):
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in checkpoint(key).items():
        values = torch.rand(shape, generator=generator)
        fan_in = max(1, values[0].numel()) if len(shape) > 1 else 1
        state[name] = (values - 0.5) * (12 / fan_in) ** 0.5 if len(shape) > 1 else values + 0.5
    module = construct(key)
    module.load_state_dict(state, strict=True, assign=True)
    x = torch.randn(1, 3, 64, 64, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(module(x), reference(state, BLOCKS[key], x), rtol=1e-4, atol=1e-4)


def projections(module: nn.Module) -> list[str]:
    return [name for name, m in module.named_modules() if name.endswith("downsample.0") and isinstance(m, nn.Conv2d)]


@pytest.mark.parametrize(
    ("key", "option", "count", "parameters"),
    [
        ("resnet18", "A", 0, 11_689_512 - 173_824),
        ("resnet18", "B", 3, 11_689_512),
        ("resnet18", "C", 8, None),
        ("resnet50", "A", 0, None),
        ("resnet50", "B", 4, 25_557_032),
        ("resnet152", "B", 4, 60_192_808),
        ("resnet152", "C", 50, None),
        ("resnet20", "A", 0, 269_722),
        ("resnet20", "B", 2, None),
        ("resnet20", "C", 9, None),
    ],
)
def test_shortcut_options(key, option, count, parameters):
    module = construct(key, shortcut=option)
    assert len(projections(module)) == count
    if parameters:
        assert sum(p.numel() for p in module.parameters()) == parameters
    side = 32 if key == "resnet20" else 224
    assert module(torch.empty(1, 3, side, side, device="meta")).dim() == 2


@pytest.mark.parametrize(("key", "default"), [("resnet18", "B"), ("resnet20", "A"), ("resnet18-printed", "A")])
def test_default_shortcut(key, default):
    assert construct(key).state_dict().keys() == construct(key, shortcut=default).state_dict().keys()


def test_zero_padding_keeps_every_second_pixel_and_adds_empty_maps():
    x = torch.randn(1, 2, 5, 4)
    y = ZeroPaddedShortcut(stride=2, extra=3)(x)
    assert y.shape == (1, 5, 3, 2)
    assert torch.equal(y[:, :2], x[:, :, ::2, ::2])
    assert y[:, 2:].count_nonzero() == 0
    assert torch.equal(ZeroPaddedShortcut(stride=1, extra=1)(x)[:, :2], x)


def test_option_a_pads_resnet50s_first_block_at_stride_one():
    first = construct("resnet50", shortcut="A").layer1[0].downsample
    assert (first.stride, first.extra) == (1, 192)


@pytest.mark.parametrize("key", ["resnet18", "resnet20"])
def test_a_block_whose_residual_is_zero_is_the_identity(key):
    block = construct(key, device="cpu").layer1[1]
    nn.init.zeros_(block.bn2.weight)
    x = torch.rand(1, block.conv1.in_channels, 6, 6)
    assert torch.equal(block(x), x)


def test_plain_networks_have_no_way_around():
    block = construct("plain20", device="cpu").layer1[0]
    nn.init.zeros_(block.bn2.weight)
    assert block(torch.rand(1, 16, 6, 6)).count_nonzero() == 0
    residual, plain = construct("resnet20", shortcut="A").state_dict(), construct("plain20").state_dict()
    assert [(k, v.shape) for k, v in residual.items()] == [(k, v.shape) for k, v in plain.items()]


def test_plain34_is_resnet34_without_projections():
    expected = [name for name in checkpoint("resnet34") if "downsample" not in name]
    assert list(construct("plain34").state_dict()) == expected


@pytest.mark.parametrize("key", ["resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "plain20", "plain56"])
def test_cifar_networks_have_as_many_layers_as_their_name_says(key):
    module = construct(key)
    weighted = [name for name, m in module.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weighted) == int(key.removeprefix("resnet").removeprefix("plain"))
    assert module.layer3(module.layer2(torch.empty(1, 16, 32, 32, device="meta"))).shape == (1, 64, 8, 8)


def test_the_printed_rows():
    rows = [row for row in csv.DictReader(PRINTED.open()) if row["layer"].startswith(("conv", "fc", "TOTAL"))]
    module = construct("resnet18-printed")
    sizes = [sum(p.numel() for p in m.parameters()) for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert [*sizes, sum(sizes)] == [int(row["params"]) for row in rows]

    shapes: dict[str, tuple[int, ...]] = {}
    x = torch.empty(1, 3, 227, 227, device="meta")
    for name, layer in module.named_children():
        x = layer(x)
        shapes[name] = tuple(x.shape[1:])
    assert shapes["conv1"] == (64, 112, 112)
    assert shapes["maxpool"] == shapes["layer1"] == (64, 56, 56)
    assert shapes["layer4"] == (512, 7, 7)
    assert shapes["avgpool"] == (512, 1, 1)
    assert not [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
