"""Maps that lie on a GPU, quantised there: a quarter of the bytes cross, and all at once."""

import torch
from torch import Tensor

from cnnviz.activations.pictures import LARGEST_TILE, Maps, Scale
from cnnviz.errors import BadOption


def quantise_there(maps: Tensor, scale: Scale = "layer") -> Maps:
    """As `pictures.quantise`, computed on the device of `maps`; one transfer brings values, lows and highs.

    Args:
        maps: (C, H, W), of any float type.
    """
    if maps.ndim != 3 or 0 in maps.shape:
        raise BadOption(f"Maps of shape {tuple(maps.shape)} were given, but channels x height x width are needed.")
    maps = torch.nan_to_num(maps.float(), nan=0.0)
    factor = -(-max(maps.shape[1:]) // LARGEST_TILE)
    if factor > 1:
        window = [min(factor, side) for side in maps.shape[1:]]
        maps = torch.nn.functional.avg_pool2d(maps[None], window)[0]
    rows = maps.flatten(1)
    low, high = rows.amin(dim=1), rows.amax(dim=1)
    if scale == "layer":
        low, high = low.amin().expand_as(low), high.amax().expand_as(high)
    signed = (low.amin() < 0) & (high.amax() > 0)
    widest = torch.maximum(-low, high)
    low, high = torch.where(signed, -widest, low), torch.where(signed, widest, high)
    span = (high - low).clamp(max=torch.finfo(torch.float32).max)
    span = torch.where(span > 0, span, torch.ones_like(span))
    values = ((rows - low[:, None]) / span[:, None] * 255 + 0.5).clamp(0, 255).to(torch.uint8)
    ends = torch.stack([low, high, signed.expand_as(low).float()]).contiguous()
    packed = torch.cat([ends.view(torch.uint8).flatten(), values.flatten()]).cpu().numpy()
    lows, highs, signs = packed[: 12 * len(rows)].view("float32").reshape(3, len(rows))
    return Maps(packed[12 * len(rows) :].reshape(maps.shape), lows, highs, bool(signs[0]), factor)
