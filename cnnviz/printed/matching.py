"""Which layer of a graph a printed row is.

Rows and layers of one operation stand in the same order, but for the arms of a module that is printed as a group
(`3a`): those are told by what they read and who reads them, as tables list arms in an order of their own.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cnnviz.graph import Layer, LayerGraph
from cnnviz.printed.table import PrintedRow

KINDS = frozenset({"conv", "maxpool", "avgpool", "linear", "concat", "input"})


@dataclass(frozen=True)
class Matched:
    """The rows of a table beside the layers of a graph, None for a row that it has no layer for."""

    rows: tuple[PrintedRow, ...]
    layers: tuple[Layer | None, ...]
    graph: LayerGraph

    def reads(self, at: int) -> tuple[int, ...]:
        """The rows whose layers a row's layer reads, in the order of its operands."""
        layer = self.layers[at]
        return tuple(self._places[path] for path in sources(self.graph, layer.path, self._places)) if layer else ()

    def named(self, at: int) -> tuple[int | None, ...]:
        """The rows that a row's `input_layer` names: each the nearest one above that is called so, None if none is."""
        return named_above(self.rows, at)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {layer.path: at for at, layer in enumerate(self.layers) if layer}


def match(rows: Sequence[PrintedRow], graph: LayerGraph) -> Matched:
    """Find each row's layer."""
    found: list[Layer | None] = [None] * len(rows)
    inside: set[str] = set()
    for group in dict.fromkeys(row.group for row in rows if row.group):
        members = [at for at, row in enumerate(rows) if row.group == group]
        module = next((block for block in graph.blocks if block.path.endswith(group)), None)
        if len(members) == 1 or module is None:
            continue
        inside |= set(module.layers)
        arms = {_as_drawn(graph, path, module.layers): path for path in module.layers if _counts(graph.layer(path))}
        for at in members:
            path = arms.get(_as_printed(rows, at))
            found[at] = graph.layer(path) if path else None
    for kind in KINDS:
        waiting = [layer for layer in graph.layers if layer.op == kind and _counts(layer) and layer.path not in inside]
        # a row of a group that is a module has been looked for already
        asking = [at for at, row in enumerate(rows) if row.kind == kind and not _in_module(rows, at)]
        for at, layer in zip(asking, waiting, strict=False):
            found[at] = layer
    return Matched(tuple(rows), tuple(found), graph)


def sources(graph: LayerGraph, path: str, wanted: frozenset[str] | dict[str, int]) -> tuple[str, ...]:
    """The nearest layers of `wanted` that a layer reads, through whatever lies between."""
    found: dict[str, None] = {}
    met = {path}  # there are as many ways up through nine inception modules as 4 to the ninth

    def look_above(at: str) -> None:
        for edge in graph.incoming(at):
            if edge.source in wanted:
                found[edge.source] = None
            elif edge.source not in met:
                met.add(edge.source)
                look_above(edge.source)

    look_above(path)
    return tuple(found)


def named_above(rows: Sequence[PrintedRow], at: int) -> tuple[int | None, ...]:
    """As `Matched.named`."""
    text = rows[at].cells.get("input_layer")
    names = [name.strip() for name in text.split(",")] if isinstance(text, str) else []
    return tuple(next((n for n in range(at - 1, -1, -1) if rows[n].layer == name), None) for name in names)


def _counts(layer: Layer) -> bool:
    """Whether a table has a row for it; an adaptive pooling that finds the size it is to give does nothing."""
    return layer.op in KINDS and not (
        layer.op == "avgpool" and layer.hyper("kernel") is None and layer.input_shapes[0] == layer.output_shape
    )


def _in_module(rows: Sequence[PrintedRow], at: int) -> bool:
    return bool(rows[at].group) and sum(row.group == rows[at].group for row in rows) > 1


def _as_printed(rows: Sequence[PrintedRow], at: int) -> Hashable:
    """What a row is, what it reads within its group, and who reads it there."""
    group = [n for n, row in enumerate(rows) if row.group == rows[at].group]
    if rows[at].kind == "concat":
        return "concat"
    before = [_window(rows[n]) for n in named_above(rows, at) if n in group]
    after = [_window(rows[n]) for n in group if at in named_above(rows, n) and rows[n].kind != "concat"]
    return _window(rows[at]), tuple(before), tuple(after)


def _window(row: PrintedRow | None) -> Hashable:
    return row and (row.kind, row.number("kernel_h"))


def _as_drawn(graph: LayerGraph, path: str, block: Sequence[str]) -> Hashable:
    if graph.layer(path).op == "concat":
        return "concat"
    counted = frozenset(p for p in block if _counts(graph.layer(p)))
    before = (
        [_drawn_window(graph.layer(p)) for p in sources(graph, path, counted)] if _inner(graph, path, block) else []
    )
    after = [
        _drawn_window(graph.layer(p))
        for p in block
        if p in counted and graph.layer(p).op != "concat" and path in sources(graph, p, counted)
    ]
    return _drawn_window(graph.layer(path)), tuple(before), tuple(after)


def _inner(graph: LayerGraph, path: str, block: Sequence[str]) -> bool:
    return any(edge.source in block for edge in graph.incoming(path))


def _drawn_window(layer: Layer) -> Hashable:
    kernel = layer.hyper("kernel")
    return layer.op, kernel[0] if isinstance(kernel, tuple) else None
