"""Values to be laid over the picture that they are about."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnviz.activations.pictures import DIVERGING, Maps
from cnnviz.errors import BadOption

Heat = npt.NDArray[np.uint8]
"""(H, W), in 0..255."""
Extent = tuple[float, float, float, float]
"""top, left, bottom, right, in pixels of the network's input."""

_HOT = (255, 69, 0)


@dataclass(frozen=True, eq=False)
class Overlay:
    """Values, their colours, and where they lie.

    Attributes:
        values: (height, width), in their own units.
        low, high: what the first and the last colour stand for.
        colours: (256, 3).
        extent: what they cover.
        faint: whether small values let the picture through, as for heat.
    """

    values: npt.NDArray[np.float32]
    low: float
    high: float
    colours: npt.NDArray[np.uint8]
    extent: Extent
    faint: bool = False


def channel_over(maps: npt.NDArray[np.float32], drawn: Maps, channel: int, extent: Extent) -> Overlay:
    """One channel of (C, H, W), in the colours that it has among all."""
    if not 0 <= channel < len(maps):
        raise BadOption(f"You gave channel {channel}, but there are {len(maps)}, counted from 0.")
    low, high = float(drawn.low[channel]), float(drawn.high[channel])
    return Overlay(np.ascontiguousarray(maps[channel]), low, high, drawn.colours, extent)


def heat_over(heat: npt.NDArray[np.float32], extent: Extent) -> Overlay:
    """What is never negative, such as Grad-CAM's: the more, the more it covers."""
    values = np.ascontiguousarray(np.nan_to_num(np.maximum(heat, 0)), dtype=np.float32)
    colours = np.broadcast_to(np.array(_HOT, dtype=np.uint8), (256, 3))
    return Overlay(values, 0.0, float(values.max()), np.ascontiguousarray(colours), extent, faint=True)


def signed_over(values: npt.NDArray[np.float32], extent: Extent) -> Overlay:
    """What goes either way from zero, such as occlusion's; what is not a number counts as zero."""
    values = np.ascontiguousarray(np.nan_to_num(values), dtype=np.float32)
    most = float(np.abs(values).max())
    return Overlay(values, -most, most, DIVERGING, extent)


def shares(strength: npt.NDArray[np.float32]) -> Heat:
    """(H, W): each value as a share of the largest, in 0..255."""
    most = float(strength.max())
    return np.asarray(np.rint(strength / most * 255 if most > 0 else strength * 0), dtype=np.uint8)
