"""Residual networks for ImageNet, from He, Zhang, Ren, Sun 2015: Deep Residual Learning for Image
Recognition; and the plain networks that they are compared with.

The bottleneck has its stride in the 3x3 convolution, as the published weights have it; the
paper has it in the first 1x1. Module names are those of torchvision's checkpoints.
"""

from collections import OrderedDict
from functools import partial
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from cnnviz.networks.card import IMAGENET, Accuracy, Card, Paper, one_crop

HE_2015 = Paper(
    "He, Zhang, Ren, Sun 2015: Deep Residual Learning for Image Recognition",
    "https://arxiv.org/abs/1512.03385",
)

Shortcut = Literal["A", "B", "C"]
"""Section 4.1: what the shortcuts are. A: identity, zero padding where the depth grows; B: identity,
projection where the shape changes; C: projection everywhere."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them (He et al. 2015, figure 5, left).

    Input (N, inputs, H, W), output (N, width, H/stride, W/stride). With shortcut None, the
    same two convolutions without a way around; without `batch_norm`, convolutions have biases.
    """

    expansion = 1

    def __init__(
        self, inputs: int, width: int, *, stride: int = 1, shortcut: Shortcut | None, batch_norm: bool = True
    ) -> None:
        super().__init__()
        self.conv1 = _conv3x3(inputs, width, stride=stride, bias=not batch_norm)
        self.bn1 = norm(width, batch_norm)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _conv3x3(width, width, bias=not batch_norm)
        self.bn2 = norm(width, batch_norm)
        self.downsample = _downsample(inputs, width, stride=stride, shortcut=shortcut, batch_norm=batch_norm)
        self.plain = shortcut is None

    def forward(self, x: Tensor) -> Tensor:
        """The residual plus the shortcut, then ReLU."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if not self.plain:
            out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1 that reduce and restore the depth (figure 5, right).

    Input (N, inputs, H, W), output (N, 4 * width, H/stride, W/stride).
    """

    expansion = 4

    def __init__(
        self, inputs: int, width: int, *, stride: int = 1, shortcut: Shortcut | None, batch_norm: bool = True
    ) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = _conv1x1(inputs, width, bias=not batch_norm)
        self.bn1 = norm(width, batch_norm)
        self.conv2 = _conv3x3(width, width, stride=stride, bias=not batch_norm)
        self.bn2 = norm(width, batch_norm)
        self.conv3 = _conv1x1(width, outputs, bias=not batch_norm)
        self.bn3 = norm(outputs, batch_norm)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _downsample(inputs, outputs, stride=stride, shortcut=shortcut, batch_norm=batch_norm)
        self.plain = shortcut is None

    def forward(self, x: Tensor) -> Tensor:
        """The residual plus the shortcut, then ReLU."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if not self.plain:
            out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)  # type: ignore[no-any-return]


class ZeroPaddedShortcut(nn.Module):
    """Option A: every `stride`-th pixel, with maps of zeros behind the ones that came in; no parameters.

    Input (N, C, H, W), output (N, C + extra, H/stride, W/stride).
    """

    def __init__(self, *, stride: int, extra: int) -> None:
        super().__init__()
        self.stride, self.extra = stride, extra

    def forward(self, x: Tensor) -> Tensor:
        """Slice, then pad."""
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.extra))

    def extra_repr(self) -> str:
        """The hyperparameters, for `print(module)`."""
        return f"stride={self.stride}, extra={self.extra}"


Block = type[BasicBlock] | type[Bottleneck]


def stage(
    block: Block,
    inputs: int,
    width: int,
    *,
    blocks: int,
    stride: int,
    shortcut: Shortcut | None,
    batch_norm: bool = True,
) -> nn.Sequential:
    """Blocks of one width, the first of which may halve the maps."""
    first = block(inputs, width, stride=stride, shortcut=shortcut, batch_norm=batch_norm)
    inner = width * block.expansion
    rest = [block(inner, width, shortcut=shortcut, batch_norm=batch_norm) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)


class ResNet(nn.Sequential):
    """A residual network for ImageNet (He et al. 2015, table 1), or with shortcut None a plain one.

    Input (N, 3, 224, 224) in ImageNet normalisation; output (N, classes) logits. Without
    `batch_norm`, convolutions have biases.
    """

    def __init__(
        self,
        classes: int = 1000,
        shortcut: Shortcut | None = "B",
        batch_norm: bool = True,
        *,
        block: Block,
        blocks: tuple[int, int, int, int],
    ) -> None:
        deep = block.expansion
        n1, n2, n3, n4 = blocks
        same = partial(stage, block, shortcut=shortcut, batch_norm=batch_norm)
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=not batch_norm),  # 64 x 112 x 112
                bn1=norm(64, batch_norm),
                relu=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 64 x 56 x 56
                layer1=same(64, 64, blocks=n1, stride=1),
                layer2=same(64 * deep, 128, blocks=n2, stride=2),  # 28 x 28
                layer3=same(128 * deep, 256, blocks=n3, stride=2),  # 14 x 14
                layer4=same(256 * deep, 512, blocks=n4, stride=2),  # 7 x 7
                avgpool=nn.AdaptiveAvgPool2d((1, 1)),
                flatten=nn.Flatten(),
                fc=nn.Linear(512 * deep, classes),
            )
        )


class PrintedResNet18(nn.Sequential):
    """ResNet-18 as `assets/printed/resnet18.csv` has it: biases, no batch norm, zero-padding shortcuts.

    Input (N, 3, 227, 227) in ImageNet normalisation, which conv1 pads by one pixel; output (N, classes)
    logits.
    """

    def __init__(self, classes: int = 1000, shortcut: Shortcut = "A") -> None:
        same = partial(stage, BasicBlock, blocks=2, shortcut=shortcut, batch_norm=False)
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=1),  # 64 x 112 x 112
                relu=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 64 x 56 x 56
                layer1=same(64, 64, stride=1),
                layer2=same(64, 128, stride=2),  # 128 x 28 x 28
                layer3=same(128, 256, stride=2),  # 256 x 14 x 14
                layer4=same(256, 512, stride=2),  # 512 x 7 x 7
                avgpool=nn.AvgPool2d(kernel_size=7),
                flatten=nn.Flatten(),
                fc=nn.Linear(512, classes),
            )
        )


def _conv3x3(inputs: int, outputs: int, *, stride: int = 1, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=bias)


def _conv1x1(inputs: int, outputs: int, *, stride: int = 1, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=bias)


def norm(channels: int, batch_norm: bool) -> nn.Module:
    """Batch norm, or where there is none, what passes everything on."""
    return nn.BatchNorm2d(channels) if batch_norm else nn.Identity()


def _downsample(
    inputs: int, outputs: int, *, stride: int, shortcut: Shortcut | None, batch_norm: bool
) -> nn.Module | None:
    """What a block's shortcut does to its input: None where it is passed on as it is (or not at all)."""
    same_shape = stride == 1 and inputs == outputs
    if shortcut is None or (same_shape and shortcut != "C"):
        return None
    if shortcut == "A":
        return ZeroPaddedShortcut(stride=stride, extra=outputs - inputs)
    return nn.Sequential(_conv1x1(inputs, outputs, stride=stride, bias=not batch_norm), norm(outputs, batch_norm))


def _residual(depth: int, block: Block, blocks: tuple[int, int, int, int], *, top5: float, checkpoint: str) -> Card:
    return Card(
        f"resnet{depth}",
        title=f"ResNet-{depth}",
        year=2015,
        idea="Shortcuts around every "
        f"{'two' if block is BasicBlock else 'three'} convolutions leave only a residual to learn, "
        "so that depth helps.",
        build=partial(ResNet, block=block, blocks=blocks),
        input_shape=(3, 224, 224),
        normalisation=IMAGENET,
        paper=HE_2015,
        options=frozenset({"classes", "shortcut", "batch_norm"}),
        top5=one_crop(top5),
        checkpoint=checkpoint,
    )


def _plain(depth: int, blocks: tuple[int, int, int, int], top5: Accuracy | None = None) -> Card:
    return Card(
        f"plain{depth}",
        title=f"Plain-{depth}",
        year=2015,
        idea=f"ResNet-{depth} without its shortcuts: what depth does to a network that has none.",
        build=partial(ResNet, shortcut=None, block=BasicBlock, blocks=blocks),
        input_shape=(3, 224, 224),
        normalisation=IMAGENET,
        paper=HE_2015,
        options=frozenset({"classes", "batch_norm"}),
        top5=top5,
    )


CATALOGUE = (
    _residual(18, BasicBlock, (2, 2, 2, 2), top5=89.078, checkpoint="resnet18-f37072fd.pth"),
    _residual(34, BasicBlock, (3, 4, 6, 3), top5=91.420, checkpoint="resnet34-b627a593.pth"),
    _residual(50, Bottleneck, (3, 4, 6, 3), top5=92.862, checkpoint="resnet50-0676ba61.pth"),
    _residual(101, Bottleneck, (3, 4, 23, 3), top5=93.546, checkpoint="resnet101-63fe2227.pth"),
    _residual(152, Bottleneck, (3, 8, 36, 3), top5=94.046, checkpoint="resnet152-394f9c45.pth"),
    Card(
        "resnet18-printed",
        title="ResNet-18 as printed",
        year=2015,
        idea="ResNet-18 with biases in place of batch norm, and zero padding where a shortcut's depth grows.",
        build=PrintedResNet18,
        input_shape=(3, 227, 227),
        normalisation=IMAGENET,
        paper=HE_2015,
        options=frozenset({"classes", "shortcut"}),
        printed="resnet18",
    ),
    _plain(18, (2, 2, 2, 2)),
    _plain(34, (3, 4, 6, 3), Accuracy(89.98, "He et al. 2015, table 3: one network, ten crops, ImageNet validation")),
)
