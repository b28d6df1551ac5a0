"""The layer graph as DOT text: the one source of every picture, on the page and in every export.

Everything in it has a `class` (kind of operation, role, kind of block) and an `id` (a node's is the path of
its first layer, a box's `block:` and its path, an arc's `source->target`), so that a page can colour, light
up and find whatever it likes; without a page the attributes stand, for light paper. Every difference of
colour is one of shape or line as well.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Literal, NamedTuple

import graphviz

from cnnviz.graph import LayerGraph, Role
from cnnviz.views.drawing import Arc, Box, Drawing, Node, Unfolded, by_sign, drawing, rounded, title
from cnnviz.vocabulary import ACTIVATIONS

Direction = Literal["TB", "LR"]
Colour = Literal["kind", "parameters", "MACs", "memory"]

AMOUNTS: dict[str, Callable[[Node], int]] = {
    "parameters": lambda node: node.params,
    "MACs": lambda node: node.macs,
    "memory": lambda node: sum(layer.activation_bytes for layer in node.layers),
}
HOTTEST = (240, 158, 78)  # orange that dark ink can be read on

FONT = "Helvetica,Arial,sans-serif"
INK, QUIET, LINE = "#1b2430", "#4d5866", "#747d89"  # LINE can be read on white and on black
LONGEST_NAME = 32


@dataclass(frozen=True)
class Kind:
    """How a kind of operation looks; `name` is its CSS class.

    Attributes:
        fill, line: colours from Okabe and Ito's set for the colour-blind, the fill as a tint of it.
        shape, style: Graphviz' names of what tells it apart without colour (the polygon is a trapezium).
    """

    name: str
    label: str
    fill: str
    line: str
    shape: str
    style: str


_OPS: dict[str, str] = {
    "conv": "conv convtranspose",
    "linear": "linear rbf",
    "pool": "maxpool avgpool subsample",
    "join": "add concat mul",
    "norm": "batchnorm lrn layernorm groupnorm instancenorm",
    "activation": " ".join(sorted(ACTIVATIONS | {"softmax", "logsoftmax"})),
    "end": "input output",
    "block": "block",
}
LEGEND = (
    Kind("conv", "convolution", "#dcebf7", "#0068a8", "box", "filled"),
    Kind("linear", "fully connected", "#fbe3d3", "#b84e00", "box", "filled,bold"),
    Kind("pool", "pooling", "#d6efe6", "#007a5a", "polygon", "filled"),
    Kind("join", "where arms join", "#e9e9ee", "#3c4450", "ellipse", "filled"),
    Kind("norm", "normalisation", "#f5e2ee", "#a34f80", "box", "filled,dashed"),
    Kind("activation", "activation", "#fdf0cc", "#96690a", "box", "filled,rounded"),
    Kind("end", "input and output", "#ffffff", "#3c4450", "box", "filled,rounded,bold"),
    Kind("block", "block of layers", "#e6e3f4", "#6456a3", "box3d", "filled"),
    Kind("other", "reshaping and other", "#f3f4f5", "#747d89", "box", "filled,dotted"),
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

_KIND_OF = {op: kind for kind in LEGEND for op in _OPS.get(kind.name, "").split()}


def kind_of(op: str) -> Kind:
    """The kind that an operation is drawn as."""
    return _KIND_OF.get(op, LEGEND[-1])


def dot(graph: LayerGraph, *, unfolded: Unfolded = (), direction: Direction = "TB", colour: Colour = "kind") -> str:
    """DOT text of a graph.

    Args:
        unfolded: the first block's path of each run of equal blocks to draw in full, or "all".
        direction: "TB" has the data run down, "LR" to the right.
        colour: as in `dot_of`.
    """
    return dot_of(drawing(graph, unfolded), direction, colour)


def dot_of(picture: Drawing, direction: Direction = "TB", colour: Colour = "kind", numbers: bool = True) -> str:
    """DOT text of a drawing.

    Args:
        colour: what the nodes' colours tell: the kind of operation, or how much of something a node has; the more,
            the deeper its fill and the thicker its border.
        numbers: whether what is computed stands there, too: shapes, parameters, MACs.
    """
    text = graphviz.Digraph(name=_name(picture.network))
    text.attr(
        "graph",
        rankdir=direction,
        newrank="true",  # ranks of all boxes together: else a gate's box may stand above what leads into it
        nodesep="0.17",
        ranksep="0.14",
        splines="spline",
        bgcolor="transparent",
        fontname=FONT,
        fontsize="9",
        fontcolor=LINE,
        labeljust="l",
        pad="0.06",
    )
    text.attr("node", fontname=FONT, fontsize="9", fontcolor=INK, fixedsize="true")
    text.attr("edge", color=LINE, arrowsize="0.5")
    faces = _faces(picture, direction, numbers)
    room = _room(picture, faces) if direction == "TB" else {}
    own = _heat(picture, colour)
    for node in picture.nodes:
        own.setdefault(node.path, {})["tooltip"] = _text(*_tooltip(node, numbers))
    _fill(text, picture, "", faces, room, own)
    number: Counter[tuple[str, str]] = Counter()
    for arc in picture.arcs:
        number[arc.source, arc.target] += 1
        _arc(text, arc, number[arc.source, arc.target], numbers)
    return str(text.source)


def _fill(
    text: graphviz.Digraph,
    picture: Drawing,
    box: str,
    faces: Mapping[str, "Face"],
    room: Mapping[str, "Room"],
    own: Mapping[str, dict[str, str]],
) -> None:
    for item in picture.inside(box):
        if isinstance(item, Node):
            text.node(_name(item.path), **(_node(item, faces[item.path]) | own[item.path]))
            continue
        with text.subgraph(name=f"cluster_{_name(item.path)}") as part:
            part.attr(**_box(item, room.get(item.path)))
            _fill(part, picture, item.path, faces, room, own)


def _heat(picture: Drawing, colour: Colour) -> dict[str, dict[str, str]]:
    """Fill and border of each node, by its share of the most that a node has, on a square-root scale."""
    if colour == "kind":
        return {}
    amounts = {node.path: AMOUNTS[colour](node) for node in picture.nodes}
    most = max(amounts.values(), default=0) or 1
    depth = {path: math.sqrt(amount / most) for path, amount in amounts.items()}
    return {
        path: {
            "fillcolor": "#" + "".join(f"{round(255 + share * (end - 255)):02x}" for end in HOTTEST),
            "penwidth": f"{0.7 + 2.3 * share:.1f}",
        }
        for path, share in depth.items()
    }


def _room(picture: Drawing, faces: Mapping[str, "Face"]) -> dict[str, "Room"]:
    """What each box's title has to leave free: the trunk on its way in, and the arc of its shortcut.

    Graphviz leaves room for neither. It makes a box as wide as its title, though.
    """
    trunk: dict[str, float] = {}
    box_of = {node.path: node.box for node in picture.nodes}
    beside = {box_of[arc.target] for arc in picture.arcs if arc.role == "identity"}
    parent_of = {box.path: box.parent for box in picture.boxes}
    for node in picture.nodes:
        home = node.box
        while home and not node.column:
            trunk[home] = max(trunk.get(home, 0), faces[node.path].width)
            home = parent_of[home]
    return {box: Room(width / 2, width + 40 * (box in beside)) for box, width in trunk.items()}


class Room(NamedTuple):
    """In points: from a box's left to its trunk, and the least width of the box."""

    to_trunk: float
    width: float


def _box(box: Box, room: Room | None) -> dict[str, str]:
    several = box.run is not None
    names, _, count = (_marked(Span(word)) for word in box.label.partition(" · "))
    if several and room:
        cells = [f'ALIGN="LEFT" WIDTH="{room.to_trunk + 6:.0f}">{names}', f'ALIGN="LEFT"><B>{count}</B>']
    else:
        cells = [f'ALIGN="LEFT">{names} · <B>{count}</B>' if several else f'ALIGN="LEFT">{names}']
    width = f' WIDTH="{room.width:.0f}"' if room else ""
    row = "".join(f"<TD {cell}</TD>" for cell in cells)
    label = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"{width}><TR>{row}</TR></TABLE>'
    return {
        "label": f"<{label}>",
        "id": _text(f"block:{box.path}"),
        "class": " ".join(["block", box.kind, *["run"] * several, *["opened"] * (box.opens is not None)]),
        "style": "rounded,filled,bold" if several else "rounded,filled",
        "color": LINE,
        "fillcolor": "#8088941a",
        "penwidth": "2" if several else "0.7",
        "margin": "6",
        "tooltip": _text(box.label),
    }


def _node(node: Node, face: "Face") -> dict[str, str]:
    kind = kind_of(node.layers[0].op)
    style = {
        "label": f"<{'<BR/>'.join(''.join(map(_marked, line)) for line in face.lines)}>",
        "id": _text(node.path),
        "class": " ".join([kind.name, node.layers[0].op, *["repeated"] * (node.shared_with is not None)]),
        "group": _text(node.line or "trunk"),
        "shape": kind.shape,
        "style": kind.style,
        "fillcolor": kind.fill,
        "color": kind.line,
        "width": f"{face.width / 72:.2f}",
        "height": f"{face.height / 72:.2f}",
    }
    if kind.shape == "polygon":
        style |= {"sides": "4", "distortion": "0.12"}
    if node.run:
        style["peripheries"] = "2"
    return style


def _tooltip(node: Node, numbers: bool) -> Iterator[str]:
    for layer in node.layers:
        yield f"{layer.path}: {title(layer)}"
    if not numbers:
        return
    before = ", ".join(by_sign(shape) for shape in node.layers[0].input_shapes)
    yield f"{before} → {by_sign(node.output_shape)}" if before else by_sign(node.output_shape)
    if node.params:
        yield f"{node.params:,} parameters"
    if node.macs:
        yield f"{node.macs:,} MACs"


def _arc(text: graphviz.Digraph, arc: Arc, number: int, numbers: bool) -> None:
    line, word = ROLES[arc.role]
    style = {
        "id": _text(f"{arc.source}->{arc.target}" + (f"#{number}" if number > 1 else "")),
        "class": arc.role,
        "style": line,
        "weight": "100" if arc.straight else "0" if arc.role == "identity" else "2" if arc.joins else "1",
        "tooltip": f"{word}: {by_sign(arc.shape)}" if numbers else word,
    }
    if arc.role == "projection":
        style["penwidth"] = "1.6"
    text.edge(_name(arc.source), _name(arc.target), **style)


# --- what stands on a node -----------------------------------------------------


class Span(NamedTuple):
    """A stretch of text on a node."""

    text: str
    size: float = 9.0
    colour: str = INK
    bold: bool = False

    @property
    def width(self) -> float:
        """About how wide it is in Helvetica, in points, and rather too wide: readers have other fonts."""
        return (1.08 if self.bold else 1.0) * self.size * sum(map(_em, self.text))


@dataclass(frozen=True)
class Face:
    """The lines of text on a node, and its size in points.

    It is measured here and not by Graphviz, so that a picture is the same on every machine, also on one
    without fonts, where Graphviz measures nothing.
    """

    lines: tuple[tuple[Span, ...], ...]
    width: float = 0.0

    @property
    def height(self) -> float:
        """Of the lines, each as high as its largest span, and some air."""
        return sum(1.2 * max(span.size for span in line) for line in self.lines) + 4.5

    @property
    def text_width(self) -> float:
        """Of the widest line, with some air."""
        return max(sum(span.width for span in line) for line in self.lines) + 18


def _faces(picture: Drawing, direction: Direction, numbers: bool) -> dict[str, Face]:
    """Each node's face: broad and low; narrow from left to right, and on arms where there are three or more.

    All nodes of a column that runs down are equally wide.
    """
    arms = Counter(arc.target for arc in picture.arcs if arc.joins and arc.role != "identity")
    many = max(arms.values(), default=0) > 2
    faces: dict[str, Face] = {}
    widths: dict[str, float] = {}
    for node in picture.nodes:
        narrow = direction == "LR" or (many and node.column)
        face = Face(tuple(_narrow(node, numbers) if narrow else _broad(node, numbers)))
        slanted = 14 if kind_of(node.layers[0].op).shape != "box" else 0
        column = node.column if direction == "TB" else node.path
        widths[column] = max(widths.get(column, 0), face.text_width + slanted)
        faces[node.path] = face
    return {
        node.path: replace(faces[node.path], width=widths[node.column if direction == "TB" else node.path])
        for node in picture.nodes
    }


def _broad(node: Node, numbers: bool) -> Iterator[tuple[Span, ...]]:
    does = [Span(node.title, 10, bold=True)]
    if node.followers:
        does.append(Span(f" + {node.followers.replace(' · ', ' + ')}"))
    small = [Span(f" · {word}", 8, QUIET) for word in _remarks(node, numbers)]
    shape = _shape(node, numbers)
    if node.params or node.shared_with:
        yield tuple(does)
        yield (Span(shape), *small)
    else:
        yield (*does, Span(f" · {shape}"), *small)


def _narrow(node: Node, numbers: bool) -> Iterator[tuple[Span, ...]]:
    yield (Span(node.title, 10, bold=True),)
    if node.followers:
        yield (Span(node.followers, 8),)
    yield (Span(_shape(node, numbers)),)
    for word in _remarks(node, numbers):
        yield (Span(word, 8, QUIET),)


def _shape(node: Node, numbers: bool) -> str:
    given = numbers or node.layers[0].op == "input"
    return by_sign(node.output_shape) if given else " × ".join("?" * len(node.output_shape))


def _remarks(node: Node, numbers: bool) -> Iterator[str]:
    if node.name:
        yield node.name if len(node.name) <= LONGEST_NAME else f"…{node.name[-LONGEST_NAME:]}"
    if node.shared_with:
        yield f"weights of {node.shared_with}"
    elif node.params and numbers:
        yield f"{rounded(node.params)} params"
    if node.run:
        yield f"×{len(node.run.blocks)}"


# --- text --------------------------------------------------------------------


_NOT_IN_NAMES = str.maketrans({":": "ː", "\\": "∖", "<": "‹", ">": "›"})


def _name(path: str) -> str:
    """A path as a DOT name, in which ':' would be a port, '<' HTML, and a backslash an escape."""
    return _printable(path).translate(_NOT_IN_NAMES)


def _text(*lines: str) -> str:
    escaped = (_printable(line).replace("\\", "\\\\").replace("&", "&amp;") for line in lines)
    text: str = graphviz.nohtml("\\n".join(escaped))
    return text


def _marked(span: Span) -> str:
    words = escape(_printable(span.text)).replace("\\", "\\\\")
    words = f"<B>{words}</B>" if span.bold else words
    look = f' POINT-SIZE="{span.size:g}"' if span.size != 9 else ""
    look += f' COLOR="{span.colour}"' if span.colour != INK else ""
    return f"<FONT{look}>{words}</FONT>" if look else words


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)


def _em(letter: str) -> float:
    if letter in " .,·:;il|!'()[]jtfI":
        return 0.3
    return 0.87 if letter in "mwMW" else 0.7 if letter.isupper() else 0.56
