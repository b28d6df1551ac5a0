"""Networks that are none of ours, written for the tests, with what counting by hand gives of them."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnviz.operations import describe_module


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one layer of the graph: an nn.Identity is none, one without children may hold several."""
    return describe_module(module) is not None and not isinstance(module, nn.Identity)


class PreActivation(nn.Module):
    """He et al. 2016: norm and ReLU before the convolution; the first block projects, the second doesn't."""

    class Block(nn.Module):
        def __init__(self, before: int, after: int, stride: int) -> None:
            super().__init__()
            self.bn1 = nn.BatchNorm2d(before)
            self.conv1 = nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(after)
            self.conv2 = nn.Conv2d(after, after, kernel_size=3, padding=1, bias=False)
            self.shortcut = (
                nn.Conv2d(before, after, kernel_size=1, stride=stride, bias=False) if before != after else None
            )

        def forward(self, x: Tensor) -> Tensor:
            y = F.relu(self.bn1(x))
            shortcut = x if self.shortcut is None else self.shortcut(y)
            y = self.conv1(y)
            y = self.conv2(F.relu(self.bn2(y)))
            y += shortcut
            return y

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, kernel_size=3, padding=1, bias=False)
        self.block1 = self.Block(8, 16, stride=2)
        self.block2 = self.Block(16, 16, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.block2(self.block1(self.stem(x))).mean(dim=(2, 3))


class Dense(nn.Module):
    """Huang et al. 2017: each layer reads all that came before it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4 + 6 * i, 6, kernel_size=3, padding=1) for i in range(3))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, dim=1)))
        return torch.cat(features, 1)


class SqueezeExcitation(nn.Module):
    """Hu et al. 2018: the whole map decides how much each channel counts."""

    class Gate(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.reduce = nn.Linear(channels, channels // 4)
            self.expand = nn.Linear(channels // 4, channels)

        def forward(self, x: Tensor) -> Tensor:
            squeezed = F.adaptive_avg_pool2d(x, 1).flatten(1)
            weight = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))
            return x * weight.view(x.size(0), -1, 1, 1)

    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
            self.gate = SqueezeExcitation.Gate(channels)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(self.gate(self.conv(x)) + x)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.block = self.Block(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(self.stem(x))


class Recurrent(nn.Module):
    """One block applied three times (Liang, Hu 2015): its weights count once, its work each time."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, kernel_size=3, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(self.relu(self.conv(x)))

    def __init__(self) -> None:
        super().__init__()
        self.block = self.Block()
        self.spare = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = self.block(x)
        return x


class Functional(nn.Module):
    """No module is called: parameters of its own, masked kernels, constants made in forward, chunks, a dict out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, kernel_size=3, bias=False)
        self.scale = nn.Parameter(torch.full((4, 1, 1), 2.0))
        self.register_buffer("mask", torch.ones(4, 4, 3, 3).triu())
        self.masked = nn.Conv2d(4, 4, kernel_size=3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = F.conv2d(x, self.conv.weight, stride=2) * self.scale
        y = F.conv2d(y, self.masked.weight * self.mask, self.masked.bias, padding="same")
        y = torch.cat([y, torch.zeros(y.shape[0], 2, *y.shape[2:], device=y.device)], dim=1)
        if y.shape[-1] > 3:  # the shape decides
            first, second = y.chunk(2, dim=1)
            y = first * torch.sigmoid(second)
        high, _ = y.max(dim=1)
        return {"map": y.detach().contiguous(), "high": high}


class DenseNet(nn.Module):
    """DenseNet-121 (Huang et al. 2017), written as torchvision's is: too many arcs for Graphviz, and nothing to fold."""

    class Layer(nn.Module):
        def __init__(self, before: int) -> None:
            super().__init__()
            self.norm1 = nn.BatchNorm2d(before)
            self.conv1 = nn.Conv2d(before, 128, kernel_size=1, bias=False)
            self.norm2 = nn.BatchNorm2d(128)
            self.conv2 = nn.Conv2d(128, 32, kernel_size=3, padding=1, bias=False)

        def forward(self, features: list[Tensor]) -> Tensor:
            y = self.conv1(F.relu(self.norm1(torch.cat(features, 1))))
            return self.conv2(F.relu(self.norm2(y)))

    class Block(nn.ModuleDict):
        def __init__(self, layers: int, before: int) -> None:
            super().__init__({f"denselayer{i + 1}": DenseNet.Layer(before + 32 * i) for i in range(layers)})

        def forward(self, x: Tensor) -> Tensor:
            features = [x]
            for layer in self.values():
                features.append(layer(features))
            return torch.cat(features, 1)

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(64))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        self.features.add_module("pool0", nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        width = 64
        for number, layers in enumerate((6, 12, 24, 16), start=1):
            self.features.add_module(f"denseblock{number}", self.Block(layers, width))
            width += 32 * layers
            if number < 4:
                halved = nn.Conv2d(width, width // 2, kernel_size=1, bias=False)
                transition = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True), halved, nn.AvgPool2d(2))
                self.features.add_module(f"transition{number}", transition)
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.relu(self.features(x)).mean((2, 3)))
