"""A picture and a filled network, from a command line: what `activations` and `predict` begin with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from tqdm import tqdm

from cnnviz import catalogue, networks
from cnnviz.catalogue import Options
from cnnviz.errors import BadImage, DeviceUnavailable
from cnnviz.images import MAX_BYTES, NOTES, load_image
from cnnviz.weights import fill, resolve

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


def foreign_module(options: Options) -> nn.Module | None:
    """A network of the user's own, with the weights that it was made with; None for one of the catalogue."""
    if not catalogue.is_foreign(options.network):
        return None
    normalisation = catalogue.card_of(options, foreign=True).normalisation.name
    print(f"{options.network} gets the picture in the normalisation '{normalisation}'.", file=sys.stderr)
    return catalogue.construct(options, foreign=True)


def filled(
    options: Options, foreign: nn.Module | None, weights: str, device: torch.device
) -> tuple[nn.Module, str, bool | None]:
    """The module with weights, on its device, the phrase that names them, and whether they have learned something.

    Nobody knows that (None) of the weights that a foreign network was made with.
    """
    with progress(f"{options.network}: weights", bar_format="{desc} …"):
        if foreign is None:
            key, classes, shortcut, heads = options.network, options.classes, options.shortcut, options.heads
            found = networks.source_for(key, weights, classes, shortcut, heads)
            module = networks.build(key, weights=found, device=device, classes=classes, shortcut=shortcut, heads=heads)
            return module, found.label, found.kind != "random"
        if weights == "auto":
            return foreign.to(device), f"weights as {options.network} makes them", None
        source = resolve(options.network, weights)
        fill(foreign, source)
        return foreign.to(device), source.label, source.kind != "random"


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
