import threading

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from captum.attr import Occlusion as CaptumOcclusion
from foreign import SqueezeExcitation
from torch import Tensor, nn

from cnnviz import networks
from cnnviz.activations.attribution import grad_cam, occlusion
from cnnviz.activations.capture import capture
from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.training.loop import logits
from cnnviz.weights import initialise


def built(key: str, **options: object) -> nn.Module:
    module = networks.construct(key, device="cpu", **options)
    initialise(module)
    return module


def picture(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


class Negated(nn.Module):
    """Captum's idea of the score is the output itself; of distances, the smallest wins."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return -self.module(x)


# where the layer's maps are overwritten by what follows: "in place"
@pytest.mark.parametrize(
    ("key", "side", "path", "module_path"),
    [
        ("lenet5", 32, "conv2", "conv2"),
        ("lenet5-1998", 32, "c3", "c3"),
        ("alexnet", 227, "conv5", "conv5"),
        ("alexnet-owt", 224, "features.10", "features.10"),  # in place
        ("vgg11", 64, "features.18", "features.18"),  # in place
        ("resnet18", 96, "layer4.1.conv2", "layer4.1.conv2"),
        ("resnet18", 96, "layer4.1.bn2", "layer4.1.bn2"),  # in place, by an addition
        ("resnet18", 96, "layer3.0.downsample.1", "layer3.0.downsample.1"),
        ("resnet18", 96, "layer2.1.relu#2", "layer2.1"),
        ("resnet20", 32, "layer3.2.relu#2", "layer3"),
        ("googlenet", 224, "inception4d.concat", "inception4d"),
        ("googlenet-bn", 96, "inception5b.branch2.1.bn", "inception5b.branch2.1.bn"),  # in place
    ],
)
def test_grad_cam_agrees_with_captum(key, side, path, module_path):
    module = built(key)
    x = picture(1, networks.card(key).input_shape[0], side, side)
    plain = Negated(module) if key == "lenet5-1998" else logits(module)
    layer = module.get_submodule(module_path)
    for target in (0, 7):
        truth = LayerGradCam(plain, layer).attribute(x, target=target)[0, 0].detach().numpy()
        ours = grad_cam(module, x, path, target)
        assert ours.signed.shape == truth.shape
        assert np.abs(ours.signed - truth).max() <= 1e-4 * np.abs(truth).max()
        assert np.array_equal(ours.heat, np.where(ours.signed > 0, ours.signed, 0))


def test_the_winner_is_the_default_and_its_score_comes_along():
    module, x = built("resnet20"), picture(1, 3, 32, 32)
    with torch.no_grad():
        logits = module(x)[0]
    found = grad_cam(module, x, "layer3.2.add")
    assert found.target == int(logits.argmax())
    assert found.score == pytest.approx(float(logits.max()))
    distances = built("lenet5-1998")
    x = picture(1, 1, 32, 32)
    with torch.no_grad():
        assert grad_cam(distances, x, "c3").target == int(distances(x).argmin())


def test_the_softmax_is_left_out():
    module, x = built("lenet5"), picture(1, 1, 32, 32)
    scores = capture(module, x, ["fc2"])["fc2"][0]
    assert grad_cam(module, x, "conv1", 4).score == pytest.approx(float(scores[4]))
    assert occlusion(module, x, 4, size=8, stride=16).score == pytest.approx(float(scores[4]))


def test_a_branch_counts_for_what_passes_through_it():
    module, x = built("googlenet", heads=True, classes=5), picture(1, 3, 224, 224)
    assert grad_cam(module, x, "inception3a.concat", 2).heat.shape == (28, 28)
    with pytest.raises(BadOption, match=r"don't depend on aux1\.conv"):
        grad_cam(module, x, "aux1.conv", 2)


def test_in_inference_mode_beside_other_threads_and_without_a_trace():
    module = built("resnet20")
    pictures = [picture(1, 3, 32, 32) * (number + 1) for number in range(4)]
    truth = [grad_cam(module, x, "layer3.0.add", 1).signed for x in pictures]
    wrong: list[int] = []

    def work(number: int) -> None:
        with torch.inference_mode():
            for _ in range(3):
                if not np.array_equal(grad_cam(module, pictures[number], "layer3.0.add", 1).signed, truth[number]):
                    wrong.append(number)
                if torch.is_grad_enabled():
                    wrong.append(-1)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert torch.is_grad_enabled()
    assert all(p.grad is None and p.requires_grad for p in module.parameters())


def test_what_cannot_be_asked():
    module, x = built("lenet5"), picture(1, 1, 32, 32)
    with pytest.raises(UnknownLayer, match="'conv1'"):
        grad_cam(module, x, "conv")
    with pytest.raises(BadOption, match="needs a layer with maps, but fc1 gives 84"):
        grad_cam(module, x, "fc1")
    with pytest.raises(BadOption, match="class 10, but there are 10, from 0 to 9"):
        grad_cam(module, x, "conv1", 10)
    with pytest.raises(BadOption, match="gives no scores of classes, but 16 x 8 x 8"):
        grad_cam(SqueezeExcitation(), picture(1, 3, 8, 8), "stem")
    with pytest.raises(BadOption, match="stride=0"):
        occlusion(module, x, stride=0)


# --- occlusion -------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["lenet5-1998", "resnet20"])
def test_occlusion_agrees_with_captum(key):
    module = built(key)
    x = picture(1, networks.card(key).input_shape[0], 32, 32)
    plain = Negated(module) if key == "lenet5-1998" else module
    window = (x.shape[1], 8, 8)
    truth = CaptumOcclusion(plain).attribute(x, window, strides=(x.shape[1], 8, 8), target=3, baselines=0.5)
    found = occlusion(module, x, 3, size=8, stride=8, fill=0.5, batch=5)
    # each pixel of Captum's is that of the one square that covers it
    assert found.drop == pytest.approx(truth[0, 0, ::8, ::8].detach().numpy(), rel=1e-4, abs=1e-5)
    assert found.complete


def test_squares_lie_around_the_middle_of_their_cells():
    class Counts(nn.Module):
        """Says how many pixels are left of each of four quarters."""

        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.avg_pool2d(x, 5, divisor_override=1).flatten(1)

    found = occlusion(Counts(), torch.ones(1, 1, 10, 10), 0, size=4, stride=2, batch=4)
    assert found.drop.shape == (5, 5)
    # rows -1 to 2, 1 to 4, 3 to 6, …: three, four, two of the first five
    assert found.drop[0].tolist() == [9, 12, 6, 0, 0]
    assert found.drop[:, 1].tolist() == [12, 16, 8, 0, 0]
    assert found.score == 25


def test_progress_and_stopping():
    module, x = built("lenet5"), picture(1, 1, 32, 32)
    steps: list[tuple[int, int]] = []
    whole = occlusion(module, x, 1, size=8, stride=8, batch=6, on_step=lambda *step: steps.append(step))
    assert steps == [(6, 16), (12, 16), (16, 16)]
    part = occlusion(
        module, x, 1, size=8, stride=8, batch=6, stop=lambda: len(steps) >= 4, on_step=lambda *s: steps.append(s)
    )
    assert not part.complete
    assert np.isnan(part.drop.ravel()).tolist() == [False] * 6 + [True] * 10
    assert np.array_equal(part.drop.ravel()[:6], whole.drop.ravel()[:6])


def test_the_picture_is_left_as_it_was():
    x = picture(1, 1, 32, 32)
    before = x.clone()
    occlusion(built("lenet5"), x)
    grad_cam(built("lenet5"), x, "conv1")
    assert torch.equal(x, before)
