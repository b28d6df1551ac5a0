import gc
import weakref

import pytest
import torch
from torch import Tensor, nn

import cnnviz
from cnnviz.activations import prepared as prepared_module
from cnnviz.activations.capture import capture


@pytest.fixture
def followed(monkeypatch):
    """The shapes that forwards were followed for."""
    shapes: list[tuple[int, ...]] = []
    original = prepared_module.follow
    monkeypatch.setattr(
        prepared_module, "follow", lambda module, shape, dtype: shapes.append(shape) or original(module, shape, dtype)
    )
    return shapes


def picture(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout()).eval()


def check(module: nn.Module, x: Tensor) -> None:
    """A capture gives what the module does now."""
    with torch.no_grad():
        torch.manual_seed(5)
        plain = module(x)
        torch.manual_seed(5)
        assert torch.equal(capture(module, x, ["output"])["output"], plain)


@pytest.mark.parametrize("key", ["lenet5", "resnet20", "resnet18"])
def test_a_forward_is_followed_once_a_shape(key, followed):
    module = cnnviz.build(key, weights="random")
    channels = 1 if key == "lenet5" else 3
    for size in (32, 32, 64, 32) if key != "lenet5" else (32, 32):
        capture(module, picture(1, channels, size, size), ["input"])
    assert len(followed) == len(set(followed))


def in_training(module):
    module.train()


def another_layer(module):
    module[2] = nn.Tanh()


def one_layer_more(module):
    module.append(nn.Conv2d(4, 2, kernel_size=1))


def other_parameters(module):
    module[0].weight = nn.Parameter(torch.zeros_like(module[0].weight))


def in_place(module):
    module[2].inplace = True


def another_stride(module):
    module[0].stride = (2, 2)


@pytest.mark.parametrize(
    "change", [in_training, another_layer, one_layer_more, other_parameters, in_place, another_stride]
)
def test_what_has_changed_is_followed_again(change):
    module, x = small(), picture(2, 3, 9, 9)
    check(module, x)
    change(module)
    check(module, x)


def test_new_values_of_parameters_need_no_following(followed):
    module, x = small(), picture(1, 3, 9, 9)
    check(module, x)
    with torch.no_grad():
        module[0].weight.mul_(2)
    check(module, x)
    assert len(followed) == 1


def test_hooks_put_on_and_taken_off_are_minded():
    module, x = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.ReLU(inplace=True)), picture(1, 3, 9, 9)
    check(module, x)
    hook = module[1].register_forward_hook(lambda *_: torch.ones(1, 4, 7, 7))
    assert capture(module, x)["1"].mean() == 1
    hook.remove()
    check(module, x)


class Switched(nn.Module):
    def __init__(self, settings: object) -> None:
        super().__init__()
        self.conv, self.settings = nn.Conv2d(3, 4, kernel_size=3), settings

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        shift = self.settings["shift"] if isinstance(self.settings, dict) else self.settings.shift
        return x + 1 if shift else x


class Settings:
    shift = False


def test_settings_that_change_unseen_or_deep_within():
    x = picture(1, 3, 9, 9)
    by_object, by_dict = Switched(Settings()), Switched({"shift": False})
    for module in (by_object, by_dict):
        check(module, x)
    by_object.settings.shift = True
    by_dict.settings["shift"] = True
    for module in (by_object, by_dict):
        check(module, x)


def test_a_module_is_not_held_on_to():
    for module in (small(), nn.Conv2d(3, 4, kernel_size=3)):
        capture(module, picture(1, 3, 9, 9))
        gone = weakref.ref(module)
        del module
        gc.collect()
    assert gone() is None


def test_an_in_place_relu_on_what_is_kept_writes_elsewhere_and_later_writes_find_it():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, kernel_size=3),
        nn.ReLU(inplace=True),
        nn.Hardtanh(0.1, 0.2, inplace=True),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 2, kernel_size=1),
        nn.ReLU(inplace=True),
    )
    x = picture(1, 3, 9, 9)
    steps = [x]
    with torch.no_grad():
        for layer in module:
            steps.append(layer(steps[-1].clone()))
            steps[-1] = steps[-1].clone()
    for chosen in (None, ["0"], ["1", "3"], ["0", "4"], ["2", "5"], ["5"]):
        maps = capture(module, x, chosen)
        assert all(torch.equal(maps[str(n)], steps[n + 1]) for n in range(6) if str(n) in maps)
