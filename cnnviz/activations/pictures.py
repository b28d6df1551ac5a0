"""Feature maps -> numbers between 0 and 255 with their scale -> one picture of all channels."""

import io
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from cnnviz.errors import BadOption

Scale = Literal["layer", "channel"]
LARGEST_TILE = 128  # pixels; larger maps are averaged down for the overview

# Anchors, evenly spaced, between which colours are interpolated. Both tables are safe for colour-blind readers;
# viridis (Smith, van der Walt 2015, CC0) is perceptually uniform, PuOr (Brewer 2002) has white at its middle.
_VIRIDIS = "440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725"
_PUOR = "2d004b 542788 8073ac b2abd2 d8daeb f7f7f7 fee0b6 fdb863 e08214 b35806 7f3b08"


def _table(anchors: str) -> npt.NDArray[np.uint8]:
    stops = np.array([[int(colour[i : i + 2], 16) for i in (0, 2, 4)] for colour in anchors.split()])
    places = np.linspace(0, len(stops) - 1, 256)
    columns = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.array(np.rint(np.stack(columns, axis=1)), dtype=np.uint8)


SEQUENTIAL = _table(_VIRIDIS)
"""256 RGB colours for values of one sign, low to high."""
DIVERGING = _table(_PUOR)
"""256 RGB colours for values of both signs; the middle stands for zero."""


@dataclass(frozen=True)
class Maps:
    """The maps of one layer, ready to be drawn.

    Attributes:
        values: (C, h, w) in 0..255: `low` to `high`, linearly, channel by channel.
        low, high: (C,) in the layer's own units; the same for all channels unless scaled by channel.
        signed: whether values of both signs occur; then low = -high, and 127.5 is zero.
        shrunk: how many positions of the layer were averaged into one along each axis.
    """

    values: npt.NDArray[np.uint8]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    signed: bool
    shrunk: int = 1

    @property
    def colours(self) -> npt.NDArray[np.uint8]:
        """(256, 3): the RGB colours that belong to `values`."""
        return DIVERGING if self.signed else SEQUENTIAL


def quantise(maps: npt.NDArray[np.float32], scale: Scale = "layer") -> Maps:
    """Feature maps in 256 steps, for one scale over the whole layer or one for each channel.

    Args:
        maps: (C, H, W).
        scale: `layer` keeps channels comparable, `channel` shows the structure of faint ones.
    """
    if maps.ndim != 3 or 0 in maps.shape:
        raise BadOption(f"Maps of shape {maps.shape} were given, but channels x height x width are needed.")
    # not a number and infinity have no colour: zero, and the largest finite value
    maps = np.nan_to_num(maps, nan=0.0, posinf=float(np.finfo(np.float32).max), neginf=float(np.finfo(np.float32).min))
    maps, shrunk = _shrunk(maps)
    axes = (1, 2) if scale == "channel" else (0, 1, 2)
    low = np.broadcast_to(maps.min(axis=axes, keepdims=True).astype(np.float64), (len(maps), 1, 1))
    high = np.broadcast_to(maps.max(axis=axes, keepdims=True).astype(np.float64), (len(maps), 1, 1))
    return _scaled(maps, low, high, shrunk)


def quantise_one(map_: npt.NDArray[np.float32], like: Maps) -> Maps:
    """One channel (1, H, W) in the colours of all: on the scale that `quantise` gave its layer."""
    map_, shrunk = _shrunk(map_)
    low, high = (ends[:1, None, None].astype(np.float64) for ends in (like.low, like.high))
    return _scaled(map_, low, high, shrunk)


def _scaled(
    maps: npt.NDArray[np.float32], low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], shrunk: int
) -> Maps:
    signed = bool(low.min() < 0 < high.max())
    if signed:
        high = np.maximum(-low, high)
        low = -high
    span = np.where(high > low, high - low, 1.0)
    values = np.rint(np.clip((maps - low) / span, 0, 1) * 255).astype(np.uint8)
    return Maps(values, low[:, 0, 0].astype(np.float32), high[:, 0, 0].astype(np.float32), signed, shrunk)


def grid_png(maps: npt.NDArray[np.float32], *, title: str = "", scale: Scale = "layer") -> bytes:
    """All channels of a layer as one PNG, each with its number, a colour scale below.

    Args:
        maps: (C, H, W); (C,) is taken as one map whose units are its pixels, row by row.
        title: a line above: what this is, and with which weights.
    """
    if maps.ndim == 1:
        maps = vector_as_map(maps)
    drawn = quantise(maps, scale)
    count, height, width = drawn.values.shape
    zoom = max(1, 56 // max(height, width))
    tile_h, tile_w = height * zoom, width * zoom
    columns = min(count, max(1, round(math.sqrt(count * 1.6 * (tile_h + 14) / (tile_w + 6)))))
    rows = -(-count // columns)
    margin, label, gap, top = 12, 12, 4, 26 if title else 0
    sheet_w = max(columns * (tile_w + gap) - gap, 420) + 2 * margin
    sheet_h = rows * (tile_h + label + gap) + 2 * margin + top + 34
    sheet = Image.new("RGB", (sheet_w, sheet_h), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=10)
    if title:
        draw.text((margin, margin), title, fill="#222222", font=ImageFont.load_default(size=14))
    pictures = np.repeat(np.repeat(drawn.values, zoom, axis=1), zoom, axis=2)
    for channel in range(count):
        row, column = divmod(channel, columns)
        x, y = margin + column * (tile_w + gap), margin + top + row * (tile_h + label + gap)
        draw.text((x, y), str(channel), fill="#555555", font=font)
        sheet.paste(Image.fromarray(drawn.colours[pictures[channel]]), (x, y + label))
    _draw_scale(sheet, drawn, scale, (margin, sheet_h - margin - 26), font)
    data = io.BytesIO()
    sheet.save(data, format="PNG", compress_level=1)
    return data.getvalue()


def vector_as_map(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(1, rows, columns): the units of a fully connected layer, row by row; places left over are 0."""
    columns = math.ceil(math.sqrt(len(vector) * 1.6))
    rows = -(-len(vector) // columns)
    filled = np.zeros(rows * columns, dtype=np.float32)
    filled[: len(vector)] = vector
    return filled.reshape(1, rows, columns)


def _draw_scale(
    sheet: Image.Image,
    drawn: Maps,
    scale: Scale,
    corner: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    x, y = corner
    bar = drawn.colours[np.arange(256, dtype=np.uint8)][None].repeat(10, axis=0)
    sheet.paste(Image.fromarray(bar), (x, y))
    draw = ImageDraw.Draw(sheet)
    ends = (
        ("each channel's lowest", "its highest")
        if scale == "channel"
        else (f"{drawn.low[0]:.3g}", f"{drawn.high[0]:.3g}")
    )
    draw.text((x, y + 13), ends[0], fill="#222222", font=font)
    draw.text((x + 256, y + 13), ends[1], fill="#222222", font=font, anchor="ra")
    if drawn.shrunk > 1:
        draw.text((x + 270, y), f"each pixel the mean of {drawn.shrunk} x {drawn.shrunk}", fill="#555555", font=font)


def _shrunk(maps: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], int]:
    count, height, width = maps.shape
    factor = -(-max(height, width) // LARGEST_TILE)
    if factor == 1:
        return maps, 1
    # the border that doesn't fill a whole window is left out rather than averaged with less
    rows, columns = max(1, height // factor), max(1, width // factor)
    windows = maps[:, : rows * factor, : columns * factor]
    return windows.reshape(count, rows, factor, columns, factor).mean(axis=(2, 4)), factor
