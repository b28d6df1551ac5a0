"""The lines of Python that make what the explorer shows: as a script, and as a Jupyter notebook."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnviz.graph import LayerGraph
from cnnviz.views.dot import Colour, Direction
from cnnviz.views.drawing import Unfolded

if TYPE_CHECKING:  # the card's module imports torch
    from cnnviz.images import Fit
    from cnnviz.networks.card import Card


@dataclass(frozen=True)
class Cell:
    """A step: what it does, its lines, and the expression that a notebook shows below them."""

    title: str
    lines: str
    shows: str = ""


@dataclass(frozen=True)
class View:
    """What is seen of a network.

    Attributes:
        options: those of `cnnviz.build` that the graph's network was built with.
        layer: the selected one's path.
        picture: the file that the network looks at.
        fit, zoom: how it is received: as `images.to_input` and `images.zoomed` take them.
        unfolded, direction, colour: as `dot` takes them.
        weights: as `cnnviz.build` takes them; a visitor's own file is named as a file.
        scale, order: of the grid of maps: layer, channel or network; channel or activity.
        card: the network's; a brought one has to be brought again.
    """

    graph: LayerGraph
    options: Mapping[str, object]
    layer: str
    picture: str = "picture.jpg"
    fit: "Fit" = "crop"
    zoom: float = 1.0
    unfolded: Unfolded = ()
    direction: Direction = "TB"
    colour: Colour = "kind"
    weights: str = "auto"
    scale: str = "layer"
    order: str = "channel"
    card: "Card | None" = None


def cells(view: View) -> list[Cell]:
    """The steps that lead to a view, each building on those before."""
    network, (channels, height, width) = view.graph.network, view.graph.input_shape
    chosen, label, brings = _keywords(view.options), "{module.weights.label}", []
    if view.card is not None and view.card.brought:
        label = f"weights as {network} makes them"
        call = f"bring({network!r}, {view.card.input_shape}{_keywords(dict(view.card.keywords))})"
        brings = [Cell("The network, from a folder on the path", f"from cnnviz.networks import bring\n\n{call}")]
    filled = _keywords({"weights": view.weights} if view.weights != "auto" else {})
    imports, most, drawn = _grid(view)
    fitted = _keywords({"fit": view.fit} if view.fit != "crop" else {})
    tools, scaled = "to_input", ""
    if view.zoom != 1:
        tools, scaled = "to_input, zoomed", f"picture = zoomed(picture, card({network!r}), {view.zoom:g})\n"
    return [
        *brings,
        Cell(
            "The layer graph",
            "import cnnviz\n\n"
            f'graph = cnnviz.trace(cnnviz.build({network!r}, device="meta"{chosen}), {(channels, height, width)})',
            "graph.totals",
        ),
        Cell(
            "Its picture",
            "from cnnviz.views.dot import dot\nfrom cnnviz.views.layout import render\n\n"
            f"text = dot(graph, unfolded={view.unfolded!r}, direction={view.direction!r}, colour={view.colour!r})\n"
            "svg = render(text)",
            "SVG(svg)",
        ),
        Cell("Its table", "from cnnviz.views import tables\n\ntable = tables.layers(graph)", "table"),
        Cell("One layer", f"layer = graph.layer({view.layer!r})", "layer"),
        Cell(
            "What the layer sees in a picture",
            f"import torch\n\n{imports}"
            f"from cnnviz.images import {tools}\nfrom cnnviz.networks import card\n\n"
            f"module = cnnviz.build({network!r}{chosen}{filled})\n"
            f'picture = cnnviz.load_image(open({view.picture!r}, "rb").read())\n'
            f"{scaled}x = torch.from_numpy(to_input(picture, card({network!r}), {(height, width)}{fitted}))\n"
            f"maps = cnnviz.capture(module, x, [layer.path])[layer.path]\n{most}"
            'png = grid_png(maps[0].numpy(), title=f"{layer.path}, ' + label + f'"{drawn})',
            "Image(png)",
        ),
    ]


def _grid(view: View) -> tuple[str, str, str]:
    """What a grid of maps is drawn with: its imports, the line before it, and its keywords."""
    imports, most, drawn = ["from cnnviz.activations.pictures import grid_png\n"], "", ""
    if view.scale == "channel":
        drawn += ", scale='channel'"
    elif view.scale == "network":
        imports.append("from cnnviz.activations.statistics import statistics\n")
        most = (
            "found = [each for each in statistics(module, x) if len(each.shape) == 3]\n"
            "most = max(max(abs(each.low), abs(each.high)) for each in found)\n"
        )
        drawn += ", within=most"
    if view.order == "activity":
        imports.insert(0, "from cnnviz.activations.channels import ordered\n")
        drawn += ", order=ordered(maps[0].numpy(), 'activity')"
    return "".join(imports), most, drawn


def _keywords(options: Mapping[str, object]) -> str:
    return "".join(f", {name}={value!r}" for name, value in options.items())


def script(view: View) -> str:
    """The lines alone, a comment above each step."""
    return "\n\n".join(f"# {cell.title}\n{cell.lines}" for cell in cells(view)) + "\n"


def layer_script(view: View) -> str:
    """The lines that make the maps of one layer, without the graph's picture and its table."""
    steps = [cell for cell in cells(view) if cell.title not in ("Its picture", "Its table")]
    return "\n\n".join(f"# {cell.title}\n{cell.lines}" for cell in steps) + "\n"


def notebook(view: View, link: str = "") -> str:
    """A Jupyter notebook (nbformat 4.5), which shows what each step makes.

    Args:
        link: the page that shows the same.
    """
    shown = "from IPython.display import SVG, Image"
    place = f"[The same place in cnnviz]({link}). " if link else ""
    texts = [("markdown", f"# {view.graph.network}\n\n{place}Run it where cnnviz is installed."), ("code", shown)]
    for cell in cells(view):
        texts += [("markdown", f"## {cell.title}"), ("code", "\n".join(filter(None, (cell.lines, cell.shows))))]
    parts: list[dict[str, object]] = []
    for number, (kind, text) in enumerate(texts):
        run: dict[str, object] = {"execution_count": None, "outputs": []} if kind == "code" else {}
        parts.append({"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text, **run})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": parts}, indent=1) + "\n"
