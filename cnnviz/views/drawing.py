"""What a picture of a layer graph shows: which nodes, arcs and boxes, and what stands on them.

It is decided once, here, for Graphviz and Mermaid alike: a convolution with its norm and its
activation is one node; equal blocks in a row are drawn once, with their count; a block is
boxed where that tells more than its layers alone; the arms of a join carry its roles.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from cnnviz.analysis.folding import Fold, chains, folds, outline
from cnnviz.analysis.roles import JOINS, immediate_dominators
from cnnviz.graph import Block, Layer, LayerGraph, Role, Shape, Value

Unfolded = Collection[str] | Literal["all", "outline"]
"""Paths of the first blocks of the runs that are drawn in full, or all of them; an outline has blocks as nodes."""


@dataclass(frozen=True)
class Node:
    """A layer, with the norm and the activation that follow it alone.

    Attributes:
        layers: one or more; the first one's path is the node's.
        column: the arm that it is on; the trunk's is the empty one.
        line: nodes of one line stand in a straight one; a module's middle arm has the trunk's.
        box: path of the box around it, or "" for none.
        run: the fold that it stands for alone, where a folded block is no more than this node.
    """

    layers: tuple[Layer, ...]
    column: str = ""
    line: str = ""
    box: str = ""
    run: Fold | None = None

    @property
    def path(self) -> str:
        """Path of the first layer, which gives the node its kind and its title."""
        return self.layers[0].path

    @property
    def output_shape(self) -> Shape:
        """What leaves the node, without the batch."""
        return self.layers[-1].output_shape

    @property
    def params(self) -> int:
        """Of all its layers."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Of all its layers."""
        return sum(layer.macs for layer in self.layers)

    @property
    def title(self) -> str:
        """What the first layer does: 'conv 7×7 / 2, pad 3'."""
        return title(self.layers[0])

    @property
    def followers(self) -> str:
        """What is done to its result: 'batch norm · ReLU', or ''."""
        return " · ".join(title(layer) for layer in self.layers[1:])

    @property
    def name(self) -> str:
        """The path from its box on, or '' where the title says the same."""
        name = self.path.removeprefix(f"{self.box}.") if self.box else self.path
        return "" if name.replace("-", "") == self.layers[0].op else name

    @property
    def shared_with(self) -> str | None:
        """The layer whose weights are applied again here."""
        return next((layer.shared_with for layer in self.layers if layer.shared_with), None)


@dataclass(frozen=True)
class Arc:
    """A tensor from node to node.

    Attributes:
        role: of the arm that it belongs to, all along, and not only where the arm ends.
        straight: whether it runs within a column, without a layer skipped.
        joins: whether it enters the join of its arm.
    """

    source: str
    target: str
    shape: Shape
    role: Role
    straight: bool = False
    joins: bool = False


@dataclass(frozen=True)
class Box:
    """A block with a frame around it, and the box that it lies in ("" for none).

    Attributes:
        run: the fold that it stands for: its first block is drawn, with the count.
        opens: the fold that was opened here, which could be folded again.
    """

    path: str
    kind: str
    parent: str
    run: Fold | None = None
    opens: Fold | None = None

    @property
    def label(self) -> str:
        """The block's name, or those of all that it stands for, and their number."""
        return self.path if self.run is None else run_label(self.run)


@dataclass(frozen=True)
class Drawing:
    """Nodes in the order of the data, arcs in that of their targets, outer boxes before inner ones.

    Attributes:
        stands_for: each layer that a fold hides, and the layer of the run's first block drawn in its stead; in an
            outline, each layer of a block, and the block.
    """

    network: str
    nodes: tuple[Node, ...]
    arcs: tuple[Arc, ...]
    boxes: tuple[Box, ...]
    stands_for: Mapping[str, str] = field(default_factory=dict)

    def node_of(self, path: str) -> str | None:
        """Path of the node that shows a layer, or what stands for it; None where the graph has no such layer."""
        return self._nodes_by_layer.get(self.stands_for.get(path, path))

    @cached_property
    def _nodes_by_layer(self) -> dict[str, str]:
        return {layer.path: node.path for node in self.nodes for layer in node.layers}

    def layer_at(self, node: str) -> str:
        """Path of the layer that a node is picked for: its own, or that of a block's first layer."""
        blocks = (other.path for other in self.nodes if other.layers[0].op == "block")
        if node not in blocks:
            return node
        return next(layer for layer, block in self.stands_for.items() if block == node)

    def inside(self, box: str) -> list[Node | Box]:
        """What lies directly in a box, or outside of all for "", in the order of the data."""
        return self._contents.get(box, [])

    @cached_property
    def _contents(self) -> dict[str, list[Node | Box]]:
        boxes = {box.path: box for box in self.boxes}
        contents: dict[str, list[Node | Box]] = {}
        for node in self.nodes:
            item: Node | Box = node
            home = node.box
            while home not in contents and home in boxes:  # a box comes where its first node does
                contents[home] = [item]
                item, home = boxes[home], boxes[home].parent
            contents.setdefault(home, []).append(item)
        return contents


def legend(picture: Drawing, numbers: bool = True) -> str:
    """What the lines of a picture mean, in a sentence or two; and its numbers, where it has some."""
    roles = {arc.role for arc in picture.arcs}
    words = [
        word
        for role, word in (
            ("identity", "a solid arc beside the trunk is an identity shortcut"),
            ("projection", "a dotted one is a projection"),
            ("branch", "arms side by side join where their lines meet"),
            ("gate", "a dashed one is a gate"),
        )
        if role in roles
    ]
    lines = ", ".join(words)
    shapes = "Each node shows the shape of its output: channels × height × width." if numbers else ""
    return f"{lines[0].upper()}{lines[1:]}. {shapes}".strip() if lines else shapes


def drawing(graph: LayerGraph, unfolded: Unfolded = ()) -> Drawing:
    """What the picture of a graph shows."""
    if unfolded == "outline":
        blocks, stands_for = outline(graph)
        return replace(drawing(blocks), stands_for=stands_for)
    runs = folds(graph)
    closed = [run for run in runs if unfolded != "all" and run.blocks[0] not in unfolded]
    stands_for = _stand_ins(graph, closed)
    nodes = [Node(chain) for chain in chains(graph) if chain[0].path not in stands_for]
    arcs = _arcs(graph, nodes, stands_for)
    columns, lines, straight = _columns(nodes, arcs)
    arcs = _styled(nodes, arcs, straight)
    boxes, around = _boxes(graph, nodes, runs, closed)
    alone = {run.blocks[0]: run for run in closed if run.blocks[0] not in {box.path for box in boxes}}
    return Drawing(
        network=graph.network,
        nodes=tuple(
            replace(
                node,
                column=columns.get(node.path, node.path),
                line=lines.get(node.path, node.path),
                box=around.get(node.path, ""),
                run=next((run for path, run in alone.items() if _within(node.path, path)), None),
            )
            for node in nodes
        ),
        arcs=tuple(arcs),
        boxes=boxes,
        stands_for=stands_for,
    )


def _stand_ins(graph: LayerGraph, closed: Iterable[Fold]) -> dict[str, str]:
    """Each layer that a fold hides, and the layer of the run's first block that is drawn in its stead."""
    drawn: dict[str, str] = {}
    layers = {block.path: block.layers for block in graph.blocks}
    for run in closed:  # outer runs come first: what they hid is hidden already
        first = run.blocks[0]
        for block in run.blocks[1:]:
            drawn |= {path: first + path.removeprefix(block) for path in layers[block] if path not in drawn}

    def final(path: str) -> str:
        while path in drawn:
            path = drawn[path]
        return path

    return {path: final(path) for path in drawn}


def _arcs(graph: LayerGraph, nodes: Iterable[Node], stands_for: dict[str, str]) -> list[Arc]:
    node_of = {layer.path: node.path for node in nodes for layer in node.layers}
    arcs = []
    for path, home in node_of.items():
        for edge in graph.incoming(path):
            source = node_of[stands_for.get(edge.source, edge.source)]
            if source != home:
                arcs.append(Arc(source, home, edge.shape, edge.role))
    return arcs


def _by_target(arcs: Iterable[Arc]) -> dict[str, list[Arc]]:
    arriving: dict[str, list[Arc]] = {}
    for arc in arcs:
        arriving.setdefault(arc.target, []).append(arc)
    return arriving


def _dominators(nodes: Iterable[Node], arriving: dict[str, list[Arc]]) -> dict[str, str]:
    return immediate_dominators({node.path: [arc.source for arc in arriving.get(node.path, ())] for node in nodes})


def _columns(nodes: list[Node], arcs: list[Arc]) -> tuple[dict[str, str], dict[str, str], set[Arc]]:
    """The column and the line of each node, and the arcs that run along a line.

    Both are followed from their ends backwards: at a join along the main arm; where all arms are equals,
    straight to the fork, with the line through the middle arm. Every other arm has both of its own.
    """
    arriving = _by_target(arcs)
    dominators = _dominators(nodes, arriving)
    depth: dict[str, int] = {}
    for node in nodes:
        depth[node.path] = 1 + max((depth[arc.source] for arc in arriving.get(node.path, ())), default=0)
    leading_on = {arc.source for arc in arcs}
    ends = sorted((node.path for node in nodes if node.path not in leading_on), key=lambda path: -depth[path])
    columns: dict[str, str] = {}
    lines: dict[str, str] = {}
    straight: set[Arc] = set()
    named = ["", *(f"to {end}" for end in ends[1:])]
    ahead = deque(zip(ends, named, named, strict=True))
    while ahead:
        path, column, line = ahead.popleft()
        while path not in columns:
            columns[path], lines[path] = column, line
            entering = arriving.get(path, [])
            if not entering:
                break
            mains = [arc for arc in entering if arc.role == "main"]
            fork = dominators[path]
            if len(mains) == 1:
                along, middle = mains[0], None
            elif any(arc.source == fork for arc in entering):  # a densely connected net
                along, middle = max(entering, key=lambda arc: depth[arc.source]), None
            else:
                along, middle = None, entering[(len(entering) - 1) // 2]
            for number, arc in enumerate(entering):
                if arc is not along:
                    arm = f"{path} {number}"
                    ahead.append((arc.source, arm, line if arc is middle else arm))
            straight |= {arc for arc in (along, middle) if arc is not None}
            path = fork if along is None else along.source
    return columns, lines, {arc for arc in straight if lines[arc.source] == lines[arc.target]}


def _styled(nodes: list[Node], arcs: list[Arc], straight: set[Arc]) -> list[Arc]:
    """Every arc with the role of its arm, from the fork on; of nested arms the inner one counts."""
    arriving = _by_target(arcs)
    dominators = _dominators(nodes, arriving)
    role: dict[Arc, Role] = {}
    for join in (node.path for node in nodes):
        for end in arriving.get(join, ()):
            if end.role == "main":
                continue
            role[end] = end.role
            ahead, seen = [end.source], {dominators[join]}
            while ahead:
                path = ahead.pop()
                if path not in seen:
                    seen.add(path)
                    for arc in arriving.get(path, ()):
                        role.setdefault(arc, end.role)
                        ahead.append(arc.source)
    return [
        replace(arc, role=role.get(arc, "main"), straight=arc in straight, joins=arc.role != "main") for arc in arcs
    ]


def _boxes(
    graph: LayerGraph, nodes: list[Node], runs: Iterable[Fold], closed: Collection[Fold]
) -> tuple[tuple[Box, ...], dict[str, str]]:
    """The boxes, and the innermost one around each node.

    Boxed are blocks that contain a join, runs of blocks and their siblings (of more than a node each), and
    what those lie in. Boxes around the single arms of a module would only push them out of order.
    """
    drawn = {node.path for node in nodes}
    joins = {layer.path for layer in graph.layers if layer.op in JOINS and len(graph.incoming(layer.path)) > 1}
    in_runs = {path: run for run in runs for path in run.blocks}
    beside_runs = {path.rpartition(".")[0] for path in in_runs}
    inside = {block.path: [path for path in block.layers if path in drawn] for block in graph.blocks}
    worth = {
        block.path
        for block in graph.blocks
        if inside[block.path]
        and (
            not joins.isdisjoint(block.layers)
            or (block.path.rpartition(".")[0] in beside_runs and len(inside[block.path]) > 1)
        )
    }
    outer_first = sorted(graph.blocks, key=lambda block: block.path.count("."))
    boxed = [block for block in outer_first if worth & _and_inner(block, graph.blocks)]
    boxes: list[Box] = []
    around: dict[str, str] = {}
    for block in boxed:
        if not inside[block.path]:
            continue
        run = in_runs.get(block.path)
        first = run is not None and run.blocks[0] == block.path
        boxes.append(
            Box(
                path=block.path,
                kind=block.kind,
                parent=around.get(inside[block.path][0], ""),
                run=run if first and run in closed else None,
                opens=run if first and run not in closed else None,
            )
        )
        around |= dict.fromkeys(inside[block.path], block.path)
    return tuple(boxes), around


def _and_inner(block: Block, blocks: Iterable[Block]) -> set[str]:
    return {block.path} | {other.path for other in blocks if _within(other.path, block.path)}


def _within(path: str, block: str) -> bool:
    return path.startswith(f"{block}.")


# --- words -------------------------------------------------------------------

WORDS = {
    "batchnorm": "batch norm",
    "instancenorm": "instance norm",
    "layernorm": "layer norm",
    "groupnorm": "group norm",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leakyrelu": "leaky ReLU",
    "prelu": "PReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "lrn": "LRN",
    "rbf": "RBF",
    "logsoftmax": "log-softmax",
    "linear": "fully connected",
    "convtranspose": "transposed conv",
    "maxpool": "max pool",
    "avgpool": "average pool",
    "mul": "multiply",
}


def title(layer: Layer) -> str:
    """What a layer does, in the papers' words: 'conv 7×7 / 2, pad 3', 'depth-concat'."""
    word = WORDS.get(layer.op, layer.op)
    if layer.op == "block":
        kind = str(layer.hyper("kind"))
        return kind if kind in ("stage", "sequence") else f"{kind} block"
    if layer.hyper("output_size") is not None:
        size = _ints(layer.hyper("output_size"))
        return f"global {word}" if size == (1, 1) else f"{word} to {_times(size)}"
    if layer.hyper("kernel") is not None:
        return _window(word, layer)
    if layer.op == "concat" and len(layer.output_shape) == 3 and layer.hyper("dim") in (1, -3):
        return "depth-concat"
    if layer.op == "dropout" and layer.hyper("p") is not None:
        return f"dropout {layer.hyper('p'):g}"
    if layer.op == "slice" and max(_ints(layer.hyper("step")) or (1,)) > 1:
        return f"slice / {_one(_ints(layer.hyper('step')))}"
    if layer.op == "slice" and layer.hyper("index"):
        return f"slice [{layer.hyper('index')}]"
    if layer.op == "pad" and any(_ints(layer.hyper("channels"))):
        return f"zero-pad {sum(_ints(layer.hyper('channels')))} channels"
    return word


def _window(word: str, layer: Layer) -> str:
    kernel, stride, padding = (_ints(layer.hyper(name)) for name in ("kernel", "stride", "padding"))
    text = f"{word} {_times(kernel)}"
    if set(stride) != {1}:
        text += f" / {_one(stride)}"
    if any(padding):
        text += f", pad {_one(padding)}"
    if set(_ints(layer.hyper("dilation")) or (1,)) != {1}:
        text += f", dilation {_one(_ints(layer.hyper('dilation')))}"
    groups = layer.hyper("groups")
    if isinstance(groups, int) and groups > 1:
        text += f", {groups} groups"
    return text


def run_label(run: Fold) -> str:
    """How many blocks a folded one stands for: 'layer3.1 to layer3.35 · ×35, the same'."""
    if run.repeated:
        return f"{run.blocks[0]} · ×{len(run.blocks)}, one module"
    return f"{run.blocks[0]} to {run.blocks[-1]} · ×{len(run.blocks)}, the same"


def by_sign(shape: Shape) -> str:
    """'64 × 112 × 112'."""
    return " × ".join(map(str, shape)) or "a number"


def rounded(number: int) -> str:
    """Three digits that can be read from afar: 640, '9.41 k', '2.36 M'."""
    for size, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if number >= size:
            value = number / size
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}{unit}"
    return str(number)


def memory(number: int) -> str:
    """33529664 -> '33.5 MB', in powers of 1000."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


def _times(sizes: Iterable[int]) -> str:
    return "×".join(str(size) if size >= 0 else "as it is" for size in sizes)


def _one(sizes: tuple[int, ...]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else _times(sizes)


def _ints(value: Value) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else ()
