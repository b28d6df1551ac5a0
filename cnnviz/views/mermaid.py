"""The layer graph as a Mermaid flowchart: the same picture as in DOT, for Markdown that draws Mermaid."""

import re
from collections import defaultdict
from collections.abc import Iterator

from cnnviz.graph import LayerGraph, Role
from cnnviz.views.dot import LEGEND, Direction, kind_of
from cnnviz.views.drawing import Drawing, Node, Unfolded, by_sign, drawing

_LINKS: dict[Role, str] = {
    "main": "==>",
    "identity": "-->",
    "projection": "-. projection .->",
    "branch": "-->",
    "gate": "-. gate .->",
}
_SHAPES = {
    "pool": ("[\\", "/]"),
    "join": ("([", "])"),
    "activation": ("(", ")"),
    "end": ("([", "])"),
    "block": ("[[", "]]"),
}


def mermaid(graph: LayerGraph, *, unfolded: Unfolded = (), direction: Direction = "TB") -> str:
    """Flowchart text of a graph; the arguments are those of `dot`.

    Nodes are n0, n1, … and boxes b0, b1, …, since a path can't be a name in Mermaid.
    """
    picture = drawing(graph, unfolded)
    names = {node.path: f"n{number}" for number, node in enumerate(picture.nodes)}
    names |= {box.path: f"b{number}" for number, box in enumerate(picture.boxes)}
    lines = [f"flowchart {direction}", *_inside(picture, "", names, "  ")]
    lines += [f"  {names[arc.source]} {_LINKS[arc.role]} {names[arc.target]}" for arc in picture.arcs]
    members: dict[str, list[str]] = defaultdict(list)
    for node in picture.nodes:
        members[kind_of(node.layers[0].op).name].append(names[node.path])
    for kind in LEGEND:
        if kind.name in members:
            lines.append(f"  classDef {kind.name}_ fill:{kind.fill},stroke:{kind.line},color:#1b2430")
            lines.append(f"  class {','.join(members[kind.name])} {kind.name}_")
    return "\n".join(lines) + "\n"


def _inside(picture: Drawing, box: str, names: dict[str, str], indent: str) -> Iterator[str]:
    for item in picture.inside(box):
        if isinstance(item, Node):
            yield f"{indent}{names[item.path]}{_node(item)}"
            continue
        yield f'{indent}subgraph {names[item.path]}["{_words(item.label)}"]'
        yield from _inside(picture, item.path, names, indent + "  ")
        yield f"{indent}end"


def _node(node: Node) -> str:
    before, after = _SHAPES.get(kind_of(node.layers[0].op).name, ("[", "]"))
    does = " + ".join([node.title, *([node.followers.replace(" · ", " + ")] if node.followers else [])])
    rest = [by_sign(node.output_shape), node.name, f"×{len(node.run.blocks)}" if node.run else ""]
    label = "<br/>".join(_words(line) for line in (does, " · ".join(filter(None, rest))))
    return f'{before}"{label}"{after}'


def _words(text: str) -> str:
    """Text in which nothing means anything to Mermaid, Markdown or HTML."""
    return re.sub(r"""["#&;<>`*_\[\]{}|\\]""", lambda sign: f"#{ord(sign[0])};", " ".join(text.split()))
