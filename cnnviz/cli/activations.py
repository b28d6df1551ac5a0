"""`cnnviz activations NET PICTURE --layer PATH -o maps.png|.npz`."""

import io
import sys
import zipfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from tqdm import tqdm

from cnnviz import catalogue, networks
from cnnviz.activations.capture import capture
from cnnviz.activations.pictures import grid_png
from cnnviz.catalogue import Options
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, chosen, write
from cnnviz.engine.local import choose_device
from cnnviz.errors import BadImage, BadOption, DeviceUnavailable
from cnnviz.graph import LayerGraph
from cnnviz.images import MAX_BYTES, load_image, to_input
from cnnviz.views.export import plain
from cnnviz.weights import fill, resolve

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {".png": "png", ".npz": "npz"}
Maps = dict[str, npt.NDArray[np.float32]]


def run(arguments: Namespace) -> None:
    """Write what layers give for a picture, and say with which weights."""
    form = chosen(None, arguments.output, FORMATS, "")
    paths = list(dict.fromkeys(arguments.layers))
    if form == "png" and len(paths) > 1:
        raise BadOption(f"{len(paths)} layers don't fit into one picture: name an .npz file, or one --layer.")
    options = options_of(arguments)
    # all that can be wrong is found before the weights are made, which takes its time
    picture = _read(arguments.picture)
    foreign = _foreign_module(options)
    if foreign is None:
        graph = catalogue.describe(options)
    else:
        graph = catalogue.graph_of(foreign, options, foreign=True)
    for path in paths:
        graph.layer(path)
    _, height, width = graph.input_shape
    card = catalogue.card_of(options, foreign=True)
    x = torch.from_numpy(to_input(picture, card, (height, width)))
    device = choose_device(arguments.device)

    with _progress(f"{graph.network}: weights", bar_format="{desc} …"):
        module, label = _filled(options, foreign, arguments.weights, device)
    maps = _captured(module, x.to(device), paths, graph)
    if form == "png":
        title = f"{graph.network} {paths[0]}, {label}"
        write(grid_png(maps[paths[0]], title=title), arguments.output)
    else:
        write(_npz(maps), arguments.output)

    facts = [_facts(path, values) for path, values in maps.items()]
    if arguments.json:
        said = {"network": graph.network, "input_shape": list(graph.input_shape), "weights": label}
        write(as_json({**said, "device": str(device), "file": arguments.output, "layers": facts}))
        return
    for fact in facts:
        shape = " × ".join(map(str, fact["output_shape"]))
        span = f"from {fact['low']:.4g} to {fact['high']:.4g}, mean {fact['mean']:.4g}"
        write(f"{fact['path']}: {shape}, {span}\n")
    write(f"{graph.network} with {label}, on {device}: {arguments.output}\n")


def _read(file: str) -> "Image":
    path = Path(file)
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise BadImage(f"The picture '{file}' can't be read: {getattr(error, 'strerror', None) or error}.") from error
    picture = load_image(data, path.name)
    for note in picture.info.get("cnnviz_notes", ()):
        print(note, file=sys.stderr)
    return picture


def _foreign_module(options: Options) -> nn.Module | None:
    if not catalogue.is_foreign(options.network):
        return None
    normalisation = catalogue.card_of(options, foreign=True).normalisation.name
    print(f"{options.network} gets the picture in the normalisation '{normalisation}'.", file=sys.stderr)
    return catalogue.construct(options, foreign=True)


def _filled(options: Options, foreign: nn.Module | None, weights: str, device: torch.device) -> tuple[nn.Module, str]:
    """The module with weights, on its device, and the phrase that names them."""
    if foreign is None:
        key, classes, shortcut, heads = options.network, options.classes, options.shortcut, options.heads
        found = networks.source_for(key, weights, classes, shortcut, heads)
        module = networks.build(key, weights=found, device=device, classes=classes, shortcut=shortcut, heads=heads)
        return module, found.label
    label = f"weights as {options.network} makes them"
    if weights != "auto":
        source = resolve(options.network, weights)
        fill(foreign, source)
        label = source.label
    return foreign.to(device), label


def _captured(module: nn.Module, x: torch.Tensor, paths: list[str], graph: LayerGraph) -> Maps:
    with _progress(graph.network, unit="op") as bar:

        def on_step(done: int, steps: int) -> None:
            bar.total = steps
            bar.update(done - bar.n)

        try:
            found = capture(module, x, paths, on_step=on_step)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            if "memory" not in str(error).lower():
                raise
            raise DeviceUnavailable(
                f"{graph.network} at this input size needs more memory than '{x.device}' has; "
                f"use a smaller --size, or --device cpu."
            ) from error
    return {path: tensor[0].float().cpu().numpy() for path, tensor in found.items()}


def _npz(maps: Maps) -> bytes:
    # numpy.savez takes names as keywords, of which some are its own ('file')
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, values in maps.items():
            with archive.open(f"{path}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, values, allow_pickle=False)
    return data.getvalue()


def _facts(path: str, values: npt.NDArray[np.float32]) -> Mapping[str, Any]:
    return {
        "path": path,
        "output_shape": list(values.shape),
        "low": plain(float(values.min())),
        "high": plain(float(values.max())),
        "mean": plain(float(values.mean(dtype=np.float64))),
    }


def _progress(what: str, **how: Any) -> "tqdm[Any]":
    return tqdm(desc=what, leave=False, disable=not sys.stderr.isatty(), **how)
