"""GoogLeNet, from Szegedy et al. 2014: Going Deeper with Convolutions; and its variant with batch
norm (Ioffe, Szegedy 2015), for which PyTorch publishes weights.
"""

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnnviz.networks.card import IMAGENET, Accuracy, Card, Normalisation, Paper, one_crop
from cnnviz.networks.layers import AtMostAvgPool2d, LocalResponseNorm

SZEGEDY_2014 = Paper("Szegedy et al. 2014: Going Deeper with Convolutions", "https://arxiv.org/abs/1409.4842")
IOFFE_2015 = Paper(
    "Ioffe, Szegedy 2015: Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    "https://arxiv.org/abs/1502.03167",
)

# What googlenet-bn's checkpoint was trained with. torchvision's forward gets there from ImageNet's
# normalisation, by x * (std / 0.5) + (mean - 0.5) / 0.5 a channel: the same input, without the detour.
MINUS_ONE_TO_ONE = Normalisation("-1 to 1", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


class Widths(NamedTuple):
    """How many maps each convolution of an inception module gives: a row of table 1."""

    conv1x1: int
    reduce3x3: int
    conv3x3: int
    reduce5x5: int
    conv5x5: int
    pool_proj: int

    @property
    def joined(self) -> int:
        """The depth of the module's output."""
        return self.conv1x1 + self.conv3x3 + self.conv5x5 + self.pool_proj


M3A = Widths(conv1x1=64, reduce3x3=96, conv3x3=128, reduce5x5=16, conv5x5=32, pool_proj=32)
M3B = Widths(conv1x1=128, reduce3x3=128, conv3x3=192, reduce5x5=32, conv5x5=96, pool_proj=64)
M4A = Widths(conv1x1=192, reduce3x3=96, conv3x3=208, reduce5x5=16, conv5x5=48, pool_proj=64)
M4B = Widths(conv1x1=160, reduce3x3=112, conv3x3=224, reduce5x5=24, conv5x5=64, pool_proj=64)
M4C = Widths(conv1x1=128, reduce3x3=128, conv3x3=256, reduce5x5=24, conv5x5=64, pool_proj=64)
M4D = Widths(conv1x1=112, reduce3x3=144, conv3x3=288, reduce5x5=32, conv5x5=64, pool_proj=64)
M4E = Widths(conv1x1=256, reduce3x3=160, conv3x3=320, reduce5x5=32, conv5x5=128, pool_proj=128)
M5A = Widths(conv1x1=256, reduce3x3=160, conv3x3=320, reduce5x5=32, conv5x5=128, pool_proj=128)
M5B = Widths(conv1x1=384, reduce3x3=192, conv3x3=384, reduce5x5=48, conv5x5=128, pool_proj=128)


HEADS = {"inception4a": "aux1", "inception4d": "aux2"}
"""Which module's output each auxiliary head reads."""


class GoogLeNetOutput(NamedTuple):
    """What a GoogLeNet with heads gives, (N, classes) logits each; in the order that torchvision has."""

    logits: Tensor
    aux2: Tensor
    aux1: Tensor


class Trunk(nn.Module):
    """A chain of layers, beside which two auxiliary heads may read what 4a and 4d give.

    Output (N, classes) logits, or with heads a GoogLeNetOutput, in training and evaluation alike.
    """

    def __init__(self, layers: OrderedDict[str, nn.Module], heads: OrderedDict[str, nn.Module]) -> None:
        super().__init__()
        for name, layer in layers.items():
            if name == "avgpool":  # torchvision lists the heads here
                for head_name, head in heads.items():
                    self.add_module(head_name, head)
            self.add_module(name, layer)
        self.has_heads = bool(heads)

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutput:
        """Run the chain."""
        given: dict[str, Tensor] = {}
        for name, layer in self.named_children():
            if name in HEADS.values():
                continue
            x = layer(x)
            if self.has_heads and name in HEADS:
                given[HEADS[name]] = self.get_submodule(HEADS[name])(x)
        return GoogLeNetOutput(x, **given) if self.has_heads else x


# --- as published ------------------------------------------------------------


class Inception(nn.Module):
    """1x1, 3x3, 5x5 and max pooling side by side, joined along depth (Szegedy et al. 2014, figure 2b).

    Input (N, inputs, H, W), output (N, widths.joined, H, W).
    """

    def __init__(self, inputs: int, widths: Widths) -> None:
        super().__init__()
        self.branch1x1 = nn.Conv2d(inputs, widths.conv1x1, kernel_size=1)
        self.relu1x1 = nn.ReLU()

        self.branch3x3_reduce = nn.Conv2d(inputs, widths.reduce3x3, kernel_size=1)
        self.relu3x3_reduce = nn.ReLU()
        self.branch3x3 = nn.Conv2d(widths.reduce3x3, widths.conv3x3, kernel_size=3, padding=1)
        self.relu3x3 = nn.ReLU()

        self.branch5x5_reduce = nn.Conv2d(inputs, widths.reduce5x5, kernel_size=1)
        self.relu5x5_reduce = nn.ReLU()
        self.branch5x5 = nn.Conv2d(widths.reduce5x5, widths.conv5x5, kernel_size=5, padding=2)
        self.relu5x5 = nn.ReLU()

        self.pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
        self.pool_proj = nn.Conv2d(inputs, widths.pool_proj, kernel_size=1)
        self.relu_pool_proj = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The four arms, then depth concatenation."""
        one = self.relu1x1(self.branch1x1(x))
        three = self.relu3x3_reduce(self.branch3x3_reduce(x))
        three = self.relu3x3(self.branch3x3(three))
        five = self.relu5x5_reduce(self.branch5x5_reduce(x))
        five = self.relu5x5(self.branch5x5(five))
        pooled = self.relu_pool_proj(self.pool_proj(self.pool(x)))
        return torch.cat([one, three, five, pooled], dim=1)


class AuxiliaryHead(nn.Sequential):
    """A classifier that looks at the trunk half way, to send a gradient there (section 5).

    Input (N, inputs, 14, 14); output (N, classes) logits.
    """

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__(
            OrderedDict(
                avgpool=nn.AvgPool2d(kernel_size=5, stride=3),  # inputs x 4 x 4
                conv=nn.Conv2d(inputs, 128, kernel_size=1),
                relu_conv=nn.ReLU(),
                flatten=nn.Flatten(),
                fc1=nn.Linear(128 * 4 * 4, 1024),
                relu_fc1=nn.ReLU(),
                dropout=nn.Dropout(p=0.7),
                fc2=nn.Linear(1024, classes),
            )
        )


class GoogLeNet(Trunk):
    """GoogLeNet (Szegedy et al. 2014, table 1, figure 3): biases, LRN, no batch norm.

    Input (N, 3, 224, 224) in ImageNet normalisation. The paper doesn't give LRN's constants: AlexNet's.
    """

    def __init__(self, classes: int = 1000, heads: bool = False) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3),  # 64 x 112 x 112
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 64 x 56 x 56
            norm1=LocalResponseNorm(size=5, k=2.0, alpha=1e-4, beta=0.75),
            conv2_reduce=nn.Conv2d(64, 64, kernel_size=1),
            relu2_reduce=nn.ReLU(),
            conv2=nn.Conv2d(64, 192, kernel_size=3, padding=1),  # 192 x 56 x 56
            relu2=nn.ReLU(),
            norm2=LocalResponseNorm(size=5, k=2.0, alpha=1e-4, beta=0.75),
            pool2=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 192 x 28 x 28
            inception3a=Inception(192, M3A),
            inception3b=Inception(M3A.joined, M3B),
            pool3=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 480 x 14 x 14
            inception4a=Inception(M3B.joined, M4A),
            inception4b=Inception(M4A.joined, M4B),
            inception4c=Inception(M4B.joined, M4C),
            inception4d=Inception(M4C.joined, M4D),
            inception4e=Inception(M4D.joined, M4E),
            pool4=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 832 x 7 x 7
            inception5a=Inception(M4E.joined, M5A),
            inception5b=Inception(M5A.joined, M5B),
            avgpool=AtMostAvgPool2d(kernel_size=7),  # 1024 x 1 x 1
            flatten=nn.Flatten(),
            dropout=nn.Dropout(p=0.4),
            fc=nn.Linear(M5B.joined, classes),
        )
        auxiliary: OrderedDict[str, nn.Module] = OrderedDict()
        if heads:
            auxiliary["aux1"] = AuxiliaryHead(M4A.joined, classes)
            auxiliary["aux2"] = AuxiliaryHead(M4D.joined, classes)
        super().__init__(layers, auxiliary)


# --- with batch norm, and torchvision's names ---------------------------------


class ConvNormReLU(nn.Sequential):
    """A convolution without bias, batch norm with TensorFlow's epsilon, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, kernel_size: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(inputs, outputs, kernel_size=kernel_size, stride=stride, padding=padding, bias=False),
                bn=nn.BatchNorm2d(outputs, eps=0.001),
                relu=nn.ReLU(inplace=True),
            )
        )


class NormInception(nn.Module):
    """The inception module of the published weights: its third arm has a 3x3 where the 5x5 belongs.

    Input (N, inputs, H, W), output (N, widths.joined, H, W).
    """

    def __init__(self, inputs: int, widths: Widths) -> None:
        super().__init__()
        self.branch1 = ConvNormReLU(inputs, widths.conv1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            ConvNormReLU(inputs, widths.reduce3x3, kernel_size=1),
            ConvNormReLU(widths.reduce3x3, widths.conv3x3, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            ConvNormReLU(inputs, widths.reduce5x5, kernel_size=1),
            ConvNormReLU(widths.reduce5x5, widths.conv5x5, kernel_size=3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True),
            ConvNormReLU(inputs, widths.pool_proj, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The four arms, then depth concatenation."""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


class NormAuxiliaryHead(nn.Sequential):
    """The auxiliary head of the published weights, which were never trained.

    Input (N, inputs, H, W); output (N, classes) logits.
    """

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__(
            OrderedDict(
                avgpool=nn.AdaptiveAvgPool2d((4, 4)),
                conv=ConvNormReLU(inputs, 128, kernel_size=1),
                flatten=nn.Flatten(),
                fc1=nn.Linear(128 * 4 * 4, 1024),
                relu=nn.ReLU(inplace=True),
                dropout=nn.Dropout(p=0.7),
                fc2=nn.Linear(1024, classes),
            )
        )


class NormGoogLeNet(Trunk):
    """GoogLeNet with batch norm, as PyTorch's published weights have it.

    Input (N, 3, 224, 224) scaled to -1..1.
    """

    def __init__(self, classes: int = 1000, heads: bool = False) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=ConvNormReLU(3, 64, kernel_size=7, stride=2, padding=3),  # 64 x 112 x 112
            maxpool1=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 64 x 56 x 56
            conv2=ConvNormReLU(64, 64, kernel_size=1),
            conv3=ConvNormReLU(64, 192, kernel_size=3, padding=1),  # 192 x 56 x 56
            maxpool2=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 192 x 28 x 28
            inception3a=NormInception(192, M3A),
            inception3b=NormInception(M3A.joined, M3B),
            maxpool3=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 480 x 14 x 14
            inception4a=NormInception(M3B.joined, M4A),
            inception4b=NormInception(M4A.joined, M4B),
            inception4c=NormInception(M4B.joined, M4C),
            inception4d=NormInception(M4C.joined, M4D),
            inception4e=NormInception(M4D.joined, M4E),
            maxpool4=nn.MaxPool2d(kernel_size=2, stride=2, ceil_mode=True),  # 832 x 7 x 7
            inception5a=NormInception(M4E.joined, M5A),
            inception5b=NormInception(M5A.joined, M5B),
            avgpool=nn.AdaptiveAvgPool2d((1, 1)),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(p=0.2),
            fc=nn.Linear(M5B.joined, classes),
        )
        auxiliary: OrderedDict[str, nn.Module] = OrderedDict()
        if heads:
            auxiliary["aux1"] = NormAuxiliaryHead(M4A.joined, classes)
            auxiliary["aux2"] = NormAuxiliaryHead(M4D.joined, classes)
        super().__init__(layers, auxiliary)


CATALOGUE = (
    Card(
        "googlenet",
        title="GoogLeNet",
        year=2014,
        idea="Wider: kernels of several sizes side by side, made cheap by 1x1 reductions.",
        build=GoogLeNet,
        input_shape=(3, 224, 224),
        normalisation=IMAGENET,
        paper=SZEGEDY_2014,
        options=frozenset({"classes", "heads"}),
        top5=Accuracy(
            89.93, "Szegedy et al. 2014, table 3: one network, one crop, ImageNet validation (10.07 % error)"
        ),
        printed="googlenet",
    ),
    Card(
        "googlenet-bn",
        title="GoogLeNet with batch norm",
        year=2015,
        idea="GoogLeNet with batch norm for biases and LRN, and a 3x3 where the 5x5 was: what published weights fit.",
        build=NormGoogLeNet,
        input_shape=(3, 224, 224),
        normalisation=MINUS_ONE_TO_ONE,
        paper=IOFFE_2015,
        options=frozenset({"classes", "heads"}),
        top5=one_crop(89.530),
        checkpoint="googlenet-1378be20.pth",
    ),
)
