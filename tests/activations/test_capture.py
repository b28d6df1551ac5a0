import threading

import pytest
import torch
from foreign import Dense, Functional, PreActivation, Recurrent, SqueezeExcitation, is_layer
from torch import Tensor, nn

from cnnviz import networks
from cnnviz.activations.capture import capture
from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.weights import initialise

LIGHT = [
    "lenet5",
    "lenet5-1998",
    "resnet18",
    "resnet20",
    "plain20",
    "googlenet",
    "googlenet-bn",
    "resnet18-printed",
]


def built(key: str, **options: object) -> nn.Module:
    module = networks.construct(key, device="cpu", **options)
    initialise(module)
    return module


def picture(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def outputs_of_leaves(module: nn.Module, x: Tensor) -> tuple[dict[str, Tensor], object]:
    """Each leaf's output as a plain forward pass has it the moment it is made: the oracle, by hooks."""
    seen: dict[str, list[Tensor]] = {}
    hooks = [
        leaf.register_forward_hook(lambda _m, _i, out, name=name: seen.setdefault(name, []).append(out.clone()))
        for name, leaf in module.named_modules()
        if is_layer(leaf)
    ]
    with torch.no_grad():
        result = module(x)
    for hook in hooks:
        hook.remove()
    return {
        name if number == 0 else f"{name}#{number + 1}": out
        for name, outs in seen.items()
        for number, out in enumerate(outs)
    }, result


@pytest.mark.parametrize("key", LIGHT)
def test_a_capture_equals_a_plain_forward_pass_to_the_bit(key):
    module = built(key)
    channels, side, _ = networks.card(key).input_shape
    x = picture(1, channels, side, side)
    truth, result = outputs_of_leaves(module, x)
    maps = capture(module, x)
    assert torch.equal(maps["output"], result)
    assert set(truth) <= set(maps)
    assert all(torch.equal(maps[path], out) for path, out in truth.items())


@pytest.mark.parametrize("key", [key for key in networks.cards() if key not in LIGHT])
def test_every_other_network_at_a_small_size(key):
    module = networks.construct(key, device="cpu", filled=False)
    noise = 0.05 * picture(100_003)  # repeated, as a hundred million random numbers take seconds
    for parameter in module.parameters():
        for part in parameter.data.view(-1).split(len(noise)):
            part.copy_(noise[: len(part)])
    channels, side, _ = networks.card(key).input_shape
    x = picture(1, channels, *(2 * [side if key.startswith("alexnet") else min(side, 32)]))
    truth, result = outputs_of_leaves(module, x)
    maps = capture(module, x)
    assert torch.equal(maps["output"], result)
    assert all(torch.equal(maps[path], out) for path, out in truth.items())


def test_every_option_that_changes_the_forward():
    x = picture(1, 3, 224, 224)
    module = built("googlenet", heads=True)
    with torch.no_grad():
        plain = module(x)
    maps = capture(module, x, ["output.logits", "output.aux1", "output.aux2"])
    assert all(torch.equal(maps[f"output.{name}"], getattr(plain, name)) for name in ("logits", "aux1", "aux2"))
    for shortcut in "AC":
        module = built("resnet18", shortcut=shortcut)
        with torch.no_grad():
            assert torch.equal(capture(module, x, ["output"])["output"], module(x))


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (PreActivation, (2, 3, 32, 32)),
        (Dense, (2, 4, 8, 8)),
        (SqueezeExcitation, (2, 3, 8, 8)),
        (Recurrent, (2, 4, 8, 8)),
        (Functional, (2, 3, 16, 16)),
    ],
)
def test_networks_of_others(network, shape):
    torch.manual_seed(0)
    module = network().eval()
    x = picture(*shape)
    with torch.no_grad():
        plain = module(x)
    maps = capture(module, x)
    for name, out in plain.items() if isinstance(plain, dict) else [("", plain)]:
        assert torch.equal(maps[f"output.{name}" if name else "output"], out)


def test_an_in_place_operation_overwrites_no_recorded_map():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, kernel_size=3), nn.ReLU(inplace=True), nn.Flatten(), nn.Hardtanh(inplace=True)
    )
    x = picture(1, 3, 8, 8)
    maps = capture(module, x)
    with torch.no_grad():
        conv = module[0](x)
    assert torch.equal(maps["0"], conv)
    assert maps["0"].min() < 0 <= maps["1"].min()
    assert torch.equal(maps["1"], conv.relu())
    assert torch.equal(maps["2"], conv.relu().flatten(1))
    assert torch.equal(maps["3"], conv.relu().flatten(1).clamp(-1, 1))


def test_the_callers_input_is_left_as_it_was():
    module = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, kernel_size=3))
    x = picture(1, 3, 8, 8)
    before = x.clone()
    maps = capture(module, x, ["input", "0"])
    assert torch.equal(x, before)
    assert torch.equal(maps["input"], before)
    assert torch.equal(maps["0"], before.relu())


def test_eight_threads_on_one_module():
    module = built("resnet20")
    pictures = [picture(1, 3, 32, 32) * (number + 1) for number in range(8)]
    with torch.no_grad():
        truth = [outputs_of_leaves(module, x)[0] for x in pictures]
    wrong: list[str] = []

    def work(number: int) -> None:
        for _ in range(3):
            maps = capture(module, pictures[number])
            wrong.extend(path for path, out in truth[number].items() if not torch.equal(maps[path], out))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_it_stops_after_the_last_layer_asked_for():
    done: list[tuple[int, int]] = []
    capture(built("resnet18"), picture(1, 3, 64, 64), ["conv1"], on_step=lambda *step: done.append(step))
    assert done == [(1, 2), (2, 2)]


def test_an_unknown_layer_names_the_closest():
    with pytest.raises(UnknownLayer, match=r"'layer1\.0\.conv1'"):
        capture(built("resnet20"), picture(1, 3, 32, 32), ["layer1.0.conv"])


def test_an_input_without_a_batch_is_refused():
    with pytest.raises(BadOption, match="a batch is needed"):
        capture(nn.ReLU(), torch.zeros(3))


class DropsThenOverwrites(nn.Module):
    """In evaluation dropout hands its input on, so that what overwrites the one overwrites the other."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.drop, self.relu = nn.Conv2d(3, 3, kernel_size=1), nn.Dropout(), nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        kept = self.drop(y)
        return self.relu(y) + kept


def test_what_dropout_hands_on_is_overwritten_with_it():
    torch.manual_seed(0)
    module, x = DropsThenOverwrites().eval(), picture(1, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(capture(module, x)["output"], module(x))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_any_type_of_number(dtype):
    torch.manual_seed(0)
    module, x = SqueezeExcitation().to(dtype), picture(1, 3, 8, 8).to(dtype)
    with torch.inference_mode():
        maps = capture(module, x)
        assert torch.equal(maps["output"], module(x))
    assert maps["block.add"].dtype == dtype


def test_random_numbers_are_those_of_a_plain_pass():
    module, x = nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.Dropout()).train(), picture(1, 3, 8, 8)
    torch.manual_seed(3)
    with torch.no_grad():
        plain = module(x)
    torch.manual_seed(3)
    assert torch.equal(capture(module, x)["output"], plain)
