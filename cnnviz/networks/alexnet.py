"""AlexNet, from Krizhevsky, Sutskever, Hinton 2012: ImageNet Classification with Deep Convolutional
Neural Networks; and its one-tower variant of 2014, for which PyTorch publishes weights.
"""

from collections import OrderedDict
from functools import partial

from torch import nn

from cnnviz.networks.card import CIFAR10, IMAGENET, Accuracy, Card, Paper, one_crop
from cnnviz.networks.layers import LocalResponseNorm

KRIZHEVSKY_2012 = Paper(
    "Krizhevsky, Sutskever, Hinton 2012: ImageNet Classification with Deep Convolutional Neural Networks",
    "https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
)
KRIZHEVSKY_2014 = Paper(
    "Krizhevsky 2014: One weird trick for parallelizing convolutional neural networks",
    "https://arxiv.org/abs/1404.5997",
)


class AlexNet(nn.Sequential):
    """AlexNet (Krizhevsky et al. 2012, figure 2), as one tower or, with groups=2, as two.

    Input (N, 3, 227, 227): the paper prints 224, which doesn't give its 55 x 55 maps.
    Output (N, classes): probabilities, or logits without `softmax`.

    conv2, conv4 and conv5 read only the maps of their own GPU (section 3.5), hence the groups.
    """

    def __init__(self, classes: int = 1000, *, groups: int = 1, softmax: bool = True) -> None:
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(3, 96, kernel_size=11, stride=4),  # 96 x 55 x 55
                relu1=nn.ReLU(),
                norm1=LocalResponseNorm(size=5, k=2.0, alpha=1e-4, beta=0.75),
                pool1=nn.MaxPool2d(kernel_size=3, stride=2),  # 96 x 27 x 27
                conv2=nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=groups),
                relu2=nn.ReLU(),
                norm2=LocalResponseNorm(size=5, k=2.0, alpha=1e-4, beta=0.75),
                pool2=nn.MaxPool2d(kernel_size=3, stride=2),  # 256 x 13 x 13
                conv3=nn.Conv2d(256, 384, kernel_size=3, padding=1),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=groups),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=groups),
                relu5=nn.ReLU(),
                pool5=nn.MaxPool2d(kernel_size=3, stride=2),  # 256 x 6 x 6
                flatten=nn.Flatten(),
                fc6=nn.Linear(256 * 6 * 6, 4096),
                relu6=nn.ReLU(),
                drop6=nn.Dropout(p=0.5),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(),
                drop7=nn.Dropout(p=0.5),
                fc8=nn.Linear(4096, classes),
            )
        )
        if softmax:
            self.add_module("softmax", nn.Softmax(dim=1))


class AlexNetOneWeirdTrick(nn.Sequential):
    """AlexNet as one tower of fewer kernels, without LRN (Krizhevsky 2014, as PyTorch has it).

    Input (N, 3, 224, 224) in ImageNet normalisation; output (N, classes) logits. The modules
    have the names of torchvision's checkpoint.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__(
            OrderedDict(
                features=nn.Sequential(
                    nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),  # 64 x 55 x 55
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(kernel_size=3, stride=2),  # 64 x 27 x 27
                    nn.Conv2d(64, 192, kernel_size=5, padding=2),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(kernel_size=3, stride=2),  # 192 x 13 x 13
                    nn.Conv2d(192, 384, kernel_size=3, padding=1),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(384, 256, kernel_size=3, padding=1),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(256, 256, kernel_size=3, padding=1),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(kernel_size=3, stride=2),  # 256 x 6 x 6
                ),
                avgpool=nn.AdaptiveAvgPool2d((6, 6)),
                flatten=nn.Flatten(),
                classifier=nn.Sequential(
                    nn.Dropout(p=0.5),
                    nn.Linear(256 * 6 * 6, 4096),
                    nn.ReLU(inplace=True),
                    nn.Dropout(p=0.5),
                    nn.Linear(4096, 4096),
                    nn.ReLU(inplace=True),
                    nn.Linear(4096, classes),
                ),
            )
        )


class AlexNetCifar(nn.Sequential):
    """AlexNet for the photographs of CIFAR-10: its layers, a quarter of its kernels, and its ideas one by one.

    Input (N, 3, 32, 32) in CIFAR-10 normalisation; output (N, classes) logits. conv1 is 5x5 at stride 2 for
    AlexNet's 11x11 at stride 4. What is left out leaves all other layers their shapes.

    Args:
        lrn: local response normalisation after conv1 and conv2.
        overlap: pooling windows of 3x3 at stride 2, else of 2x2.
        dropout: of half of the units of fc6 and fc7.
    """

    def __init__(self, classes: int = 10, *, lrn: bool = True, overlap: bool = True, dropout: bool = True) -> None:
        window = 3 if overlap else 2
        layers: dict[str, nn.Module] = {
            "conv1": nn.Conv2d(3, 24, kernel_size=5, stride=2, padding=2),  # 24 x 16 x 16
            "relu1": nn.ReLU(),
            "norm1": LocalResponseNorm(size=5, k=2.0, alpha=1e-4, beta=0.75),
            "pool1": nn.MaxPool2d(kernel_size=window, stride=2, ceil_mode=True),  # 24 x 8 x 8
            "conv2": nn.Conv2d(24, 64, kernel_size=5, padding=2),
            "relu2": nn.ReLU(),
            "norm2": LocalResponseNorm(size=5, k=2.0, alpha=1e-4, beta=0.75),
            "pool2": nn.MaxPool2d(kernel_size=window, stride=2, ceil_mode=True),  # 64 x 4 x 4
            "conv3": nn.Conv2d(64, 96, kernel_size=3, padding=1),
            "relu3": nn.ReLU(),
            "conv4": nn.Conv2d(96, 96, kernel_size=3, padding=1),
            "relu4": nn.ReLU(),
            "conv5": nn.Conv2d(96, 64, kernel_size=3, padding=1),
            "relu5": nn.ReLU(),
            "pool5": nn.MaxPool2d(kernel_size=window, stride=2, ceil_mode=True),  # 64 x 2 x 2
            "flatten": nn.Flatten(),
            "fc6": nn.Linear(64 * 2 * 2, 1024),
            "relu6": nn.ReLU(),
            "drop6": nn.Dropout(p=0.5),
            "fc7": nn.Linear(1024, 1024),
            "relu7": nn.ReLU(),
            "drop7": nn.Dropout(p=0.5),
            "fc8": nn.Linear(1024, classes),
        }
        left_out = {"norm": not lrn, "drop": not dropout}
        super().__init__(OrderedDict((name, layer) for name, layer in layers.items() if not left_out.get(name[:4])))


CATALOGUE = (
    Card(
        "alexnet",
        title="AlexNet",
        year=2012,
        idea="Deeper and on GPUs: ReLU, dropout, overlapping pooling and local response normalisation, "
        "here as one tower.",
        build=AlexNet,
        input_shape=(3, 227, 227),
        normalisation=IMAGENET,
        paper=KRIZHEVSKY_2012,
        printed="alexnet",
    ),
    Card(
        "alexnet-2012",
        title="AlexNet, two GPUs",
        year=2012,
        idea="AlexNet as it was trained: split over two GPUs that talk to each other in certain layers only.",
        build=partial(AlexNet, groups=2, softmax=False),
        input_shape=(3, 227, 227),
        normalisation=IMAGENET,
        paper=KRIZHEVSKY_2012,
        top5=Accuracy(
            81.8,
            "Krizhevsky et al. 2012, table 2: one network, ten crops, ImageNet validation (18.2 % error)",
        ),
    ),
    Card(
        "alexnet-owt",
        title="AlexNet, one weird trick",
        year=2014,
        idea="One tower with fewer kernels and no local response normalisation.",
        build=AlexNetOneWeirdTrick,
        input_shape=(3, 224, 224),
        normalisation=IMAGENET,
        paper=KRIZHEVSKY_2014,
        top5=one_crop(79.066),
        checkpoint="alexnet-owt-7be5be79.pth",
    ),
    Card(
        "alexnet-cifar",
        title="AlexNet, small (CIFAR-10)",
        year=2012,
        idea="A quarter of AlexNet's kernels, small enough to leave each of its ideas out and measure.",
        build=AlexNetCifar,
        input_shape=(3, 32, 32),
        normalisation=CIFAR10,
        paper=KRIZHEVSKY_2012,
        classes=10,
    ),
)
