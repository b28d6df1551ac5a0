"""The layer graph as DOT text: the one source of every picture, on the page and in every export.

Everything in it has a `class` (kind of operation, role, kind of block) and an `id` (a node's is the path of its
first layer, a box's `block:` and its path, an arc's `source->target`), so that a page can colour, light up and
find whatever it likes; without a page the attributes stand for light paper. Every difference of colour is one of
shape or line as well.
"""

from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import Literal

import graphviz

from cnnviz.analysis.folding import ACTIVATIONS
from cnnviz.graph import LayerGraph, Role
from cnnviz.views.drawing import Arc, Box, Drawing, Node, Unfolded, by_sign, drawing, rounded, title

Direction = Literal["TB", "LR"]

FONT = "Helvetica,Arial,sans-serif"
INK, QUIET, LINE = "#1b2430", "#4d5866", "#747d89"  # LINE can be read on white and on black


@dataclass(frozen=True)
class Kind:
    """How a kind of operation looks; `name` is its CSS class.

    Attributes:
        fill, line: colours from Okabe and Ito's set for the colour-blind, the fill as a tint of it.
        shape, style: Graphviz' names of what tells it apart without colour.
        ops: the operations that it holds; no other kind's are `other`.
    """

    name: str
    label: str
    fill: str
    line: str
    shape: str
    style: str
    ops: frozenset[str]


LEGEND = (
    Kind("conv", "convolution", "#dcebf7", "#0068a8", "box", "filled", frozenset({"conv", "convtranspose"})),
    Kind("linear", "fully connected", "#fbe3d3", "#b84e00", "box", "filled,bold", frozenset({"linear", "rbf"})),
    Kind(
        "pool",
        "pooling",
        "#d6efe6",
        "#007a5a",
        "invtrapezium",
        "filled",
        frozenset({"maxpool", "avgpool", "subsample"}),
    ),
    Kind("join", "where arms join", "#e9e9ee", "#3c4450", "ellipse", "filled", frozenset({"add", "concat", "mul"})),
    Kind(
        "norm",
        "normalisation",
        "#f5e2ee",
        "#a34f80",
        "box",
        "filled,dashed",
        frozenset({"batchnorm", "lrn", "layernorm", "groupnorm", "instancenorm"}),
    ),
    Kind(
        "activation",
        "activation",
        "#fdf0cc",
        "#96690a",
        "box",
        "filled,rounded",
        ACTIVATIONS | {"softmax", "logsoftmax"},
    ),
    Kind("end", "input and output", "#ffffff", "#3c4450", "box", "filled,rounded,bold", frozenset({"input", "output"})),
    Kind("other", "reshaping and other", "#f3f4f5", "#747d89", "box", "filled,dotted", frozenset()),
)
"""One entry for each kind of node, in the order of a legend."""

ROLES: dict[Role, tuple[str, str]] = {
    "main": ("solid", "main path"),
    "identity": ("solid", "identity shortcut"),
    "projection": ("dotted", "projection shortcut"),
    "branch": ("solid", "arm of a module"),
    "gate": ("dashed", "gate"),
}
"""The line and the legend's word for each role."""

_KIND_OF = {op: kind for kind in LEGEND for op in kind.ops}


def kind_of(op: str) -> Kind:
    """The kind that an operation is drawn as."""
    return _KIND_OF.get(op, LEGEND[-1])


def dot(graph: LayerGraph, *, unfolded: Unfolded = (), direction: Direction = "TB") -> str:
    """DOT text of a graph.

    Args:
        unfolded: the first block's path of each run of equal blocks to draw in full, or "all".
        direction: "TB" has the data run down, "LR" to the right.
    """
    return dot_of(drawing(graph, unfolded), direction)


def dot_of(picture: Drawing, direction: Direction = "TB") -> str:
    """DOT text of a drawing."""
    text = graphviz.Digraph(name=_name(picture.network))
    text.attr(
        "graph",
        rankdir=direction,
        nodesep="0.2",
        ranksep="0.22",
        splines="spline",
        bgcolor="transparent",
        fontname=FONT,
        fontsize="10",
        fontcolor=LINE,
        labeljust="l",
        pad="0.1",
        tooltip=" ",
    )
    text.attr("node", fontname=FONT, fontsize="10", fontcolor=INK, margin="0.09,0.04", height="0.3", width="0.6")
    text.attr("edge", color=LINE, arrowsize="0.55", penwidth="1.1", tooltip=" ")
    widths = _widths(picture)
    _fill(text, picture, "", widths)
    numbers: Counter[tuple[str, str]] = Counter()
    for arc in picture.arcs:
        numbers[arc.source, arc.target] += 1
        _arc(text, arc, numbers[arc.source, arc.target], direction)
    return text.source


def _fill(text: graphviz.Digraph, picture: Drawing, box: str, widths: dict[str, float]) -> None:
    """Nodes and boxes that lie directly in a box, in the order of the data."""
    for inner in picture.boxes:
        if inner.parent == box:
            with text.subgraph(name=f"cluster_{_name(inner.path)}") as part:
                part.attr(**_box(inner))
                _fill(part, picture, inner.path, widths)
    for node in picture.nodes:
        if node.box == box:
            text.node(_name(node.path), **_node(node, widths[node.column]))


def _box(box: Box) -> dict[str, str]:
    several = box.run is not None
    return {
        "label": _text(box.label),
        "id": _text(f"block:{box.path}"),
        "class": " ".join(
            ["block", box.kind, *["run"] * several, *["opened"] * (box.opens is not None)]
        ),
        "style": "rounded,filled,bold" if several else "rounded,filled",
        "color": LINE,
        "fillcolor": "#8088941a",
        "penwidth": "2" if several else "0.7",
        "margin": "8",
        "tooltip": _text(box.label),
    }


def _node(node: Node, width: float) -> dict[str, str]:
    kind = kind_of(node.layers[0].op)
    style = {
        "label": f"<{'<BR/>'.join(_marked(*line) for line in _lines(node))}>",
        "id": _text(node.path),
        "class": " ".join([kind.name, node.layers[0].op, *["repeated"] * (node.shared_with is not None)]),
        "tooltip": _text(_tooltip(node)),
        "group": _text(node.column or "trunk"),
        "shape": kind.shape,
        "style": kind.style,
        "fillcolor": kind.fill,
        "color": kind.line,
        "width": f"{width / 72:.2f}",
    }
    if node.run:
        style["peripheries"] = "2"
    return style


def _lines(node: Node) -> list[tuple[str, float, str]]:
    """The lines of text on a node: each with its size and its colour."""
    lines = [(node.title, 10.0, INK)]
    if node.followers:
        lines.append((node.followers, 8.0, INK))
    lines.append((by_sign(node.output_shape), 9.0, INK))
    small = [node.name] if node.name else []
    if node.shared_with:
        small.append(f"weights of {node.shared_with}")
    elif node.params:
        small.append(f"{rounded(node.params)} params")
    if node.run:
        small.append(f"×{len(node.run.blocks)}")
    if small:
        lines.append((" · ".join(small), 8.0, QUIET))
    return lines


def _marked(text: str, size: float, colour: str) -> str:
    words = escape(" ".join(text.split())).replace("\\", "\\\\")
    if size == 10.0:
        return f"<B>{words}</B>"
    return f'<FONT POINT-SIZE="{size:g}"' + (f' COLOR="{colour}"' if colour != INK else "") + f">{words}</FONT>"


def _tooltip(node: Node) -> str:
    lines = [f"{layer.path}: {title(layer)}" for layer in node.layers]
    before = ", ".join(by_sign(shape) for shape in node.layers[0].input_shapes)
    lines.append(f"{before} → {by_sign(node.output_shape)}" if before else by_sign(node.output_shape))
    if node.params:
        lines.append(f"{node.params:,} parameters")
    if node.macs:
        lines.append(f"{node.macs:,} MACs")
    return "\n".join(lines)


def _arc(text: graphviz.Digraph, arc: Arc, number: int, direction: Direction) -> None:
    line, word = ROLES[arc.role]
    style = {
        "id": _text(f"{arc.source}->{arc.target}" + (f"#{number}" if number > 1 else "")),
        "class": arc.role,
        "style": line,
        "weight": "100" if arc.straight else "0" if arc.role == "identity" else "2" if arc.joins else "1",
    }
    if arc.role == "projection":
        style["penwidth"] = "1.6"
    if arc.role == "identity":
        side = "e" if direction == "TB" else "s"
        style |= {"tailport": side, "headport": side}
    text.edge(_name(arc.source), _name(arc.target), **style)


# --- text --------------------------------------------------------------------


def _name(path: str) -> str:
    """A path as a DOT name: graphviz reads ':' as a port, and a backslash can't be written in one."""
    return graphviz.nohtml(path.replace(":", "ː").replace("\\", "∖"))


def _text(text: str) -> str:
    return graphviz.escape(text).replace("\n", "\\n")


def _widths(picture: Drawing) -> dict[str, float]:
    """For each column, the width in points of its widest text, so that its nodes are equally wide.

    It is measured here as well as by Graphviz, which on a machine without fonts measures nothing.
    """
    widths: dict[str, float] = {}
    for node in picture.nodes:
        width = max(_width(text) * size for text, size, _ in _lines(node)) + 14
        widths[node.column] = max(widths.get(node.column, 0), width)
    return widths


def _width(text: str) -> float:
    """About how wide a text is in bold Helvetica, in ems."""
    return sum(
        0.3 if letter in " .,·:;il|!'()[]jtfI" else 0.9 if letter in "mwMW" else 0.72 if letter.isupper() else 0.58
        for letter in text
    )
