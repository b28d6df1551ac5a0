import sys
import threading
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from foreign import Dense, Functional, PreActivation, Recurrent, SqueezeExcitation, is_layer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from cnnviz import networks
from cnnviz.errors import BadOption, ShapeMismatch, Untraceable
from cnnviz.graph import LayerGraph
from cnnviz.recorder import follow
from cnnviz.trace import Followed, trace


def shortcuts(graph: LayerGraph) -> Counter[str]:
    return Counter(edge.role for edge in graph.edges if edge.role != "main")


def roles_into(graph: LayerGraph, path: str) -> list[tuple[str, str]]:
    return [(edge.source, edge.role) for edge in graph.incoming(path)]


# --- every network of the catalogue


@pytest.mark.parametrize("key", networks.cards())
def test_every_shape_is_that_of_a_real_forward_pass(key):
    """The formulas against PyTorch itself, on the meta device, at the network's own size and another."""
    module = networks.construct(key, device="meta")
    channels, side, _ = networks.card(key).input_shape
    for size in (side, side + 32) if "pool5" not in dict(module.named_modules()) and side > 40 else (side,):
        try:
            program = follow(module, (2, channels, size, size))
        except ShapeMismatch:
            assert size != side
            continue
        real: dict[str, list[tuple[int, ...]]] = {}
        hooks = [
            leaf.register_forward_hook(
                lambda _m, _i, out, name=name, real=real: real.setdefault(name, []).append(tuple(out.shape))
            )
            for name, leaf in module.named_modules()
            if is_layer(leaf)
        ]
        with torch.no_grad():
            module(torch.empty(2, channels, size, size, device="meta"))
        for hook in hooks:
            hook.remove()
        followed: dict[str, list[tuple[int, ...]]] = {}
        for step in program.steps:
            if step.module is not None:
                followed.setdefault(step.module, []).append(step.shapes[()])
        assert followed == real


@pytest.mark.parametrize(
    ("key", "identities", "projections"),
    [("resnet18", 5, 3), ("resnet34", 13, 3), ("resnet50", 12, 4), ("resnet152", 46, 4), ("resnet56", 25, 2)],
)
def test_residual_networks_have_the_papers_shortcuts(key, identities, projections):
    graph = trace(networks.construct(key), networks.card(key).input_shape)
    assert shortcuts(graph) == {"identity": identities, "projection": projections}


@pytest.mark.parametrize(("shortcut", "projections"), [("A", 3), ("B", 3), ("C", 8)])
def test_options_of_he_et_al_keep_their_roles(shortcut, projections):
    graph = trace(networks.construct("resnet18", shortcut=shortcut), (3, 224, 224))
    assert shortcuts(graph)["projection"] == projections
    assert shortcuts(graph)["identity"] == 8 - projections


@pytest.mark.parametrize("key", ["googlenet", "googlenet-bn"])
def test_googlenet_has_nine_concats_of_four_arms(key):
    graph = trace(networks.construct(key), (3, 224, 224))
    concats = [layer for layer in graph.layers if layer.op == "concat"]
    assert len(concats) == 9
    assert all([edge.role for edge in graph.incoming(layer.path)] == ["branch"] * 4 for layer in concats)
    assert graph.layer("inception3a.concat").output_shape == (256, 28, 28)
    assert [block.kind for block in graph.blocks if block.path.startswith("inception")].count("inception") == 9


def test_plain_networks_have_no_shortcut():
    assert shortcuts(trace(networks.construct("plain34"), (3, 224, 224))) == {}


@pytest.mark.parametrize("training", [False, True])
def test_heads_appear_in_train_and_eval_alike(training):
    module = networks.construct("googlenet", heads=True).train(training)
    graph = trace(module, (3, 224, 224))
    assert {layer.path for layer in graph.layers if layer.op == "output"} == {
        "output.logits",
        "output.aux1",
        "output.aux2",
    }
    assert graph.totals.params == 13_378_280
    assert graph.unused == ()


# --- networks of others, counted by hand


def test_pre_activation_residual_network():
    graph = trace(PreActivation(), (3, 32, 32))
    assert shortcuts(graph) == {"identity": 1, "projection": 1}
    assert roles_into(graph, "block1.add") == [("block1.conv2", "main"), ("block1.shortcut", "projection")]
    assert roles_into(graph, "block2.add") == [("block2.conv2", "main"), ("block1.add", "identity")]
    assert [edge.source for edge in graph.incoming("block1.shortcut")] == ["block1.relu"]
    assert graph.layer("block1.relu_2").input_shapes == ((16, 16, 16),)
    assert graph.layer("block2.add").output_shape == (16, 16, 16)
    # stem 216; block1 16 + 1152 + 32 + 2304 + 128; block2 32 + 2304 + 32 + 2304
    assert graph.totals.params == 216 + 3632 + 4672
    # 32² · 216 + 16² · (1152 + 2304 + 128) + 16² · 4608
    assert graph.totals.macs == 221_184 + 917_504 + 1_179_648
    assert [(block.path, block.kind) for block in graph.blocks] == [
        ("block1", "residual"),
        ("block2", "residual"),
    ]


def test_densely_connected_network():
    graph = trace(Dense(), (4, 8, 8))
    assert roles_into(graph, "concat_3") == [
        ("input", "branch"),
        ("layers.0", "branch"),
        ("layers.1", "branch"),
    ]
    assert [graph.layer(f"layers.{i}").input_shapes for i in range(3)] == [
        ((4, 8, 8),),
        ((10, 8, 8),),
        ((16, 8, 8),),
    ]
    assert graph.layer("concat_4").output_shape == (22, 8, 8)
    assert graph.totals.params == 9 * 6 * (4 + 10 + 16) + 3 * 6
    # a concat of one tensor is no join
    assert roles_into(graph, "concat") == [("input", "main")]


def test_squeeze_and_excitation_gate():
    graph = trace(SqueezeExcitation(), (3, 8, 8))
    assert roles_into(graph, "block.gate.mul") == [("block.conv", "main"), ("block.gate.reshape", "gate")]
    assert roles_into(graph, "block.add") == [("block.gate.mul", "main"), ("stem", "identity")]
    assert graph.layer("block.gate.reduce").output_shape == (4,)
    # stem 448, conv 2320, gate 68 + 80
    assert graph.totals.params == 448 + 2320 + 148
    assert {block.path: block.kind for block in graph.blocks} == {"block": "residual", "block.gate": "gated"}
    # the gate sees everything, so what it scales does, too
    assert graph.layer("block.conv").receptive_field is not None
    assert graph.layer("block.gate.mul").receptive_field is None


def test_an_empty_sequential_is_no_layer():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.shortcut = nn.Conv2d(4, 4, 3, padding=1), nn.Sequential()

        def forward(self, x):
            return self.conv(x) + self.shortcut(x)

    graph = trace(Block(), (4, 8, 8))
    assert [layer.op for layer in graph.layers] == ["input", "conv", "add", "output"]
    assert [edge.role for edge in graph.incoming("add")] == ["main", "identity"]


def test_a_module_called_again_counts_its_parameters_once_and_its_work_each_time():
    graph = trace(Recurrent(), (4, 8, 8))
    assert [layer.path for layer in graph.layers] == [
        "input",
        *("block.conv", "block.relu", "block.relu#2"),
        *("block#2.conv", "block#2.relu", "block#2.relu#2"),
        *("block#3.conv", "block#3.relu", "block#3.relu#2"),
        "output",
    ]
    assert [graph.layer(path).params for path in ("block.conv", "block#2.conv", "block#3.conv")] == [
        148,
        0,
        0,
    ]
    assert graph.layer("block#2.conv").shared_with == "block.conv"
    assert graph.totals.macs == 3 * 64 * 144
    assert graph.unused == (("spare.weight", 6), ("spare.bias", 2))


def test_a_parameter_by_two_names_in_one_layer_counts_once():
    layer = nn.Linear(3, 4)
    layer.also = layer.weight
    described = trace(nn.Sequential(layer), (3,)).layer("0")
    assert (described.params, described.trainable_params, described.shared_with) == (16, 16, None)


def test_functional_calls_and_parameters_of_their_own():
    graph = trace(Functional(), (3, 16, 16))
    assert graph.layer("conv").params == 108
    assert graph.layer("mul").params == 4
    assert graph.layer("conv_2").params == 148  # through the product with its mask
    assert graph.layer("conv_2").output_shape == (4, 7, 7)
    assert graph.layer("concat").output_shape == (6, 7, 7)
    assert graph.layer("output.map").input_shapes == ((3, 7, 7),)
    assert graph.layer("output.high").input_shapes == ((7, 7),)
    assert graph.unused == ()
    assert trace(Functional(), (3, 8, 8)).layer("output.map").input_shapes == ((6, 3, 3),)


def test_readers_of_a_tensor_overwritten_in_place_hang_on_what_overwrote_it():
    class Overwriting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, kernel_size=3, padding=1)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            z = self.relu(y)
            return z + y  # y is z by now

    graph = trace(Overwriting(), (3, 8, 8))
    assert [edge.source for edge in graph.incoming("add")] == ["relu", "relu"]


def test_one_layer_is_a_network_too():
    graph = trace(nn.Conv2d(3, 8, kernel_size=3), (3, 8, 8))
    assert [layer.path for layer in graph.layers] == ["input", "conv", "output"]


def flops_by_pytorch(module: nn.Module, x: Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(x)
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Sequential(nn.Conv1d(3, 8, kernel_size=3), nn.MaxPool1d(2), nn.AvgPool1d(2)), (3, 20)),
        (nn.Sequential(nn.Conv3d(2, 4, kernel_size=3, padding=1), nn.AvgPool3d(2)), (2, 6, 6, 6)),
        (nn.Sequential(nn.ConvTranspose2d(4, 6, kernel_size=2, stride=2), nn.Conv2d(6, 2, kernel_size=1)), (4, 5, 5)),
        (nn.Sequential(nn.Conv2d(4, 8, kernel_size=3, padding=2, dilation=2, groups=4), nn.ReLU6()), (4, 9, 9)),
        (nn.Sequential(nn.Unflatten(1, (5, 3)), nn.Flatten(0, 1), nn.Conv2d(3, 4, kernel_size=3)), (15, 6, 6)),
        (nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.LocalResponseNorm(3), nn.Conv2d(3, 2, kernel_size=3)), (3, 6, 6)),
        (nn.Sequential(nn.Conv2d(3, 4, kernel_size=3, padding="same", padding_mode="reflect"), nn.GELU()), (3, 6, 6)),
    ],
)
def test_any_rank_of_convolution_counts_what_pytorch_counts(module, shape):
    """Also where a forward has put more than the batch first, as video networks do."""
    graph = trace(module, shape)
    x = torch.randn(1, *shape)
    assert graph.totals.flops == flops_by_pytorch(module, x)
    real = tuple(module(x).shape)
    assert graph.layer("output").output_shape == (real[1:] if real[0] == 1 else real)


class Unpooling(nn.Module):
    """SegNet's: pooling gives its places along."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(kernel_size=2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        pooled, places = self.pool(x)
        return self.unpool(pooled, places)


class Expanded(nn.Module):
    """The gate as many write it: expanded before the product."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Conv2d(3, 3, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(F.adaptive_avg_pool2d(x, 1)).sigmoid().expand_as(x)


class Listed(nn.Module):
    """Children kept in a list of its own as well."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, kernel_size=1), nn.Sequential(nn.Conv2d(3, 3, kernel_size=1))
        self.stages = [self.a, self.b]

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return x


class Padded(nn.Module):
    """Option A written out, with a constant made of a map; random numbers and the input's device and type used."""

    def forward(self, x: Tensor) -> Tensor:
        y = x[:, :, ::2, ::2]
        y = torch.cat([y, y.new_zeros(y.shape)], dim=1)
        ramp = torch.linspace(0, 1, y.shape[-1], dtype=x.dtype, device=x.device.type)
        return y + ramp


def test_what_others_write():
    assert trace(Unpooling(), (2, 8, 8)).layer("output").output_shape == (2, 8, 8)
    assert roles_into(trace(Expanded(), (3, 8, 8)), "mul") == [("input", "main"), ("sigmoid", "gate")]
    assert [layer.path for layer in trace(Listed(), (3, 4, 4)).layers] == ["input", "a", "b.0", "output"]
    padded = trace(Padded(), (3, 8, 8))
    assert roles_into(padded, "concat") == [("slice", "main")]
    assert padded.layer("concat").receptive_field.stride == (2, 2)


class BySize(nn.Module):
    """Pools as often as the input is large."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        while x.shape[-1] > 4:
            x = self.pool(x)
        return x


class Tied(nn.Module):
    """One kernel by two names, called by the second."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(3, 3, kernel_size=3, bias=False) for _ in range(2))
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) + F.conv2d(x, self.second.weight)


class Several(nn.Module):
    """A tensor for each row: as many as the input has."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(x.unbind(2), dim=-1)


@pytest.mark.parametrize("key", networks.cards())
def test_a_network_followed_once_is_the_same_at_any_size(key, monkeypatch):
    module = networks.construct(key, device="meta")
    channels, height, width = networks.card(key).input_shape
    others = [(channels, height + 32, width + 64), (channels, height, width)]
    expected = [outcome(lambda shape=shape: trace(module, shape)) for shape in others]
    followed = Followed(module)
    followed.at((channels, height, width))
    if not any(isinstance(graph, str) for graph in expected):
        monkeypatch.setattr(sys.modules[Followed.__module__], "follow", None)  # from now on it isn't needed
    assert [outcome(lambda shape=shape: followed.at(shape)) for shape in others] == expected


def outcome(graph: Callable[[], LayerGraph]) -> LayerGraph | str:
    try:
        return graph()
    except ShapeMismatch as error:
        return str(error)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (PreActivation, (3, 32, 32)),
        (Dense, (4, 8, 8)),
        (SqueezeExcitation, (3, 8, 8)),
        (Recurrent, (4, 8, 8)),
        (Functional, (3, 16, 16)),
        (Unpooling, (2, 8, 8)),
        (Expanded, (3, 8, 8)),
        (Padded, (3, 8, 8)),
        (BySize, (3, 16, 16)),
        (Tied, (3, 8, 8)),
        (Several, (3, 4, 4)),
        (lambda: nn.Sequential(nn.Unflatten(1, (5, 3)), nn.Flatten(0, 1), nn.Conv2d(3, 4, kernel_size=3)), (15, 6, 6)),
        (lambda: nn.Conv2d(3, 4, kernel_size=3, padding="same", padding_mode="reflect"), (3, 6, 6)),
    ],
)
def test_what_others_write_is_the_same_at_any_size(make, shape):
    """Also where the forward asks for the size, or gives as many tensors as it is large."""
    module = make()
    followed = Followed(module)
    for size in (shape, (shape[0], 2 * shape[1], 2 * shape[2]), (shape[0], shape[1], 2 * shape[2]), shape):
        assert followed.at(size) == trace(module, size)


def test_following_leaves_random_numbers_and_memory_alone():
    class Noisy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.rand(1) + torch.zeros(1, 3, *x.shape[2:])

    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    trace(Noisy(), (3, 20_000, 20_000))  # would be 4.8 GB
    assert torch.equal(torch.rand(1), expected)


def test_following_within_inference_mode():
    with torch.inference_mode():
        assert trace(SqueezeExcitation(), (3, 8, 8)) == trace(SqueezeExcitation(), (3, 8, 8))


def test_a_compiled_module_is_followed_as_what_it_was():
    module = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3))
    assert trace(torch.compile(module), (3, 8, 8)).layers == trace(module, (3, 8, 8)).layers


# --- what can't be followed


class Decides(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Assigns(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = x * 2
        x[:, 0] = 0
        return x


class ReadsAStaleView(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = x * 2
        flat = x.flatten(1)
        x.relu_()
        return flat


class Ignores(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.ones(3)


@torch.jit.script
def swish(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


class Scripted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + swish(x)


def replaced() -> nn.Module:
    module = nn.Sequential(nn.ReLU())
    module[0].forward = lambda x: x * 2
    return module


class Fails(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), Decides())

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Scripted(), ["out of sight", "write that part in Python"]),
        (replaced(), ["0 has had its forward replaced"]),
        (nn.Sequential(nn.LazyConv2d(4, kernel_size=3)), ["0 has no parameters yet"]),
        (Decides(), ["Decides decides by the values", "line", "test_trace.py"]),
        (Fails(), ["inner.1 decides by the values"]),
        (Assigns(), ["Assigns writes into part of a tensor", "torch.where"]),
        (ReadsAStaleView(), ["overwritten in place", "out-of-place"]),
        (Ignores(), ["doesn't depend on its input"]),
    ],
)
def test_what_cannot_be_followed_is_named_with_its_place(module, words):
    with pytest.raises(Untraceable) as caught:
        trace(module, (3, 8, 8))
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((1, 20, 20), "0 needs 3 channels, but gets 1."),
        ((3, 2, 2), "0 needs maps of at least 3 x 3, but gets 2 x 2."),
        (
            (3, 20, 20),
            "4 needs 6 x 3 x 3 maps, but a 20 x 20 input gives 6 x 9 x 9.",
        ),
        ((3, 3, 3), "1 needs maps of at least 2 x 2, but gets 1 x 1 from a 3 x 3 input."),
    ],
)
def test_an_input_that_does_not_fit_names_the_layer_what_it_got_and_what_it_needs(shape, sentence):
    module = nn.Sequential(
        nn.Conv2d(3, 6, kernel_size=3),
        nn.MaxPool2d(kernel_size=2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(54, 10),
    )
    with pytest.raises(ShapeMismatch) as caught:
        trace(module, shape)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("norm", "sentence"),
    [
        (nn.BatchNorm2d(16), "1 needs 16 channels, but gets 8 from a 6 x 6 input."),
        (nn.GroupNorm(4, 12), "1 needs 12 channels, but gets 8 from a 6 x 6 input."),
        (nn.LayerNorm([8, 5, 5]), "1 needs 8 x 5 x 5 values at the end, but gets 8 x 4 x 4 from a 6 x 6 input."),
    ],
)
def test_a_norm_that_does_not_fit_is_named(norm, sentence):
    with pytest.raises(ShapeMismatch) as caught:
        trace(nn.Sequential(nn.Conv2d(3, 8, kernel_size=3), norm), (3, 6, 6))
    assert str(caught.value) == sentence


def test_a_mistake_of_ours_is_not_blamed_on_the_network(monkeypatch):
    monkeypatch.setattr("cnnviz.operations._SIGNATURES", None)
    with pytest.raises(AttributeError):
        trace(SqueezeExcitation(), (3, 8, 8))


def test_an_impossible_shape_is_refused():
    with pytest.raises(BadOption, match="must be at least 1"):
        trace(nn.ReLU(), (3, 0, 5))


# --- threads


def test_tracing_from_eight_threads_beside_forward_passes():
    module = networks.construct("resnet20", device="cpu")
    expected = trace(module, (3, 32, 32))
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        truth = module(x)
    wrong: list[object] = []

    def work(number: int) -> None:
        for _ in range(4):
            if number % 2:
                if trace(module, (3, 32, 32)) != expected:
                    wrong.append("graph")
            else:
                with torch.no_grad():
                    if not torch.equal(module(x), truth):
                        wrong.append("pass")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
