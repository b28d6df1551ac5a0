"""The four-layer networks of Krizhevsky, Sutskever, Hinton 2012, figure 1: equal but for ReLU and tanh.

The paper gives no table of them. These follow the network for CIFAR-10 in Krizhevsky's cuda-convnet, of
the same time, without its normalisation: three 5x5 convolutions, each followed by a pooling of 3x3
windows at stride 2, and one fully connected layer.
"""

from collections import OrderedDict
from functools import partial

from torch import nn

from cnnviz.networks.alexnet import KRIZHEVSKY_2012
from cnnviz.networks.card import CIFAR10, Card


class FourLayers(nn.Sequential):
    """Three convolutions and a fully connected layer, all of one non-linearity.

    Input (N, 3, 32, 32) in CIFAR-10 normalisation; output (N, classes) logits.
    """

    def __init__(self, classes: int = 10, *, nonlinearity: type[nn.Module]) -> None:
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(3, 32, kernel_size=5, padding=2),  # 32 x 32 x 32
                act1=nonlinearity(),
                pool1=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 32 x 16 x 16
                conv2=nn.Conv2d(32, 32, kernel_size=5, padding=2),
                act2=nonlinearity(),
                pool2=nn.AvgPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 32 x 8 x 8
                conv3=nn.Conv2d(32, 64, kernel_size=5, padding=2),
                act3=nonlinearity(),
                pool3=nn.AvgPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 64 x 4 x 4
                flatten=nn.Flatten(),
                fc4=nn.Linear(64 * 4 * 4, classes),
            )
        )


def _card(key: str, name: str, nonlinearity: type[nn.Module], idea: str) -> Card:
    return Card(
        key,
        title=f"Four layers, {name} (CIFAR-10)",
        year=2012,
        idea=idea,
        build=partial(FourLayers, nonlinearity=nonlinearity),
        input_shape=(3, 32, 32),
        normalisation=CIFAR10,
        paper=KRIZHEVSKY_2012,
        classes=10,
    )


CATALOGUE = (
    _card("relu4", "ReLU", nn.ReLU, "A non-linearity that doesn't saturate learns several times faster than tanh."),
    _card("tanh4", "tanh", nn.Tanh, "relu4 with tanh in place of ReLU: where units saturate, gradients die."),
)
