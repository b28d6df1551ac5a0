"""Residual and plain networks for CIFAR-10, from He, Zhang, Ren, Sun 2015, section 4.2.

The paper subtracts the mean picture from the input; here each channel is normalised by its
mean and standard deviation, as for every other network.
"""

from collections import OrderedDict
from functools import partial

from torch import nn

from cnnviz.networks.card import CIFAR10, Card
from cnnviz.networks.resnet import HE_2015, BasicBlock, Shortcut, norm, stage


class CifarResNet(nn.Sequential):
    """A residual network of `depth` = 6n + 2 weighted layers, or with shortcut None a plain one.

    Input (N, 3, 32, 32) in CIFAR-10 normalisation; output (N, classes) logits. With the paper's
    option A, a plain network has exactly as many parameters as the residual one. Without
    `batch_norm`, convolutions have biases.
    """

    def __init__(
        self, classes: int = 10, shortcut: Shortcut | None = "A", batch_norm: bool = True, *, depth: int
    ) -> None:
        same = partial(stage, BasicBlock, blocks=(depth - 2) // 6, shortcut=shortcut, batch_norm=batch_norm)
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=not batch_norm),  # 16 x 32 x 32
                bn1=norm(16, batch_norm),
                relu=nn.ReLU(inplace=True),
                layer1=same(16, 16, stride=1),
                layer2=same(16, 32, stride=2),  # 32 x 16 x 16
                layer3=same(32, 64, stride=2),  # 64 x 8 x 8
                avgpool=nn.AdaptiveAvgPool2d((1, 1)),
                flatten=nn.Flatten(),
                fc=nn.Linear(64, classes),
            )
        )


def _card(depth: int, *, plain: bool = False) -> Card:
    return Card(
        f"{'plain' if plain else 'resnet'}{depth}",
        title=f"{'Plain' if plain else 'ResNet'}-{depth} (CIFAR-10)",
        year=2015,
        idea=f"ResNet-{depth} without its shortcuts, for CIFAR-10: deeper plain networks train worse."
        if plain
        else "Residual learning on small pictures, with shortcuts that have no parameters.",
        build=partial(CifarResNet, shortcut=None, depth=depth) if plain else partial(CifarResNet, depth=depth),
        input_shape=(3, 32, 32),
        normalisation=CIFAR10,
        paper=HE_2015,
        classes=10,
        options=frozenset({"classes", "batch_norm"} | (set() if plain else {"shortcut"})),
    )


CATALOGUE = (
    _card(20),
    _card(32),
    _card(44),
    _card(56),
    _card(110),
    _card(20, plain=True),
    _card(56, plain=True),
)
