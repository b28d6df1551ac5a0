import threading

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cnnviz import networks
from cnnviz.activations.field import effective_field, extent
from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.trace import trace
from cnnviz.weights import initialise


def built(key: str) -> nn.Module:
    module = networks.construct(key, device="cpu")
    initialise(module)
    return module


def picture(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_of_a_single_convolution_it_is_the_kernel():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3, stride=2, padding=1))
    strength = effective_field(module, picture(1, 3, 9, 9), "0", (2, 1, 2))
    assert np.array_equal(strength[1:4, 3:6], module[0].weight.detach()[2].abs().sum(0).numpy())
    assert extent(strength, 0) == (1, 3, 4, 6)
    assert np.count_nonzero(strength) == 9


@pytest.mark.parametrize("key", networks.cards())
def test_nothing_lies_outside_the_theoretical_window(key):
    # the first layers see windows smaller than the picture: the last of those, in a corner and in the middle
    channels, side, _ = networks.card(key).input_shape
    module = networks.construct(key, device="cpu", **({} if key == "lenet5-1998" else {"classes": 3}))
    graph = trace(module, (channels, side, side))
    seen = [
        layer
        for layer in graph.layers
        if (field := layer.receptive_field) and max(field.size) < side * 0.3 and layer.op in ("conv", "add")
    ]
    layer = seen[-1]
    _, height, width = layer.output_shape
    for place in [(0, 0, 0), (1, height // 2, width // 2)]:
        strength = effective_field(module, picture(1, channels, side, side), layer.path, place)
        top, left, bottom, right = graph.seen_by(layer.path, place)
        assert (bottom - top) * (right - left) < side * side
        inside = strength[top:bottom, left:right]
        assert inside.any()
        assert np.count_nonzero(strength) == np.count_nonzero(inside)


def test_the_effective_field_is_smaller_than_the_theoretical_one():
    # Luo et al. 2016: it grows with the square root of the depth only, and weighs like a Gaussian
    module, x = built("resnet20"), picture(1, 3, 32, 32)
    graph = trace(module, (3, 32, 32))
    place = (0, 16, 16)
    window = graph.seen_by("layer1.2.conv2", place)
    mean = sum(effective_field(module, x, "layer1.2.conv2", (channel, 16, 16)) for channel in range(8))
    assert window == (9, 9, 24, 24)
    assert mean[14:19, 14:19].sum() > mean.sum() * 0.4  # of 225 pixels the middle 25
    assert mean[9:24, 9:24].sum() == pytest.approx(mean.sum())


def test_the_window_is_clipped_to_the_picture():
    graph = trace(networks.construct("vgg11"), (3, 224, 224))
    assert graph.seen_by("features.0", (0, 0, 0)) == (0, 0, 2, 2)
    assert graph.seen_by("features.0", (0, 223, 100)) == (222, 99, 224, 102)
    assert graph.seen_by("classifier.0", (5,)) == (0, 0, 224, 224)
    with pytest.raises(UnknownLayer):
        graph.seen_by("features.99", (0, 0, 0))


def test_a_vector_sees_the_whole_picture():
    strength = effective_field(built("lenet5"), picture(1, 1, 32, 32), "softmax", (3,))
    assert strength.shape == (32, 32)
    assert np.count_nonzero(strength) > 900


def test_a_unit_that_is_off_sees_nothing():
    module = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU(inplace=True))
    nn.init.constant_(module[0].bias, -1e3)
    strength = effective_field(module, picture(1, 1, 8, 8), "1", (0, 2, 2))
    assert extent(strength) == (0, 0, 0, 0)


def test_in_inference_mode_and_with_tensors_of_it():
    x = picture(1, 3, 32, 32)
    truth = effective_field(built("resnet20"), x, "layer2.0.add", (3, 4, 4))
    with torch.inference_mode():
        made_there = built("resnet20")
        assert np.array_equal(effective_field(made_there, x + 0, "layer2.0.add", (3, 4, 4)), truth)
        assert torch.is_inference_mode_enabled()
    assert np.array_equal(effective_field(made_there, x, "layer2.0.add", (3, 4, 4)), truth)


def test_beside_other_threads_and_without_a_trace():
    module = built("resnet20")
    pictures = [picture(1, 3, 32, 32) * (number + 1) for number in range(4)]
    truth = [effective_field(module, x, "layer3.0.add", (1, 2, 2)) for x in pictures]
    with torch.inference_mode():
        plain = [module(x) for x in pictures]
    wrong: list[str] = []

    def gradients(number: int) -> None:
        for _ in range(3):
            if not np.array_equal(effective_field(module, pictures[number], "layer3.0.add", (1, 2, 2)), truth[number]):
                wrong.append("gradient")

    def passes(number: int) -> None:
        with torch.inference_mode():
            for _ in range(5):
                if not torch.equal(module(pictures[number]), plain[number]):
                    wrong.append("pass")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4) for work in (gradients, passes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert not any(x.requires_grad for x in pictures)


class Cut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach() * 2


def test_what_cannot_be_asked():
    module, x = built("lenet5"), picture(1, 1, 32, 32)
    with pytest.raises(UnknownLayer, match="'conv1'"):
        effective_field(module, x, "conv", (0, 0, 0))
    with pytest.raises(BadOption, match="conv1 gives 6 x 28 x 28"):
        effective_field(module, x, "conv1", (0, 28, 0))
    with pytest.raises(BadOption, match="No gradient gets from mul to the input"):
        effective_field(Cut(), x, "mul", (0, 0, 0))
    with pytest.raises(BadOption, match="a batch is needed"):
        effective_field(module, x[0, 0, 0], "conv1", (0, 0, 0))
