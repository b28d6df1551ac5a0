"""`cnnviz activations NET PICTURE --layer PATH -o maps.png|.npz`."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz import networks
from cnnviz.activations.capture import capture
from cnnviz.activations.files import npz
from cnnviz.activations.pictures import grid_png
from cnnviz.catalogue import describe
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, chosen, write
from cnnviz.cli.pictures import enough_memory, filled, progress, read, received
from cnnviz.engine.local import choose_device
from cnnviz.errors import BadOption
from cnnviz.graph import LayerGraph
from cnnviz.views.export import plain

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
    picture = read(arguments.picture)
    card = networks.card(options.network)
    graph = describe(options)
    for path in paths:
        graph.layer(path)
    x = received(picture, card, graph, arguments)
    device = choose_device(arguments.device)

    module, source = filled(options, arguments.weights, device)
    label = source.label
    maps = _captured(module, x.to(device), paths, graph)
    if form == "png":
        title = f"{graph.network} {paths[0]}, {label}"
        write(grid_png(maps[paths[0]], title=title), arguments.output)
    else:
        write(npz(maps), arguments.output)

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


def _captured(module: nn.Module, x: torch.Tensor, paths: list[str], graph: LayerGraph) -> Maps:
    with progress(graph.network, unit="op") as bar, enough_memory(graph.network, x.device):

        def on_step(done: int, steps: int) -> None:
            bar.total = steps
            bar.update(done - bar.n)

        found = capture(module, x, paths, on_step=on_step)
    return {path: tensor[0].float().cpu().numpy() for path, tensor in found.items()}


def _facts(path: str, values: npt.NDArray[np.float32]) -> Mapping[str, Any]:
    return {
        "path": path,
        "output_shape": list(values.shape),
        "low": plain(float(values.min())),
        "high": plain(float(values.max())),
        "mean": plain(float(values.mean(dtype=np.float64))),
    }
