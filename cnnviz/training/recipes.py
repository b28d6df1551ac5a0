"""The recipes: everything that, with a seed, makes a set of weights. One declaration each."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor

from cnnviz.errors import BadOption
from cnnviz.networks.card import CIFAR10, IMAGENET
from cnnviz.training.augmentation import CropAndFlip, Handwriting


@dataclass(frozen=True)
class Cosine:
    """The learning rate rises along a line during `warmup`, then falls to 0 along half a cosine.

    Loshchilov, Hutter 2017: SGDR. `warmup` is a share of the whole training.
    """

    warmup: float = 0.0

    def __call__(self, done: float) -> float:
        """The share of the full rate where a share `done`, 0 to 1, of all steps lies behind."""
        if done < self.warmup:
            return done / self.warmup
        return (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))) / 2


@dataclass(frozen=True)
class Constant:
    """The learning rate stays what it is."""

    def __call__(self, done: float) -> float:
        """1, whatever share of all steps is done."""
        return 1.0


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what, and how: stochastic gradient descent with Nesterov's momentum.

    Attributes:
        network: its key; `options` are those of `networks.build`.
        dataset: a key of `data.DATA`.
        rate: the learning rate where `schedule` is 1.
        schedule: from the share of all steps that is done to the share of `rate`.
        augmentation: (N, C, H, W) in 0..1 and a generator -> the same shape.
        size: side of the network's input, to which the pictures are enlarged; by default they are not.
        variant: constructor keywords of `network` that are no options of the catalogue's.
        until: accuracy in percent on the training pictures at which an epoch is the last one.
        bfloat16: whether forward passes run in it (autocast), channels last; weights stay in float32.
        float16: whether the weights' file is in half precision.
    """

    name: str
    network: str
    dataset: str
    epochs: int
    batch: int
    rate: float
    schedule: Callable[[float], float]
    momentum: float = 0.9
    weight_decay: float = 0.0
    augmentation: Callable[[Tensor, torch.Generator], Tensor] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    variant: Mapping[str, Any] = field(default_factory=dict)
    size: int | None = None
    until: float | None = None
    bfloat16: bool = False
    float16: bool = False


def _he_2015(network: str, epochs: int = 8, *, batch_norm: bool = True) -> Recipe:
    """He et al. 2015, section 4.2, in 8 of its 164 epochs: one recipe for plain and residual, 20 and 56 layers.

    Batches of 128, rate 0.1, weight decay 0.0001 as there; its two steps of the rate are a cosine here.
    """
    return Recipe(
        f"{network}-cifar10" if batch_norm else f"{network}-cifar10-without-bn",
        network=network,
        dataset="CIFAR-10",
        epochs=epochs,
        batch=128,
        rate=0.1 if batch_norm else 0.01,
        schedule=Cosine(warmup=0.05),
        weight_decay=1e-4,
        augmentation=CropAndFlip(4, ground=CIFAR10.mean),
        options={} if batch_norm else {"batch_norm": False},
        bfloat16=True,
        float16=True,
    )


def _krizhevsky_2012(network: str, rate: float) -> Recipe:
    """Krizhevsky et al. 2012, figure 1: no regularisation, the rate chosen for each, until 25 % training error.

    Of 0.003, 0.01, 0.03 and 0.1 it is the rate that was furthest after one epoch.
    """
    return Recipe(
        f"{network}-cifar10",
        network=network,
        dataset="CIFAR-10",
        epochs=60,
        batch=128,
        rate=rate,
        schedule=Constant(),
        until=75.0,
    )


def _one_idea_less(left_out: str = "") -> Recipe:
    """AlexNet's four ideas on the small AlexNet, or all but one; Krizhevsky et al. 2012, sections 3.3, 3.4, 4."""
    return Recipe(
        "alexnet-cifar10" + (f"-without-{left_out}" if left_out else ""),
        network="alexnet-cifar",
        dataset="CIFAR-10",
        epochs=8,
        batch=128,
        rate=0.03,
        schedule=Cosine(warmup=0.05),
        weight_decay=5e-4,
        augmentation=None if left_out == "augmentation" else CropAndFlip(4, ground=CIFAR10.mean),
        variant={} if left_out in ("", "augmentation") else {left_out: False},
        bfloat16=True,
        float16=True,
    )


RECIPES = {
    known.name: known
    for known in (
        Recipe(
            "lenet5-mnist",
            network="lenet5",
            dataset="MNIST",
            epochs=25,
            batch=64,
            rate=0.05,
            schedule=Cosine(warmup=0.04),
            weight_decay=1e-4,
            augmentation=Handwriting(),
        ),
        _krizhevsky_2012("relu4", rate=0.01),
        _krizhevsky_2012("tanh4", rate=0.03),
        Recipe(
            "resnet18-cifar10",
            network="resnet18",
            dataset="CIFAR-10",
            epochs=10,
            batch=128,
            rate=0.1,
            schedule=Cosine(warmup=0.1),
            weight_decay=5e-4,
            augmentation=CropAndFlip(2, ground=IMAGENET.mean),
            options={"classes": 10},
            size=64,
            bfloat16=True,
            float16=True,
        ),
        Recipe(
            "googlenet-cifar10",
            network="googlenet",
            dataset="CIFAR-10",
            epochs=12,
            batch=64,
            rate=0.01,
            schedule=Cosine(warmup=0.05),
            weight_decay=5e-4,
            augmentation=CropAndFlip(2, ground=IMAGENET.mean),
            options={"classes": 10},
            size=64,
            bfloat16=True,
            float16=True,
        ),
        *(_one_idea_less(idea) for idea in ("", "lrn", "dropout", "overlap", "augmentation")),
        *(_he_2015(network) for network in ("plain20", "resnet20", "plain56", "resnet56")),
        *(_he_2015(network, 1, batch_norm=False) for network in ("plain20", "resnet20", "plain56", "resnet56")),
    )
}


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        BadOption: there is none; the message names those there are.
    """
    if name not in RECIPES:
        close = get_close_matches(name, RECIPES, n=1) or list(RECIPES)
        raise BadOption(f"No recipe is called '{name}'. Did you mean {' or '.join(map(repr, close))}?")
    return RECIPES[name]
