"""A picture and a filled network, from a command line: what `activations` and `predict` begin with."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from tqdm import tqdm

from cnnviz import networks
from cnnviz.catalogue import Options
from cnnviz.errors import BadImage, DeviceUnavailable
from cnnviz.graph import LayerGraph
from cnnviz.images import MAX_BYTES, NOTES, load_image, to_input, zoomed
from cnnviz.networks.card import Card
from cnnviz.weights import Source

if TYPE_CHECKING:
    from PIL.Image import Image


def read(file: str) -> "Image":
    """The picture in a file; what was changed in reading is said on stderr.

    Raises:
        BadImage: as `load_image`, or there is no such file.
    """
    path = Path(file)
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise BadImage(f"The picture '{file}' can't be read: {getattr(error, 'strerror', None) or error}.") from error
    picture = load_image(data, path.name)
    for note in picture.info.get(NOTES, ()):
        print(note, file=sys.stderr)
    return picture


def received(picture: "Image", card: Card, graph: LayerGraph, arguments: Namespace) -> torch.Tensor:
    """The picture as the network gets it, fitted and scaled as the command line says.

    Raises:
        BadOption: as `to_input` and `zoomed`.
    """
    _, height, width = graph.input_shape
    return torch.from_numpy(to_input(zoomed(picture, card, arguments.zoom), card, (height, width), arguments.fit))


def filled(options: Options, weights: str, device: torch.device) -> tuple[nn.Module, Source]:
    """The module with weights, on its device, and where the weights come from."""
    card = networks.card(options.network)
    if card.brought:
        print(f"{card.key} gets the picture in the normalisation '{card.normalisation.name}'.", file=sys.stderr)
    with progress(f"{options.network}: weights", bar_format="{desc} …"):
        source = networks.source_for(options.network, weights, **options.chosen)
        return networks.build(options.network, weights=source, device=device, **options.chosen), source


@contextmanager
def enough_memory(network: str, device: torch.device) -> Iterator[None]:
    """A forward pass whose lack of memory becomes a sentence."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if "memory" not in str(error).lower():
            raise
        raise DeviceUnavailable(
            f"{network} at this input size needs more memory than '{device}' has; "
            f"use a smaller --size, or --device cpu."
        ) from error


def progress(what: str, **how: Any) -> "tqdm[Any]":
    """A bar on stderr, where somebody watches."""
    return tqdm(desc=what, leave=False, disable=not sys.stderr.isatty(), **how)
