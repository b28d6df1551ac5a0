"""VGG, from Simonyan, Zisserman 2014: Very Deep Convolutional Networks for Large-Scale Image Recognition."""

from collections import OrderedDict
from functools import partial

from torch import nn

from cnnviz.networks.card import IMAGENET, Card, Paper, one_crop

SIMONYAN_2014 = Paper(
    "Simonyan, Zisserman 2014: Very Deep Convolutional Networks for Large-Scale Image Recognition",
    "https://arxiv.org/abs/1409.1556",
)

WIDTHS = (64, 128, 256, 512, 512)
# How many convolutions before each max pooling: the columns of table 1.
A = (1, 1, 2, 2, 2)
B = (2, 2, 2, 2, 2)
D = (2, 2, 3, 3, 3)
E = (2, 2, 4, 4, 4)


class VGG(nn.Sequential):
    """Stacks of 3x3 convolutions between max poolings (Simonyan, Zisserman 2014, table 1).

    Input (N, 3, 224, 224) in ImageNet normalisation; output (N, classes) logits. The modules
    have the names of torchvision's checkpoints.
    """

    def __init__(self, classes: int = 1000, *, convolutions: tuple[int, ...]) -> None:
        layers: list[nn.Module] = []
        depth = 3
        for width, count in zip(WIDTHS, convolutions, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(depth, width, kernel_size=3, padding=1), nn.ReLU(inplace=True)]
                depth = width
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))

        super().__init__(
            OrderedDict(
                features=nn.Sequential(*layers),  # 512 x 7 x 7
                avgpool=nn.AdaptiveAvgPool2d((7, 7)),
                flatten=nn.Flatten(),
                classifier=nn.Sequential(
                    nn.Linear(512 * 7 * 7, 4096),
                    nn.ReLU(inplace=True),
                    nn.Dropout(p=0.5),
                    nn.Linear(4096, 4096),
                    nn.ReLU(inplace=True),
                    nn.Dropout(p=0.5),
                    nn.Linear(4096, classes),
                ),
            )
        )


def _card(convolutions: tuple[int, ...], *, configuration: str, top5: float, checkpoint: str) -> Card:
    depth = sum(convolutions) + 3
    return Card(
        f"vgg{depth}",
        title=f"VGG-{depth}",
        year=2014,
        idea="Stacks of small 3x3 kernels see as much as large ones, with fewer weights and more "
        f"non-linearities (configuration {configuration}).",
        build=partial(VGG, convolutions=convolutions),
        input_shape=(3, 224, 224),
        normalisation=IMAGENET,
        paper=SIMONYAN_2014,
        top5=one_crop(top5),
        checkpoint=checkpoint,
    )


CATALOGUE = (
    _card(A, configuration="A", top5=88.628, checkpoint="vgg11-8a719046.pth"),
    _card(B, configuration="B", top5=89.246, checkpoint="vgg13-19584684.pth"),
    _card(D, configuration="D", top5=90.382, checkpoint="vgg16-397923af.pth"),
    _card(E, configuration="E", top5=90.876, checkpoint="vgg19-dcbb9e9d.pth"),
)
