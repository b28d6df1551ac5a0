"""Effective receptive fields: how much each pixel of a picture weighs in one number of a feature map.

Source: Luo, Li, Urtasun, Zemel 2016, 'Understanding the effective receptive field in deep convolutional neural
networks'.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cnnviz.activations.gradients import checked, differentiable, followed, place_of
from cnnviz.errors import BadOption

FAINT = 1 - 0.9545
"""What a pixel must weigh, as a share of the strongest, to belong to the effective field: two standard deviations."""


def effective_field(module: nn.Module, x: Tensor, path: str, place: Sequence[int]) -> npt.NDArray[np.float32]:
    """(H, W): the absolute gradient of one number with respect to each pixel, summed over the input's channels.

    Of this picture, with these weights: what lies in it decides which units pass a gradient on. Nothing lies outside
    the theoretical window, `LayerGraph.seen_by`; most of what counts lies in its middle. Can be called from many
    threads at once, in inference mode or not.

    Args:
        module: in evaluation mode, as `build` gives it.
        x: (1, C, H, W).
        place: (channel, row, column) in the layer's output, or (unit,) of a vector.

    Raises:
        UnknownLayer: the graph has no such path.
        BadOption: the layer has no such place, or no gradient gets from there to the input.
        Untraceable, ShapeMismatch: as `trace`.
    """
    with differentiable(module, x[:1]) as (own, pixels):
        program = followed(own, pixels)
        ref = place_of(program, path, own)
        index = checked(program, path, ref, tuple(int(at) for at in place))
        pixels.requires_grad_()
        unit = program.run(own, pixels, {ref})[ref][index]
        gradient = torch.autograd.grad(unit, pixels, allow_unused=True)[0] if unit.requires_grad else None
    if gradient is None:
        raise BadOption(f"No gradient gets from {path} to the input: something between detaches it, or rounds.")
    strength: npt.NDArray[np.float32] = gradient[0].abs().sum(dim=0).float().cpu().numpy()
    return strength


def extent(strength: npt.NDArray[np.float32], share: float = FAINT) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) around all pixels that weigh more than a share of the strongest.

    The last two lie beyond, as in `LayerGraph.seen_by`.

    All zero, where no gradient arrives (a ReLU that is off): an empty window.

    Args:
        strength: as `effective_field` gives it.
    """
    rows, columns = np.nonzero(strength > share * strength.max())
    if not len(rows):
        return 0, 0, 0, 0
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1
