"""What tells the channels of a layer apart at a glance: how much each says of a picture, and which say nothing."""

from typing import Literal

import numpy as np
import numpy.typing as npt

Order = Literal["channel", "activity"]
"""By number, or by how much they say, most first."""


def activity(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(C,): the mean absolute value of each channel of (C, H, W); what is not a number counts as nothing."""
    rows = np.nan_to_num(np.abs(maps.reshape(len(maps), -1)), posinf=float(np.finfo(np.float32).max))
    means: npt.NDArray[np.float32] = rows.mean(axis=1, dtype=np.float64).astype(np.float32)
    return means


def ordered(maps: npt.NDArray[np.float32], order: Order) -> list[int]:
    """The channels' numbers in an order; of those that say as much as each other, the lower number comes first."""
    if order == "channel":
        return list(range(len(maps)))
    return [int(channel) for channel in np.argsort(-activity(maps), kind="stable")]


def dead(maps: npt.NDArray[np.float32]) -> list[int]:
    """The channels that have one value everywhere; of maps that are one pixel large, those that are 0.

    They are counted by `statistics` in the same way.
    """
    rows = maps.reshape(len(maps), -1)
    still = rows.min(axis=1) == rows.max(axis=1)
    if rows.shape[1] == 1:
        still &= rows[:, 0] == 0
    return [int(channel) for channel in np.flatnonzero(still)]
