"""Learning the identity: a plain and a residual stack that learn to give what they are given.

He et al. 2015, section 3.1: if the identity is what a block should be, a residual block only has to drive its weights
to zero, while a plain one has to fit the identity by several non-linear layers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Array = npt.NDArray[np.float64]
PATCH = 4  # pixels along a side of what the stacks copy
WIDTH = PATCH**2
RATE, BATCH = 0.003, 64
STEPS, EVERY = 1000, 25


class Block(nn.Module):
    """Two fully connected layers, as He et al. 2015, figure 2, has it, with the way around them or without.

    Input and output (N, width), not negative.
    """

    def __init__(self, residual: bool, width: int = WIDTH) -> None:
        super().__init__()
        self.residual = residual
        self.fc1 = nn.Linear(width, width)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """The two layers, plus the input if residual; ReLU."""
        y = self.fc2(self.relu(self.fc1(x)))
        return cast(Tensor, self.relu(y + x if self.residual else y))


@dataclass(frozen=True)
class Moment:
    """How far both stacks are, the plain one first.

    Attributes:
        step: of the optimiser, 0 before the first.
        errors: mean square of what is wrong in all patches, as a share of the picture's variance: who answers with
            its mean has 1.
        weights: root mean square of all weights, biases left out.
    """

    step: int
    errors: tuple[float, float]
    weights: tuple[float, float]


class Copying:
    """Both stacks, which learn from the same patches of a picture in the same order.

    Args:
        picture: (H, W) in 0..1, not of one value alone; H and W are multiples of `PATCH`.
        blocks: of each stack.
        decay: the weight decay, a factor of the squared weights in the loss (`weight_decay` of PyTorch's Adam).
        seed: of the weights, equal in both, and of the order of patches.

    Attributes:
        moments: so far, every `EVERY` steps.
        copies: (H, W) each, what the two make of the picture by now.
    """

    def __init__(self, picture: Array, blocks: int, decay: float, seed: int = 0, steps: int = STEPS) -> None:
        self.moments: list[Moment] = []
        self.copies: tuple[Array, Array] = (picture, picture)
        self._shape, self._steps = picture.shape, steps
        self._patches = _cut(picture)
        self._variance = _variance(self._patches)
        self._random = torch.Generator().manual_seed(seed)
        self.stacks = tuple(nn.Sequential(*[Block(residual) for _ in range(blocks)]) for residual in (False, True))
        for stack in self.stacks:
            _fill(stack, seed)
        self._optimisers = [torch.optim.Adam(stack.parameters(), RATE, weight_decay=decay) for stack in self.stacks]

    def learn(self) -> Iterator[float]:
        """Take all steps; gives the share that is done after each `EVERY`."""
        self._look(0)
        yield 0.0
        for begin in range(0, self._steps, EVERY):
            with torch.enable_grad():  # for these alone: between two parts other work has the thread
                for _ in range(min(EVERY, self._steps - begin)):
                    self._step()
            done = min(begin + EVERY, self._steps)
            self._look(done)
            yield done / self._steps

    def _step(self) -> None:
        x = self._patches[torch.randint(len(self._patches), (BATCH,), generator=self._random)]
        for stack, optimiser in zip(self.stacks, self._optimisers, strict=True):
            optimiser.zero_grad()
            (stack(x) - x).square().sum(dim=1).mean().backward()
            optimiser.step()

    def _look(self, step: int) -> None:
        with torch.no_grad():
            given = [stack(self._patches) for stack in self.stacks]
            errors = [float((made - self._patches).square().mean()) / self._variance for made in given]
            weights = [_size(stack) for stack in self.stacks]
        plain, residual = (self._joined(made) for made in given)
        self.copies = (plain, residual)
        self.moments.append(Moment(step, (errors[0], errors[1]), (weights[0], weights[1])))

    def _joined(self, patches: Tensor) -> Array:
        down, across = self._shape[0] // PATCH, self._shape[1] // PATCH
        whole = patches.reshape(down, across, PATCH, PATCH).transpose(1, 2).reshape(self._shape)
        return cast(Array, whole.double().clamp(0, 1).numpy())


def copied_by_hand(picture: Array) -> tuple[float, float]:
    """What a plain layer without biases gets wrong of a picture: with all weights one, and with those of the identity.

    Shares of the picture's variance, as in `Moment`. The identity has ones on the diagonal and zeros elsewhere.
    """
    patches, layer = _cut(picture), nn.Linear(WIDTH, WIDTH, bias=False)
    wrong = []
    with torch.no_grad():
        for weight in (torch.ones(WIDTH, WIDTH), torch.eye(WIDTH)):
            layer.weight.copy_(weight)
            wrong.append(float((layer(patches).relu() - patches).square().mean()) / _variance(patches))
    return wrong[0], wrong[1]


def _cut(picture: Array) -> Tensor:
    whole = torch.from_numpy(picture).float()
    return whole.unfold(0, PATCH, PATCH).unfold(1, PATCH, PATCH).reshape(-1, WIDTH)


def _variance(patches: Tensor) -> float:
    return float((patches - patches.mean()).square().mean())


def _fill(stack: nn.Sequential, seed: int) -> None:
    """Weights as `nn.Linear` has them, of variance 1 / (3 fan-in), but of this seed; biases 0."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in stack.modules():
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()


def _size(stack: nn.Sequential) -> float:
    weights = [layer.weight.flatten() for layer in stack.modules() if isinstance(layer, nn.Linear)]
    return float(torch.cat(weights).square().mean().sqrt())
