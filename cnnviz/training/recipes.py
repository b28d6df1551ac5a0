"""The recipes: everything that, with a seed, makes a set of weights. One declaration each."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor

from cnnviz.errors import BadOption
from cnnviz.training.augmentation import Handwriting


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
class Recipe:
    """What is trained, on what, and how: stochastic gradient descent with Nesterov's momentum.

    Attributes:
        network: its key; `options` are those of `networks.build`.
        dataset: a key of `data.DATA`.
        rate: the learning rate where `schedule` is 1.
        schedule: from the share of all steps that is done to the share of `rate`.
        augmentation: (N, C, H, W) in 0..1 and a generator -> the same shape.
        bfloat16: whether forward passes run in it (autocast); weights stay in float32.
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
    bfloat16: bool = False


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
