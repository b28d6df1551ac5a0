import numpy as np
import pytest
import torch
from foreign import Dense, Functional, PreActivation, Recurrent, SqueezeExcitation
from torch import Tensor, nn
from torch.nn import functional as F

from cnnviz import networks
from cnnviz.activations.capture import capture
from cnnviz.activations.computed import computed, computed_for, needed
from cnnviz.activations.parts import Applied, Closed, Computed, Join, Moved, Neighbours, Normalised, Products, Window
from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.recorder import follow
from cnnviz.trace import trace
from cnnviz.weights import initialise

CLOSE = 1e-5  # of the sum of the absolute terms
# those whose layers fit an input smaller than the published one; the others check it
SMALLER = {"vgg": 64, "resnet18-": 227, "resnet": 64, "plain": 64, "googlenet-bn": 64}


def picture(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def stirred(module: nn.Module) -> nn.Module:
    """Weights as after some training: biases and running statistics that aren't those of a new network."""
    generator = torch.Generator().manual_seed(2)
    initialise(module)
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            last = name.rpartition(".")[2]
            if last in ("running_var", "weight") and tensor.ndim == 1:
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif last in ("running_mean", "bias"):
                tensor.normal_(0, 0.2, generator=generator)
    return module


def sample(shape: tuple[int, ...], rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Both ends of every axis, and one place between."""
    inside = tuple(int(rng.integers(size)) for size in shape)
    return list(dict.fromkeys([(0,) * len(shape), tuple(size - 1 for size in shape), inside]))


def everywhere(module: nn.Module, x: Tensor) -> dict[str, list[Computed]]:
    """Some numbers of every layer, from one pass."""
    graph = trace(module, tuple(x.shape[1:]))
    maps, program, rng = capture(module, x), follow(module, tuple(x.shape)), np.random.default_rng(0)
    return {
        layer.path: [computed(module, graph, maps, layer.path, at, program) for at in sample(layer.output_shape, rng)]
        for layer in graph.layers
    }


@pytest.mark.parametrize("key", networks.cards())
def test_every_operation_of_every_network_adds_up(key):
    channels, height, width = networks.card(key).input_shape
    side = next((side for name, side in SMALLER.items() if key.startswith(name)), height)
    module = stirred(networks.construct(key, device="cpu"))
    found = everywhere(module, picture(1, channels, min(side, height), min(side, width)))
    assert not [made.parts for of_layer in found.values() for made in of_layer if isinstance(made.parts, Closed)]
    worst = {path: max(made.difference for made in of_layer) for path, of_layer in found.items()}
    assert max(worst.values()) < CLOSE, max(worst, key=worst.get)


@pytest.mark.parametrize("key", ["googlenet", "googlenet-bn"])
def test_with_heads(key):
    module = stirred(networks.construct(key, device="cpu", heads=True, classes=7))
    found = everywhere(module, picture(1, *networks.card(key).input_shape))
    assert {"output.logits", "output.aux1", "aux2.fc2"} <= set(found)
    assert max(made.difference for of_layer in found.values() for made in of_layer) < CLOSE


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (PreActivation, (3, 32, 32)),
        (Dense, (4, 8, 8)),
        (SqueezeExcitation, (3, 8, 8)),
        (Recurrent, (4, 8, 8)),
    ],
)
def test_networks_of_others(network, shape):
    torch.manual_seed(0)
    found = everywhere(network().eval(), picture(1, *shape))
    assert max(made.difference for of_layer in found.values() for made in of_layer) < CLOSE


def test_what_is_computed_of_parameters_and_in_parts():
    torch.manual_seed(0)
    found = everywhere(Functional().eval(), picture(1, 3, 16, 16))
    closed = {path for path, of_layer in found.items() if isinstance(of_layer[0].parts, Closed)}
    assert closed == {"max"}
    assert "'max', which isn't taken apart" in found["max"][0].parts.reason
    assert found["max"][0].recomputed is None is found["max"][0].difference
    rest = [made.difference for path, of_layer in found.items() if path not in closed for made in of_layer]
    assert max(rest) < CLOSE
    assert found["mul"][0].parts.arms[1].source == "scale"
    assert found["concat"][1].parts.source == ""  # zeros made in forward


# --- the parts ---------------------------------------------------------------------


def test_a_convolution_channel_by_channel():
    module, x = stirred(networks.construct("alexnet-2012", device="cpu")), picture(1, 3, 227, 227)
    made = computed_for(module, x, "conv1", (5, 2, 3))
    parts = made.parts
    assert isinstance(parts, Products)
    assert (parts.source, parts.start, parts.step, parts.rest(3)) == ("input", (8, 12), (1, 1), 0)
    assert np.all(np.diff(np.abs(parts.contributions)) <= 0)
    patch, kernel = x[0, :, 8:19, 12:23].numpy(), module.conv1.weight[5].detach().numpy()
    assert np.array_equal(parts.inputs, patch[parts.channels])
    assert np.array_equal(parts.weights, kernel[parts.channels])
    assert parts.contributions.sum() == pytest.approx(float((patch * kernel).sum()), rel=1e-4)
    assert parts.rest(1) == pytest.approx(parts.contributions[1:].sum())
    assert parts.bias == pytest.approx(float(module.conv1.bias.detach()[5]))


@pytest.mark.parametrize(("unit", "channels"), [(0, range(48)), (255, range(48, 96))])
def test_a_group_reads_its_own_channels(unit, channels):
    module = stirred(networks.construct("alexnet-2012", device="cpu"))
    parts = computed_for(module, picture(1, 3, 227, 227), "conv2", (unit, 0, 0)).parts
    assert sorted(parts.channels) == list(channels)
    assert parts.start == (-2, -2)
    assert parts.outside.tolist() == [[row < 2 or column < 2 for column in range(5)] for row in range(5)]
    assert not parts.inputs[:, parts.outside].any()


def test_the_connection_table_of_1998():
    # table I: the first map of C3 reads the first three of S2, the last one all six
    module = stirred(networks.construct("lenet5-1998", device="cpu"))
    graph, x = trace(module, (1, 32, 32)), picture(1, 1, 32, 32)
    maps = capture(module, x)
    for unit, read in ((0, {0, 1, 2}), (15, set(range(6)))):
        assert set(computed(module, graph, maps, "c3", (unit, 4, 4)).parts.channels) == read
    distances = computed(module, graph, maps, "rbf", (3,)).parts
    assert distances.squares
    assert set(np.unique(distances.weights)) == {-1, 1}
    subsampled = computed(module, graph, maps, "s2", (2, 1, 1)).parts
    assert (subsampled.inputs.shape, subsampled.start) == ((1, 2, 2), (2, 2))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [2, "same"])
def test_what_lies_outside(mode, padding):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(4, 6, (3, 2), padding=padding, dilation=(1, 2), groups=2, padding_mode=mode))
    found = everywhere(module, picture(1, 4, 7, 6))
    assert max(made.difference for made in found["0"]) < CLOSE
    assert found["0"][0].parts.outside[0].all()
    assert bool(found["0"][0].parts.inputs[0][0].any()) == (mode != "zeros")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d(3, 4, 3, stride=2, padding=1), (3, 9)),
        (nn.Conv3d(2, 3, 3, padding=1), (2, 5, 4, 3)),
        (nn.MaxPool1d(3, stride=2), (3, 9)),
        (nn.AvgPool3d(2), (2, 4, 4, 4)),
        (nn.AdaptiveMaxPool2d((3, None)), (2, 7, 5)),
        (nn.AdaptiveAvgPool2d((3, 4)), (2, 7, 5)),
        (nn.MaxPool2d(3, dilation=2, padding=1), (2, 9, 9)),
        (nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True), (2, 8, 8)),
        (nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), (2, 8, 8)),
        (nn.AvgPool2d(2, divisor_override=3), (2, 8, 8)),
        (nn.LocalResponseNorm(4), (7, 3, 3)),
        (nn.LocalResponseNorm(3, alpha=2.0, beta=0.5, k=1.5), (7, 3, 3)),
        (nn.BatchNorm2d(3, affine=False), (3, 4, 4)),
        (nn.BatchNorm1d(5), (5,)),
        (nn.Linear(6, 4, bias=False), (6,)),
        (nn.Linear(6, 4), (3, 6)),
        (nn.Softmax(dim=-3), (5, 2, 2)),
        (nn.LogSoftmax(dim=1), (5,)),
        (nn.ReflectionPad2d(2), (2, 4, 4)),
        (nn.ConstantPad2d(1, 7.0), (2, 4, 4)),
        (nn.PixelShuffle(2), (8, 3, 3)),
        (nn.ELU(0.5), (3, 4, 4)),
        (nn.GELU(), (3, 4, 4)),
        (nn.GELU("tanh"), (3, 4, 4)),
        (nn.Hardsigmoid(), (3, 4, 4)),
        (nn.Hardswish(), (3, 4, 4)),
        (nn.Hardtanh(-0.5, 0.7), (3, 4, 4)),
        (nn.LeakyReLU(0.3), (3, 4, 4)),
        (nn.Mish(), (3, 4, 4)),
        (nn.PReLU(3), (3, 4, 4)),
        (nn.ReLU6(), (3, 4, 4)),
        (nn.SELU(), (3, 4, 4)),
        (nn.Sigmoid(), (3, 4, 4)),
        (nn.SiLU(), (3, 4, 4)),
        (nn.Softsign(), (3, 4, 4)),
    ],
    ids=str,
)
def test_layers_that_other_networks_have(layer, shape):
    torch.manual_seed(0)
    found = everywhere(nn.Sequential(layer).eval(), picture(1, *shape))
    assert max(made.difference for made in found["0"]) < CLOSE


class Joins(nn.Module):
    """Joins that our networks don't have."""

    def forward(self, x: Tensor) -> Tensor:
        wide = x.mean((2, 3), keepdim=True).expand_as(x)
        y = 1 - torch.sub(x, wide, alpha=2)
        first, second = y.split([1, 2], dim=1)
        y = torch.cat([second, torch.full_like(first, 3.0)], 1) / 2
        y = 3 / (y * x.permute(0, 1, 3, 2) + 4)
        y = F.conv2d(y[:, :1].expand(-1, 2, -1, -1), torch.ones(1, 2, 2, 2))
        return torch.rsub(F.softmax(y.flatten(1), dim=1), 2.0)


def test_joins_of_any_kind():
    found = everywhere(Joins(), picture(1, 3, 4, 4))
    assert max(made.difference for of_layer in found.values() for made in of_layer) < CLOSE
    assert [arm.factor for arm in found["sub_2"][0].parts.arms] == [1, -1]
    assert found["sub_2"][0].parts.arms[0] == found["sub_2"][1].parts.arms[0]  # the 1 of 1 - …


def test_the_winner_of_a_pooling():
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 1, 1] = -1
    x[0, 0, 0, 0] = 5
    module = nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1))
    parts = computed_for(module, x, "0", (0, 0, 0)).parts
    assert isinstance(parts, Window)
    assert (parts.rule, parts.start, parts.winner, parts.value) == ("largest", (-1, -1), (1, 1), 5)
    assert parts.outside.sum() == 5
    # where all is below zero, the padding doesn't win
    assert computed_for(module, x - 9, "0", (0, 1, 1)).recomputed == -9


def test_the_last_window_of_an_average_that_is_rounded_up():
    # relu4's pool2 reads 16 pixels by threes: the last window holds two of each axis, and divides by four
    module, x = stirred(networks.construct("relu4", device="cpu")), picture(1, 3, 32, 32)
    parts = computed_for(module, x, "pool2", (0, 7, 7)).parts
    assert (parts.rule, parts.divisor, parts.start) == ("mean", 4, (14, 14))
    assert parts.outside.tolist() == [[False, False, True], [False, False, True], [True] * 3]


def test_a_shortcut_names_its_arms():
    module, x = stirred(networks.construct("resnet20", device="cpu")), picture(1, 3, 32, 32)
    graph, maps = trace(module, (3, 32, 32)), capture(module, x)
    parts = computed(module, graph, maps, "layer2.0.add", (20, 3, 3)).parts
    assert isinstance(parts, Join)
    assert [(arm.source, arm.role) for arm in parts.arms] == [
        ("layer2.0.bn2", "main"),
        ("layer2.0.downsample.pad", "projection"),
    ]
    # option A: maps 0 to 15 are every other pixel of what came in, the rest zeros
    assert computed(module, graph, maps, "layer2.0.downsample.pad", (20, 3, 3)).parts == Moved("", (), 0.0)
    kept = computed(module, graph, maps, "layer2.0.downsample.pad", (15, 3, 3)).parts
    assert (kept.source, kept.place) == ("layer2.0.downsample.slice", (15, 3, 3))
    sliced = computed(module, graph, maps, "layer2.0.downsample.slice", (15, 3, 4)).parts
    assert (sliced.source, sliced.place) == ("layer1.2.relu#2", (15, 6, 8))


def test_a_concatenation_names_its_arm():
    module = stirred(networks.construct("googlenet", device="cpu"))
    x = picture(1, 3, 224, 224)
    # module 3a: 64 + 128 + 32 + 32 deep
    parts = computed_for(module, x, "inception3a.concat", (64 + 128 + 5, 3, 4)).parts
    assert isinstance(parts, Moved)
    assert (parts.source, parts.place, parts.arm) == ("inception3a.relu5x5", (5, 3, 4), 2)


def test_flattening_keeps_account():
    module, x = stirred(networks.construct("lenet5", device="cpu")), picture(1, 1, 32, 32)
    assert computed_for(module, x, "flatten", (77,)).parts.place == (77, 0, 0)


def test_normalisations():
    module, x = stirred(networks.construct("resnet20", device="cpu")), picture(1, 3, 32, 32)
    parts = computed_for(module, x, "bn1", (3, 2, 1)).parts
    assert isinstance(parts, Normalised)
    assert parts.mean == pytest.approx(float(module.bn1.running_mean[3]))
    assert parts.eps == 1e-5
    module, x = stirred(networks.construct("alexnet", device="cpu")), picture(1, 3, 227, 227)
    parts = computed_for(module, x, "norm1", (1, 5, 5)).parts
    assert isinstance(parts, Neighbours)
    assert (parts.channels.tolist(), parts.own, parts.k, parts.alpha) == ([0, 1, 2, 3], 1, 2, 1e-4)
    parts = computed_for(nn.LocalResponseNorm(5), picture(1, 9, 2, 2), "lrn", (4, 0, 0)).parts
    assert (len(parts.channels), parts.k, parts.alpha) == (5, 1, pytest.approx(2e-5))


def test_the_squashing_of_1998():
    module, x = stirred(networks.construct("lenet5-1998", device="cpu")), picture(1, 1, 32, 32)
    parts = computed_for(module, x, "tanh1", (0, 0, 0)).parts
    assert isinstance(parts, Applied)
    assert parts.formula == "1.7159 · tanh(0.6667 · x)"


class Noisy(nn.Module):
    """Adds what nobody can compute again, and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return (x + torch.rand_like(x)) * self.calls


def test_what_differs_from_pass_to_pass_is_not_taken_apart():
    module = Noisy()
    found = everywhere(module, picture(1, 3, 4, 4))
    assert "differs from pass to pass" in found["add_2"][0].parts.reason
    assert "differs from pass to pass" in found["mul"][0].parts.reason
    assert module.calls == 0


# --- what it takes, and refuses --------------------------------------------------------


def test_what_is_needed():
    graph = trace(networks.construct("resnet20"), (3, 32, 32))
    assert needed(graph, "layer2.0.add") == ("layer2.0.bn2", "layer2.0.downsample.pad", "layer2.0.add")
    assert needed(graph, "input") == ("input",)
    with pytest.raises(UnknownLayer, match=r"layer2\.0\.add"):
        needed(graph, "layer2.0.ad")
    halves = trace(SecondHalf(), (4, 2, 2))
    assert needed(halves, "sigmoid") == ("input", "chunk", "sigmoid")


class SecondHalf(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x.chunk(2, dim=1)[1])


@pytest.mark.parametrize("form", ["batch of two", "arrays without a batch"])
def test_maps_in_any_form_and_no_more_than_needed(form):
    module, x = SecondHalf(), picture(1, 4, 2, 2)
    graph = trace(module, (4, 2, 2))
    maps = capture(module, torch.cat([x, x + 9]), needed(graph, "sigmoid"))
    if form != "batch of two":
        maps = {path: tensor[0].numpy() for path, tensor in maps.items()}
    made = computed(module, graph, maps, "sigmoid", (1, 0, 1))
    assert made.parts.x == pytest.approx(float(x[0, 3, 0, 1]))
    assert made.difference < CLOSE


def test_a_place_that_the_layer_does_not_have():
    module, x = networks.construct("lenet5", device="cpu"), picture(1, 1, 32, 32)
    for place in [(6, 0, 0), (0, 0), (-1, 0, 0)]:
        with pytest.raises(BadOption, match="conv1 gives 6 x 28 x 28"):
            computed_for(module, x, "conv1", place)


def test_maps_that_are_missing_or_of_another_size():
    module, x = networks.construct("lenet5", device="cpu"), picture(1, 1, 32, 32)
    graph = trace(module, (1, 32, 32))
    with pytest.raises(BadOption, match="without the maps of input"):
        computed(module, graph, capture(module, x, ["conv1"]), "conv1", (0, 0, 0))
    maps = capture(module, x, ["input", "conv1"])
    with pytest.raises(BadOption, match=r"the shape \(1, 30, 32\), but the graph says \(1, 32, 32\)"):
        computed(module, graph, {**maps, "input": maps["input"][:, :, :30]}, "conv1", (0, 0, 0))


def test_what_depends_on_training_or_on_others_is_not_taken_apart():
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout()).train()
    found = everywhere(module, picture(1, 3, 4, 4))
    assert "the batch's own mean" in found["1"][0].parts.reason
    assert "call eval()" in found["2"][0].parts.reason
    found = everywhere(nn.Sequential(nn.GroupNorm(2, 4), nn.ConvTranspose2d(4, 2, 2)), picture(1, 4, 4, 4))
    assert found["0"][0].parts.reason == "0 is 'groupnorm', which isn't taken apart."
    assert "'convtranspose'" in found["1"][0].parts.reason


def test_the_pass_is_not_run_again():
    module, x = networks.construct("lenet5", device="cpu"), picture(1, 1, 32, 32)
    graph, maps = trace(module, (1, 32, 32)), capture(module, x)
    calls = []
    for child in module:
        child.register_forward_hook(lambda *_: calls.append(1))
    for layer in graph.layers:
        computed(module, graph, maps, layer.path, (0,) * len(layer.output_shape))
    assert len(calls) == 2  # flatten, on numbers that tell where they come from
