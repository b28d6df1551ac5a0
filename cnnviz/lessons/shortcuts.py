"""What shortcuts do: He, Zhang, Ren, Sun 2015, section 4, put to the test on real networks."""

import copy
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnviz.activations.capture import capture
from cnnviz.activations.gradients import differentiable, followed
from cnnviz.activations.pictures import Maps, quantise
from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.graph import LayerGraph
from cnnviz.networks import cards, construct
from cnnviz.networks.meta import Unfilled
from cnnviz.networks.resnet import HE_2015, BasicBlock, Bottleneck, ResNet, Shortcut
from cnnviz.networks.resnet_cifar import CifarResNet
from cnnviz.prediction import Prediction, predict
from cnnviz.trace import trace
from cnnviz.training.loop import Epoch, read_log
from cnnviz.weights import bundled

_LOGS = Path(__file__).resolve().parents[2] / "assets" / "training"

# --- the training curves -----------------------------------------------------

TRAINED = ("plain20", "plain56", "resnet20", "resnet56")
PAPER_EPOCHS = 164  # 64,000 steps of 128 pictures, of which CIFAR-10 has 50,000 to learn from

TABLE_6: Mapping[str, float] = {
    "resnet20": 8.75,
    "resnet32": 7.51,
    "resnet44": 7.17,
    "resnet56": 6.97,
    "resnet110": 6.43,
}
"""He et al. 2015, table 6: error in percent on CIFAR-10's 10,000 test pictures, the best of five for 110 layers."""

TABLE_2: Mapping[str, float] = {"plain18": 27.94, "plain34": 28.54, "resnet18": 27.88, "resnet34": 25.03}
"""He et al. 2015, table 2: top-1 error in percent on ImageNet's validation pictures, ten crops; option A."""


@dataclass(frozen=True)
class Curve:
    """How a network has learned CIFAR-10 in this project.

    Attributes:
        epochs: from 1; what follows has one value for each.
        training: error in percent on the pictures as they were learned from, each by the weights of its moment.
        held_out: on the first 1,000 of the test split, by the weights at the epoch's end.
        gradients: for each weighted layer, the L2 norm of its gradient, the mean over the epoch's steps; None where
            it was no number.
        diverged: whether the loss has become no number.
    """

    network: str
    batch_norm: bool
    epochs: tuple[int, ...]
    training: tuple[float, ...]
    held_out: tuple[float, ...]
    gradients: tuple[Mapping[str, float | None], ...]
    diverged: bool

    @property
    def plain(self) -> bool:
        """Whether it has no shortcuts."""
        return self.network.startswith("plain")


def curves(batch_norm: bool = True) -> tuple[Curve, ...]:
    """The bundled logs of `TRAINED`: eight epochs of one recipe, or without batch norm one, at a tenth of the rate."""
    ending = "cifar10" if batch_norm else "cifar10-without-bn"
    return tuple(_curve(network, batch_norm, read_log(_LOGS / f"{network}-{ending}.jsonl")) for network in TRAINED)


def _curve(network: str, batch_norm: bool, log: list[Epoch]) -> Curve:
    return Curve(
        network,
        batch_norm,
        epochs=tuple(line.epoch for line in log),
        training=tuple(100 - line.train_accuracy for line in log),
        held_out=tuple(100 - line.test_accuracy for line in log),
        gradients=tuple(
            {path: norm for path, norm in line.gradient_norms.items() if "bn" not in path and "downsample" not in path}
            for line in log
        ),
        diverged=any(line.loss is None or math.isnan(line.loss) for line in log),
    )


# --- gradients through depth -------------------------------------------------

Initialisation = Literal["He", "LeCun", "Xavier", "PyTorch"]
Quantity = Literal["weights", "maps"]

INITIALISATIONS: tuple[Initialisation, ...] = ("He", "LeCun", "Xavier", "PyTorch")
_IMAGENET: Mapping[int, tuple[int, int, int, int]] = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
DEPTHS = (18, *(depth for depth in range(20, 111) if depth == 34 or depth % 6 == 2))
"""18 and 34 are the paper's networks for ImageNet, all others, 6n + 2, those for CIFAR-10."""


@dataclass(frozen=True)
class Gradients:
    """What one backward pass brings to each weighted layer.

    Attributes:
        layers: paths, from the first layer to the last.
        weights: L2 norms of the gradient with respect to each layer's kernels or matrix.
        maps: with respect to what each layer gives.
        loss: the cross-entropy that was derived; infinite or no number where the signal has grown too large.
    """

    layers: tuple[str, ...]
    weights: tuple[float, ...]
    maps: tuple[float, ...]
    loss: float

    def norms(self, quantity: Quantity) -> tuple[float, ...]:
        """The norms of one kind."""
        return self.weights if quantity == "weights" else self.maps

    def ratio(self, quantity: Quantity) -> float:
        """How many times the last convolution's gradient the first one's is."""
        norms = self.norms(quantity)
        return norms[0] / norms[-2] if norms[-2] else math.nan


@dataclass(frozen=True)
class Untrained:
    """A network that has learned nothing yet, of one of `DEPTHS`."""

    depth: int
    plain: bool
    batch_norm: bool
    initialisation: Initialisation
    seed: int = 0


def receiver(depth: int) -> str:
    """The catalogue's network that receives a picture as one of this depth does."""
    return f"resnet{depth}" if depth in _IMAGENET else "resnet20"


def backward(
    untrained: Untrained, picture: npt.NDArray[np.float32], on_step: Callable[[], None] = lambda: None
) -> Gradients:
    """What one backward pass of a network brings to its layers; see `gradients`.

    Args:
        picture: (1, 3, H, W), as the network receives it.

    Raises:
        BadOption: a depth that can't be built.
    """
    module = network(untrained.depth, plain=untrained.plain, batch_norm=untrained.batch_norm)
    initialise(module, untrained.initialisation, untrained.seed)
    return gradients(module, torch.from_numpy(picture), on_step)


def network(depth: int, *, plain: bool, batch_norm: bool) -> nn.Module:
    """A plain or residual network of one of `DEPTHS`, its parameters not filled.

    With option A's shortcuts, so that both have the same parameters.

    Raises:
        BadOption: another depth.
    """
    if depth not in DEPTHS:
        raise BadOption(f"A depth of {depth} was given, but 18, 34 and 6n + 2 from 20 to 110 can be built.")
    shortcut: Shortcut | None = None if plain else "A"
    with Unfilled():
        if depth in _IMAGENET:
            return ResNet(shortcut=shortcut, batch_norm=batch_norm, block=BasicBlock, blocks=_IMAGENET[depth])
        return CifarResNet(shortcut=shortcut, batch_norm=batch_norm, depth=depth)


def initialise(module: nn.Module, how: Initialisation, seed: int = 0) -> None:
    """Fill all weights by one of the usual rules, biases with 0 (PyTorch's at random), the same for a seed.

    A weight's variance is 2 / fan-in (He et al. 2015, equation 10), 1 / fan-in (LeCun, Bottou, Orr, Müller 1998), 2 /
    (fan-in + fan-out) (Glorot, Bengio 2010, equation 12), or 1 / (3 fan-in), which is what `nn.Conv2d` and
    `nn.Linear` begin with.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for child in module.modules():
            if not isinstance(child, nn.Conv2d | nn.Linear):
                continue
            reach = math.prod(child.weight.shape[2:])
            fan_in, fan_out = child.weight.shape[1] * reach, child.weight.shape[0] * reach
            bound = 1 / math.sqrt(fan_in)
            if how == "PyTorch":
                child.weight.uniform_(-bound, bound, generator=generator)
            else:
                variance = {"He": 2 / fan_in, "LeCun": 1 / fan_in, "Xavier": 2 / (fan_in + fan_out)}[how]
                child.weight.normal_(0, math.sqrt(variance), generator=generator)
            if child.bias is not None:
                child.bias.zero_()
                if how == "PyTorch":
                    child.bias.uniform_(-bound, bound, generator=generator)


def gradients(module: nn.Module, x: Tensor, on_step: Callable[[], None] = lambda: None) -> Gradients:
    """One forward and one backward pass in training mode: batch norm takes the mean and variance of `x` itself.

    The loss is the cross-entropy against the class that the network holds least likely, so that it is large however
    sure an untrained network is.

    Args:
        module: whose running statistics will have changed.
        x: (N, C, H, W), normalised as the network expects it.
        on_step: called after each operation; what it raises ends the pass.
    """
    module.train()
    with differentiable(module, x) as (own, start):
        program = followed(own, start)
        kinds = dict(own.named_modules())
        places = {
            number: step.path
            for number, step in enumerate(program.steps)
            if step.module is not None and isinstance(kinds[step.module], nn.Conv2d | nn.Linear)
        }
        given: dict[str, Tensor] = {}

        def each(number: int, out: Tensor) -> Tensor:
            on_step()
            if number not in places:
                return out
            given[places[number]] = out
            return out.clone()  # an in-place addition or ReLU comes next, and may not change what was given

        last = program.outputs["output"]
        logits = program.run(own, start, {last}, each=each)[last]
        loss = functional.cross_entropy(logits, logits.detach().argmin(dim=1))
        weights = [own.get_parameter(f"{path}.weight") for path in given]
        found = torch.autograd.grad(loss, [*weights, *given.values()])
        norms = [float(gradient.detach().double().norm()) for gradient in found]
        return Gradients(tuple(given), tuple(norms[: len(weights)]), tuple(norms[len(weights) :]), float(loss.detach()))


# --- options A, B and C ------------------------------------------------------

OPTIONS: tuple[Shortcut, ...] = ("A", "B", "C")
TABLE_3: Mapping[str, tuple[float, float]] = {"A": (25.03, 7.76), "B": (24.52, 7.46), "C": (24.19, 7.40)}
"""He et al. 2015, table 3: ResNet-34's top-1 and top-5 error in percent on ImageNet, ten crops, by option."""
PLAIN_34 = (28.54, 10.02)
"""The same of plain34."""


@dataclass(frozen=True)
class Option:
    """What a network costs with one kind of shortcuts.

    Attributes:
        shortcut_params, shortcut_macs: of what is on its shortcuts.
        projections: how many shortcuts have a convolution.
        unstrided: the blocks where one changes the depth at stride 1, each with the maps that it reads and gives.
    """

    shortcut: Shortcut
    params: int
    macs: int
    shortcut_params: int
    shortcut_macs: int
    projections: int
    unstrided: tuple[tuple[str, int, int], ...]


def with_options() -> tuple[str, ...]:
    """The catalogue's networks that were published with a choice of shortcuts."""
    return tuple(key for key, card in cards().items() if "shortcut" in card.options and not card.printed)


def option(key: str, shortcut: Shortcut) -> Option:
    """What a network costs with this kind of shortcuts.

    Raises:
        UnknownNetwork, BadOption: as `describe`.
    """
    graph = describe(Options(key, shortcut=shortcut))
    around = [layer for layer in graph.layers if ".downsample." in layer.path]
    return Option(
        shortcut,
        params=graph.totals.params,
        macs=graph.totals.macs,
        shortcut_params=sum(layer.params for layer in around),
        shortcut_macs=sum(layer.macs for layer in around),
        projections=sum(layer.op == "conv" for layer in around),
        unstrided=tuple(
            (layer.path.partition(".downsample")[0], layer.input_shapes[0][0], layer.output_shape[0])
            for layer in around
            if layer.op == "conv" and layer.input_shapes[0][1:] == layer.output_shape[1:]
            if layer.input_shapes != (layer.output_shape,)
        ),
    )


def excerpt(key: str, shortcut: Shortcut) -> LayerGraph:
    """The first two blocks of a network's second stage: at the first the shape changes, at the other it doesn't."""
    whole = describe(Options(key, shortcut=shortcut))
    first = next(layer for layer in whole.layers if layer.path.startswith("layer2."))
    stage = construct(key, shortcut=shortcut).get_submodule("layer2")
    assert isinstance(stage, nn.Sequential)
    module = nn.Sequential(OrderedDict(layer2=stage[:2])).eval()
    return trace(module, first.input_shapes[0], network=f"{key}, option {shortcut}")


# --- a trained network without a shortcut, or without a block ----------------

Damage = Literal["cut", "drop"]
"""`cut`: the block has no way around it; `drop`: the way around is all that it has."""


@dataclass(frozen=True)
class Damaged:
    """What a network answers without one shortcut or one block."""

    block: str
    damage: Damage
    answer: Prediction


@dataclass(frozen=True)
class Lesion:
    """A network's answer as it is, and with each of its blocks damaged, one at a time."""

    intact: Prediction
    damaged: tuple[Damaged, ...]

    def answer(self, block: str, damage: Damage) -> Prediction | None:
        """The answer with this damage; None where it can't be done."""
        return next((one.answer for one in self.damaged if (one.block, one.damage) == (block, damage)), None)

    def unmoved(self, damage: Damage) -> tuple[int, int]:
        """How many blocks leave the winner as it is when damaged, and how many can be."""
        winners = [one.answer.scores[0].index for one in self.damaged if one.damage == damage]
        return winners.count(self.intact.scores[0].index), len(winners)


class Bypass(nn.Module):
    """What is left of a block without its convolutions: its shortcut and the last ReLU.

    Input and output as the block's.
    """

    def __init__(self, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.downsample = nn.Identity() if shortcut is None else shortcut
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The shortcut, then ReLU."""
        return self.relu(self.downsample(x))  # type: ignore[no-any-return]


def trained() -> tuple[str, ...]:
    """The networks of He et al. that have bundled weights."""
    return tuple(key for key, card in cards().items() if card.paper == HE_2015 and bundled(key))


def blocks(module: nn.Module) -> tuple[str, ...]:
    """Paths of the blocks, plain ones too, from the input on."""
    return tuple(path for path, child in module.named_modules() if isinstance(child, BasicBlock | Bottleneck))


def damages(module: nn.Module, block: str) -> tuple[Damage, ...]:
    """What can be done to a block: a plain one has nothing to cut, and can be dropped where it keeps the shape.

    Raises:
        UnknownLayer: there is no such block; names the closest ones.
    """
    return tuple(damage for damage in ("cut", "drop") if _changed(_block(module, block), damage) is not None)


def damaged(module: nn.Module, block: str, damage: Damage) -> nn.Module:
    """The network with one block damaged; it shares all else with `module`, which stays as it is.

    Raises:
        UnknownLayer: there is no such block; names the closest ones.
        BadOption: the block can't be damaged in this way.
    """
    found = _changed(_block(module, block), damage)
    if found is None:
        reason = "it has no shortcut" if damage == "cut" else "without shortcut it can't change the shape of its input"
        raise BadOption(f"{block} can't be {'cut' if damage == 'cut' else 'dropped'}: {reason}; take another block.")
    return _with(module, block.split("."), found)


def lesion(
    module: nn.Module,
    picture: npt.NDArray[np.float32],
    graph: LayerGraph,
    names: tuple[str, ...],
    on_step: Callable[[], None] = lambda: None,
) -> Lesion:
    """What a network answers with each block damaged in turn (Veit, Wilber, Belongie 2016, section 4.1).

    Args:
        module: in evaluation mode.
        picture: (1, C, H, W), as the network receives it.
        graph, names: as `prediction.predict` takes them.
        on_step: called after each pass; what it raises ends the work.
    """
    x = torch.from_numpy(picture).to(next(module.parameters()).device)
    found = []
    for block in blocks(module):
        for damage in damages(module, block):
            found.append(Damaged(block, damage, predict(damaged(module, block, damage), x, graph, names)))
            on_step()
    return Lesion(predict(module, x, graph, names), tuple(found))


def block_maps(module: nn.Module, picture: npt.NDArray[np.float32], block: str) -> npt.NDArray[np.float32]:
    """What a block gives, (C, H, W), damaged or not.

    Raises:
        UnknownLayer: there is no such block; names the closest ones.
    """
    x = torch.from_numpy(picture).to(next(module.parameters()).device)
    last = [path for path in followed(module, x).places if path.startswith(f"{block}.")]
    if not last:
        raise UnknownLayer(block, blocks(module))
    return capture(module, x, last[-1:])[last[-1]][0].float().cpu().numpy()


def maps_beside(
    module: nn.Module, picture: npt.NDArray[np.float32], block: str, damage: Damage, of: str
) -> tuple[Maps, Maps]:
    """What the block `of` gives in the network as it is, and in the one whose `block` is damaged, in the same colours.

    Raises:
        UnknownLayer, BadOption: as `damaged`.
    """
    pair = [block_maps(network, picture, of) for network in (module, damaged(module, block, damage))]
    both = quantise(np.concatenate(pair))
    half = len(pair[0])
    before, after = (
        replace(both, values=both.values[part], low=both.low[part], high=both.high[part])
        for part in (slice(half), slice(half, None))
    )
    return before, after


def _block(module: nn.Module, path: str) -> BasicBlock | Bottleneck:
    known = blocks(module)
    if path not in known:
        raise UnknownLayer(path, known)
    found = module.get_submodule(path)
    assert isinstance(found, BasicBlock | Bottleneck)
    return found


def _changed(block: BasicBlock | Bottleneck, damage: Damage) -> nn.Module | None:
    if not block.plain:
        return Bypass(block.downsample) if damage == "drop" else _without_shortcut(block)
    first = block.conv1
    same = first.in_channels == first.out_channels and first.stride == (1, 1)
    return Bypass(None) if damage == "drop" and same else None


def _without_shortcut(block: BasicBlock | Bottleneck) -> nn.Module:
    twin = copy.copy(block)
    twin._modules = {**block._modules, "downsample": None}
    twin.plain = True
    return twin


def _with(module: nn.Module, path: list[str], child: nn.Module) -> nn.Module:
    """A copy of the modules on the way to a place, with another module there."""
    if not path:
        return child
    twin = copy.copy(module)
    below = module.get_submodule(path[0])
    twin._modules = {**module._modules, path[0]: _with(below, path[1:], child)}
    return twin
