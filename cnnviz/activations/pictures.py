"""Feature maps -> numbers between 0 and 255 with their scale -> one picture of all channels."""

import io
import math
from dataclasses import dataclass
from functools import lru_cache
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
    maps, shrunk = _shrunk(maps)
    low, high = _ends(maps, scale)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        maps = _finite(maps)
        low, high = _ends(maps, scale)
    return _scaled(maps, low, high, shrunk)


def quantise_one(map_: npt.NDArray[np.float32], like: Maps) -> Maps:
    """One channel (1, H, W) in the colours of all: on the scale that `quantise` gave its layer."""
    map_, shrunk = _shrunk(map_)
    low, high = like.low[:1], like.high[:1]
    return _scaled(np.clip(_finite(map_), low[0], high[0]), low, high, shrunk)


def _finite(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What is not a number or infinite has no colour: it becomes zero, or the largest finite value."""
    most = float(np.finfo(np.float32).max)
    return np.nan_to_num(maps, nan=0.0, posinf=most, neginf=-most)


def _ends(maps: npt.NDArray[np.float32], scale: Scale) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The lowest and highest value of each channel, or of all."""
    if scale == "channel":
        rows = maps.reshape(len(maps), -1)
        return rows.min(axis=1), rows.max(axis=1)
    return np.full(len(maps), maps.min()), np.full(len(maps), maps.max())


_BLOCK = 65_536  # values at once: what is computed with them stays in the processor's cache


def _scaled(
    maps: npt.NDArray[np.float32], low: npt.NDArray[np.float32], high: npt.NDArray[np.float32], shrunk: int
) -> Maps:
    signed = bool(low.min() < 0 < high.max())
    if signed:
        high = np.maximum(-low, high)
        low = -high
    span = high.astype(np.float64) - low
    span[span <= 0] = 1.0
    # in float32, unless steps and spans leave its range, or what is taken off leaves too few digits
    fits = span.min() > 1e-30 and span.max() < 1e37 and bool(np.all(np.abs(low) <= 4 * span))
    exact = np.float32 if fits else np.float64
    steps = (255 / span).astype(exact)[:, None]
    offset = (0.5 - low * (255 / span)).astype(exact)[:, None]  # a half, as what follows cuts off
    rows = np.ascontiguousarray(maps).reshape(len(maps), -1)
    values = np.empty(rows.shape, dtype=np.uint8)
    together = max(1, _BLOCK // rows.shape[1])
    room = np.empty((together, rows.shape[1]), dtype=exact)
    for first in range(0, len(rows), together):
        part = slice(first, first + together)
        block = room[: len(rows[part])]
        np.multiply(rows[part], steps[part], out=block)
        np.add(block, offset[part], out=block)
        values[part] = block
    return Maps(values.reshape(maps.shape), low, high, signed, shrunk)


# A sheet's palette: a PNG of indices takes a fraction of the time and the bytes of one of colours.
_STEPS = 240  # of the colour table, its first and last one included
_DARK, _GREY, _WHITE = 240, 243, 255  # of the greys above them, between which the edges of letters lie
_TO_STEPS = np.rint(np.arange(256) * ((_STEPS - 1) / 255)).astype(np.uint8)


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
    sheet = np.full((sheet_h, sheet_w), _WHITE, dtype=np.uint8)
    pictures = _TO_STEPS[drawn.values].repeat(zoom, axis=1).repeat(zoom, axis=2)
    for channel in range(count):
        row, column = divmod(channel, columns)
        x, y = margin + column * (tile_w + gap), margin + top + row * (tile_h + label + gap)
        number = _number(channel)[:, : sheet_w - x]
        sheet[y : y + label, x : x + number.shape[1]] = number[:label]
        sheet[y + label : y + label + tile_h, x : x + tile_w] = pictures[channel]
    image = Image.fromarray(sheet)
    if title:
        ImageDraw.Draw(image).text((margin, margin), title, fill=_DARK, font=ImageFont.load_default(size=14))
    _draw_scale(image, drawn, scale, (margin, sheet_h - margin - 26))
    image.putpalette(_palette(drawn.colours).tobytes())
    data = io.BytesIO()
    image.save(data, format="PNG", compress_level=1)
    return data.getvalue()


def _palette(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    steps = colours[np.rint(np.linspace(0, 255, _STEPS)).astype(int)]
    greys = np.rint(np.linspace(0x22, 0xFF, 256 - _STEPS)).astype(np.uint8)
    return np.concatenate([steps, greys[:, None].repeat(3, axis=1)])


@lru_cache(maxsize=4096)
def _number(channel: int) -> npt.NDArray[np.uint8]:
    """A channel's number, as it stands above its map."""
    text, font = str(channel), ImageFont.load_default(size=10)
    image = Image.new("L", (math.ceil(font.getlength(text)) + 1, 12), _WHITE)
    ImageDraw.Draw(image).text((0, 0), text, fill=_GREY, font=font)
    return np.asarray(image)


def vector_as_map(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(1, rows, columns): the units of a fully connected layer, row by row; places left over are 0."""
    columns = math.ceil(math.sqrt(len(vector) * 1.6))
    rows = -(-len(vector) // columns)
    filled = np.zeros(rows * columns, dtype=np.float32)
    filled[: len(vector)] = vector
    return filled.reshape(1, rows, columns)


def _draw_scale(sheet: Image.Image, drawn: Maps, scale: Scale, corner: tuple[int, int]) -> None:
    x, y = corner
    sheet.paste(Image.fromarray(_TO_STEPS[None].repeat(10, axis=0)), (x, y))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=10)
    ends = (
        ("each channel's lowest", "its highest")
        if scale == "channel"
        else (f"{drawn.low[0]:.3g}", f"{drawn.high[0]:.3g}")
    )
    draw.text((x, y + 13), ends[0], fill=_DARK, font=font)
    draw.text((x + 256, y + 13), ends[1], fill=_DARK, font=font, anchor="ra")
    if drawn.shrunk > 1:
        draw.text((x + 270, y), f"each pixel the mean of {drawn.shrunk} x {drawn.shrunk}", fill=_GREY, font=font)


def _shrunk(maps: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], int]:
    count, height, width = maps.shape
    factor = -(-max(height, width) // LARGEST_TILE)
    if factor == 1:
        return maps, 1
    # the border that doesn't fill a whole window is left out rather than averaged with less
    tall, wide = min(factor, height), min(factor, width)
    windows = maps[:, : height // tall * tall, : width // wide * wide]
    total = np.zeros((count, height // tall, width // wide), dtype=np.float32)
    for row, column in np.ndindex(tall, wide):
        total += windows[:, row::tall, column::wide]
    return np.divide(total, np.float32(tall * wide), out=total), factor
