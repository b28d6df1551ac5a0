"""The kernels of a convolution as pictures: those that read a colour picture in colour, others as maps around zero."""

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from cnnviz.activations.apart import kernels_of
from cnnviz.activations.pictures import DIVERGING, Maps, Scale
from cnnviz.activations.reading import Reading, Unread
from cnnviz.errors import BadOption
from cnnviz.graph import LayerGraph
from cnnviz.program import Program
from cnnviz.recorder import follow, uncompiled

TILE = 36  # pixels along a side of a drawn kernel, about
GAP, MARGIN, TITLE = 3, 12, 26


def kernels(module: nn.Module, graph: LayerGraph, path: str, program: Program | None = None) -> npt.NDArray[np.float32]:
    """(out, in / groups, height, width): the weights of a convolution of maps.

    Where a table says which maps are connected (LeNet-5 of 1998), kernels that aren't there are zero.

    Args:
        program: as in `computed`.

    Raises:
        UnknownLayer: the graph has no such path.
        BadOption: the layer is no convolution of maps, or keeps its weights in a way that isn't known.
    """
    place = (0,) * len(graph.layer(path).output_shape)
    if graph.layer(path).op == "output":
        raise BadOption(f"{path} is the network's output, which has no kernels.")
    module = uncompiled(module)
    program = program or follow(module, (1, *graph.input_shape))
    try:
        weight = kernels_of(Reading(module, graph, program, {}, path, place))
    except Unread as unread:
        raise BadOption(str(unread)) from None
    if weight.dim() != 4:
        raise BadOption(f"{path} is a convolution along {weight.dim() - 2} axes, but kernels are drawn of maps only.")
    found: npt.NDArray[np.float32] = weight.float().cpu().numpy()
    return found


def colour_kernels(weight: npt.NDArray[np.float32], scale: Scale = "layer") -> npt.NDArray[np.uint8]:
    """(out, height, width, 3): kernels over red, green and blue as RGB pictures, in which zero is mid-grey.

    Args:
        weight: (out, 3, height, width).
        scale: `layer` leaves strong kernels and faint ones comparable, `channel` shows the structure of each.
    """
    if weight.ndim != 4 or weight.shape[1] != 3:
        raise BadOption(
            f"Kernels of shape {weight.shape} were given, but out x 3 x height x width are needed for colour."
        )
    return _values(weight, scale)[0].transpose(0, 2, 3, 1)


def kernel_maps(weight: npt.NDArray[np.float32], scale: Scale = "layer") -> Maps:
    """Kernels (n, height, width) as maps that are coloured around zero, whichever signs occur.

    Those that read colours, (n, 3, height, width), get their three planes one below the other.
    """
    if weight.ndim == 4:
        weight = weight.reshape(len(weight), -1, weight.shape[-1])
    if weight.ndim != 3 or 0 in weight.shape:
        raise BadOption(f"Kernels of shape {weight.shape} were given, but kernels x height x width are needed.")
    values, high = _values(weight, scale)
    return Maps(values, -high, high, signed=True)


def _values(weight: npt.NDArray[np.float32], scale: Scale) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Weights in 0..255 with zero in the middle, and the value that 255 stands for in each."""
    weight = np.nan_to_num(weight)
    axes = tuple(range(1, weight.ndim)) if scale == "channel" else None
    high = np.broadcast_to(np.abs(weight).max(axis=axes, keepdims=True), (len(weight), *[1] * (weight.ndim - 1)))
    shares = weight / np.where(high > 0, high, 1)
    return np.rint((shares + 1) / 2 * 255).astype(np.uint8), high.reshape(-1).astype(np.float32)


def kernels_png(
    weight: npt.NDArray[np.float32], *, of: int = 0, title: str = "", scale: Scale = "layer", colour: bool | None = None
) -> bytes:
    """The kernels of a convolution as one PNG.

    In colour, or where one map is read, all of them, one an output channel; else those of one output channel, one an
    input channel that it reads.

    Args:
        weight: (out, in / groups, height, width), as `kernels` gives it.
        of: the output channel.
        title: a line above: what this is, and with which weights.
        colour: whether the three inputs are red, green and blue; by default, wherever there are three.

    Raises:
        BadOption: there is no such output channel.
    """
    if weight.ndim != 4 or 0 in weight.shape:
        raise BadOption(f"Kernels of shape {weight.shape} were given, but out x in x height x width are needed.")
    if not 0 <= of < len(weight):
        raise BadOption(f"You gave output channel {of}, but there are {len(weight)}, counted from 0.")
    if weight.shape[1] == 3 if colour is None else colour:
        tiles = colour_kernels(weight, scale)
    else:
        tiles = DIVERGING[kernel_maps(weight[:, 0] if weight.shape[1] == 1 else weight[of], scale).values]
    return _sheet(tiles, title)


def _sheet(tiles: npt.NDArray[np.uint8], title: str) -> bytes:
    """(n, height, width, 3) as a PNG, enlarged without smoothing, row by row."""
    zoom = max(1, TILE // max(tiles.shape[1:3]))
    tiles = tiles.repeat(zoom, axis=1).repeat(zoom, axis=2)
    count, height, width, _ = tiles.shape
    columns = min(count, max(1, round(math.sqrt(count * 1.6 * (height + GAP) / (width + GAP)))))
    rows = -(-count // columns)
    top = MARGIN + (TITLE if title else 0)
    font = ImageFont.load_default(size=14)
    across = max(columns * (width + GAP) - GAP, math.ceil(font.getlength(title)))
    sheet = Image.new("RGB", (across + 2 * MARGIN, top + rows * (height + GAP) - GAP + MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((MARGIN, MARGIN), title, fill="#222222", font=font)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        x, y = MARGIN + column * (width + GAP), top + row * (height + GAP)
        draw.rectangle((x - 1, y - 1, x + width, y + height), outline="#aaaaaa")  # zero is nearly white, too
        sheet.paste(Image.fromarray(tile), (x, y))
    data = io.BytesIO()
    sheet.save(data, format="PNG", compress_level=1)
    return data.getvalue()
