"""Pictures as they might have been as well: what a recipe does to a batch before the network sees it.

An augmentation is a frozen dataclass that is called with pictures and a generator. It draws on the
CPU, so that a seed means the same on every device.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Handwriting:
    """Digits by other hands and other pens: moved, turned, slanted, scaled, and drawn thicker or thinner.

    Attributes:
        share: of the pictures that are changed; the others stay as they are.
        shift: at most, along each axis, in pixels.
        degrees: turned by at most.
        slant: at most, sideways per height.
        scale: from, to; both axes together, and each by up to `stretch` of it on its own.
        pen: from, to; how far each pixel goes to the lightest (below 0: darkest) of its 3 x 3 neighbours;
            what exceeds 1 goes a second time.
    """

    share: float = 0.8
    shift: float = 2.5
    degrees: float = 12.0
    slant: float = 0.25
    scale: tuple[float, float] = (0.75, 1.1)
    stretch: float = 0.1
    pen: tuple[float, float] = (-0.6, 1.6)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """(N, C, H, W) in 0..1, light on a dark ground, to the same."""
        n = len(x)

        def between(low: float, high: float, *shape: int) -> Tensor:
            return torch.empty(n, *shape).uniform_(low, high, generator=generator)

        changed = between(0, 1) < self.share
        theta = self._moves(between, x.shape[-2:])
        pen = between(*self.pen).to(x.device)[:, None, None, None]
        grid = functional.affine_grid(theta.to(x.device), list(x.shape), align_corners=False)
        y = functional.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        y = _pen(_pen(y, pen.clamp(-1, 1)), (pen - 1).clamp(0, 1))
        return torch.where(changed.to(x.device)[:, None, None, None], y, x)

    def _moves(self, between: Callable[..., Tensor], size: torch.Size) -> Tensor:
        """(N, 2, 3): where in the old picture, in -1..1, each place of the new one lies."""
        angle = between(-1, 1) * math.radians(self.degrees)
        slant = between(-1, 1) * self.slant
        scale = between(*self.scale)[:, None] * (1 + between(-1, 1, 2) * self.stretch)
        shift = between(-1, 1, 2) * self.shift * 2 / torch.tensor([size[1], size[0]])
        cos, sin, one, zero = angle.cos(), angle.sin(), torch.ones_like(slant), torch.zeros_like(slant)
        turn = torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2)
        lean = torch.stack([one, slant, zero, one], 1).view(-1, 2, 2)
        return torch.cat([turn @ lean / scale[:, None], shift[:, :, None]], 2)


@dataclass(frozen=True)
class CropAndFlip:
    """A picture moved by up to `shift` pixels along each axis, every other one mirrored.

    He, Zhang, Ren, Sun 2015, section 4.2, after Lee et al. 2015: 4 pixels on each side, then a crop of the old size.

    Attributes:
        ground: what the pixels beside the picture are, a value a channel: those that normalisation turns to 0.
    """

    shift: int
    ground: tuple[float, ...]

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """(N, C, H, W) to the same."""
        n, _, height, width = x.shape
        ground = x.new_tensor(self.ground)[:, None, None]
        padded = functional.pad(x - ground, (self.shift,) * 4) + ground
        down, right = (torch.randint(0, 2 * self.shift + 1, (n, 1), generator=generator) for _ in range(2))
        mirrored = torch.rand(n, 1, generator=generator) < 0.5
        rows, columns = torch.arange(height) + down, torch.arange(width)
        columns = torch.where(mirrored, columns.flip(0), columns) + right
        pictures = torch.arange(n)[:, None, None]
        rows, columns, pictures = (index.to(x.device) for index in (rows[:, :, None], columns[:, None, :], pictures))
        return padded.permute(0, 2, 3, 1)[pictures, rows, columns].permute(0, 3, 1, 2)  # channels last in memory


def _pen(x: Tensor, amount: Tensor) -> Tensor:
    """Thicker strokes for an amount above 0, thinner ones below."""
    thick = functional.max_pool2d(x, 3, stride=1, padding=1)
    thin = -functional.max_pool2d(-x, 3, stride=1, padding=1)
    return x + amount.clamp(min=0) * (thick - x) + amount.clamp(max=0) * (x - thin)
