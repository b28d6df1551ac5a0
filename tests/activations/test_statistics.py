import weakref

import pytest
import torch
from foreign import Dense, Recurrent, SqueezeExcitation
from torch import Tensor, nn

from cnnviz import networks
from cnnviz.activations.capture import capture
from cnnviz.activations.statistics import statistics
from cnnviz.errors import UnknownLayer
from cnnviz.trace import trace
from cnnviz.weights import initialise


def built(key: str, **options: object) -> nn.Module:
    module = networks.construct(key, device="cpu", **options)
    initialise(module)
    return module


def picture(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("key", ["lenet5", "lenet5-1998", "alexnet-owt", "resnet20", "resnet50", "googlenet-bn"])
def test_every_layer_as_its_captured_map_has_it(key):
    # in-place operations overwrite maps: what is counted must be what the layer itself gave
    module, x = built(key), picture(1, *networks.card(key).input_shape)
    graph, maps = trace(module, tuple(x.shape[1:])), capture(module, x)
    found = statistics(module, x)
    assert [one.path for one in found] == [layer.path for layer in graph.layers if layer.op != "output"]
    for one in found:
        truth = maps[one.path][0]
        assert one.shape == graph.layer(one.path).output_shape
        assert (one.low, one.high) == (float(truth.min()), float(truth.max()))
        scale = float(truth.abs().mean()) + 1e-30
        assert one.mean == pytest.approx(float(truth.double().mean()), abs=1e-5 * scale)
        assert one.deviation == pytest.approx(float(truth.double().std(correction=0)), abs=1e-4 * scale)
        assert one.zeros == pytest.approx(float((truth == 0).double().mean()))
        if truth.dim() == 3 and truth[0].numel() > 1:
            assert one.dead == sum(len(channel.unique()) == 1 for channel in truth)


@pytest.mark.parametrize(
    ("network", "shape"), [(Dense, (4, 8, 8)), (SqueezeExcitation, (3, 8, 8)), (Recurrent, (4, 8, 8))]
)
def test_networks_of_others(network, shape):
    module, x = network().eval(), picture(1, *shape)
    graph = trace(module, shape)
    found = statistics(module, x, [layer.path for layer in graph.layers])
    assert [(one.path, one.op) for one in found] == [(layer.path, layer.op) for layer in graph.layers]


def test_where_the_signal_dies():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3), nn.AdaptiveAvgPool2d(1))
    module[0].bias.data[:6] = -100
    module[2].weight.data[3] = 0
    found = {one.path: one for one in statistics(module, picture(1, 3, 8, 8))}
    assert (found["0"].dead, found["0"].zeros) == (0, 0)
    assert (found["1"].dead, found["1"].dead_share) == (6, 0.75)
    assert 0.75 < found["1"].zeros < 1
    assert found["2"].dead == 1  # nothing but its bias
    assert found["3"].dead == 0  # one pixel is always the same everywhere


def test_no_map_is_kept():
    module, x = built("resnet18"), picture(1, 3, 64, 64)
    alive: list[weakref.ref[Tensor]] = []
    most = 0

    class Watched(nn.Module):
        def __init__(self, layer: nn.Module) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            out = self.layer(x)
            if not out.is_meta:
                alive.append(weakref.ref(out))
            return out

        def describe(self) -> tuple[str, dict[str, object]]:
            return "watched", {}

    for block in (module.layer1, module.layer2, module.layer3, module.layer4):
        for child in block:
            child.conv1 = Watched(child.conv1)

    def counted(*_: int) -> None:
        nonlocal most
        most = max(most, sum(ref() is not None for ref in alive))

    statistics(module, x, on_step=counted)
    assert len(alive) == 8
    assert most <= 2


def test_it_stops_after_the_last_layer_asked_for():
    steps: list[tuple[int, int]] = []
    found = statistics(built("resnet18"), picture(1, 3, 64, 64), ["conv1"], on_step=lambda *step: steps.append(step))
    assert [one.path for one in found] == ["conv1"]
    assert steps == [(1, 2), (2, 2)]
    with pytest.raises(UnknownLayer, match="'conv1'"):
        statistics(built("resnet18"), picture(1, 3, 64, 64), ["conv"])
