"""A printed table held against a layer graph: each cell equal, or different for a reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cnnviz.graph import Layer, LayerGraph
from cnnviz.printed.computed import computed, computed_number
from cnnviz.printed.matching import KINDS, Matched, match
from cnnviz.printed.reasons import UNEXPLAINED, Case, reason, stride_of_the_text
from cnnviz.printed.table import LAYER_COLUMNS, Printed, PrintedRow, PrintedTable, read_table, read_text
from cnnviz.vocabulary import KEEPS_SHAPE

_CALLED = {"convolution": "conv", "pooling": "avgpool"}  # by the text


@dataclass(frozen=True)
class Cell:
    """A printed cell beside the computed one.

    Attributes:
        printed: None where nothing is printed, or nothing that can be read.
        equal: None there, as there is nothing to be equal to.
        reason: why they differ, "" where they don't.
    """

    printed: Printed | None
    computed: Printed | None
    equal: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """A printed row, by its columns; a cell that the table leaves blank isn't in `cells`.

    `path` is that of the layer that it is, "" for none.
    """

    group: str
    layer: str
    cells: Mapping[str, Cell]
    path: str = ""


@dataclass(frozen=True)
class Held:
    """A printed table beside what the network `against` has; what the text says of it are rows of the group `text`."""

    network: str
    against: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    printed_total: int | None
    computed_total: int
    total_reason: str = ""

    @property
    def differing(self) -> tuple[tuple[Row, str, Cell], ...]:
        """(row, column, cell) of whatever differs, in the order of the table."""
        return tuple((row, name, cell) for row in self.rows for name, cell in row.cells.items() if cell.equal is False)

    @property
    def compared(self) -> int:
        """How many cells are printed."""
        return sum(cell.equal is not None for row in self.rows for cell in row.cells.values())

    @property
    def lacking(self) -> tuple[tuple[Row, int], ...]:
        """The rows whose printed parameters differ, with how many more the network has."""
        return tuple(
            (row, cell.computed - cell.printed)
            for row, name, cell in self.differing
            if name == "params" and isinstance(cell.printed, int) and isinstance(cell.computed, int)
        )


def hold(name: str, graph: LayerGraph, network: str, others: Mapping[str, LayerGraph] | None = None) -> Held:
    """Hold a printed table against a graph.

    Args:
        name: of the table, as `read_table` has it.
        network: the key that was asked for, which `graph` need not be of.
        others: related networks; the article may have taken a figure from one of them.

    GoogLeNet's rows lack 584,192 parameters.
    """
    table = read_table(name)
    text = read_text(name)
    held = hold_rows(table, match(table.rows, graph))
    said = tuple(_of_the_text(row, table, graph) for row in text if row.layer in _CALLED)
    total = next((int(row.cells["params"]) for row in text if "params" in row.cells), table.total)
    found = Held(network, graph.network, table.columns, (*held, *said), total, graph.totals.params)
    if total in (None, found.computed_total):
        return found
    assert total is not None
    why = _total(table, found, total, graph, others or {})
    return Held(network, graph.network, table.columns, found.rows, total, found.computed_total, why)


def hold_rows(table: PrintedTable, matched: Matched) -> tuple[Row, ...]:
    """The rows of a table beside their layers."""
    return tuple(_row(matched, at, table.columns) for at in range(len(table.rows)))


def usual(graph: LayerGraph, against: LayerGraph) -> str:
    """In what the network as it is usually built differs from the one that its table is held against, in a sentence.

    ResNet-18 has 9,600 parameters more in batch norm and 172,032 in projections, and 3,904 biases fewer.
    """
    parts = [(what, count(graph) - count(against)) for what, count in _PARTS.items()]
    gap = graph.totals.params - against.totals.params
    if sum(number for _, number in parts) != gap:
        return f"{graph.network} as it is usually built has {graph.totals.params:,} parameters."
    listed = ", ".join(f"{abs(n):,} {'more' if n > 0 else 'fewer'} {what}" for what, n in parts if n)
    return f"{graph.network} as it is usually built has {graph.totals.params:,} parameters: {listed}."


def produce(graph: LayerGraph) -> Held:
    """The table that nobody has printed legibly, in the columns of the others: all computed.

    Rows are called as in AlexNet's, with the number of the stage between poolings: conv3-1, maxpool3, fc6.
    """
    rows: list[Row] = []
    stage, number = 1, 0
    for layer in graph.layers:
        if layer.op not in KINDS - {"input"} or (layer.op == "avgpool" and layer.hyper("kernel") is None):
            continue
        number += 1
        name = f"conv{stage}-{number}" if layer.op == "conv" else f"{'fc' if layer.op == 'linear' else layer.op}{stage}"
        above = rows[-1].layer if rows else "input"
        cells = {
            column: above if column == "input_layer" else computed_number(layer, column) for column in LAYER_COLUMNS
        }
        rows.append(
            Row(
                str(stage) if layer.op != "linear" else "",
                name,
                {column: Cell(None, value, None, "") for column, value in cells.items()},
                layer.path,
            )
        )
        if layer.op != "conv":
            stage, number = stage + 1, 0
    return Held(graph.network, graph.network, LAYER_COLUMNS, tuple(rows), None, graph.totals.params)


def _row(matched: Matched, at: int, columns: tuple[str, ...]) -> Row:
    row, layer = matched.rows[at], matched.layers[at]
    cells = {column: _cell(matched, at, column, row.cells[column]) for column in columns if column in row.cells}
    return Row(row.group, row.layer, cells, layer.path if layer else "")


def _cell(matched: Matched, at: int, column: str, printed: Printed) -> Cell:
    value = computed(matched, at, column)
    if _same(printed, value):
        return Cell(printed, value, True)
    return Cell(printed, value, False, reason(Case(matched, at, column, printed, value)))


def _same(printed: Printed, value: Printed | None) -> bool:
    """'Softmax' and 'softmax' say the same."""
    return str(printed).lower() == str(value).lower()


# --- the text and the total ----------------------------------------------------


def _of_the_text(row: PrintedRow, table: PrintedTable, graph: LayerGraph) -> Row:
    kind = _CALLED[row.layer]
    printed = row.cells["stride"]
    strides = {computed_number(layer, "stride") for layer in graph.layers if layer.op == kind}
    own = strides.pop() if len(strides) == 1 else None
    if printed == own:
        return Row(row.group, row.layer, {"stride": Cell(printed, own, True)})
    why = stride_of_the_text(table.rows, graph.input_shape[1], kind, int(printed), own)
    return Row(row.group, row.layer, {"stride": Cell(printed, own, False, why)})


def _total(table: PrintedTable, held: Held, total: int, graph: LayerGraph, others: Mapping[str, LayerGraph]) -> str:
    """Why a printed total isn't the computed one."""
    lacking = sum(number for _, number in held.lacking)
    if total + lacking == held.computed_total:
        added = sum(int(row.number("params") or 0) for row in table.rows)
        start = "The printed rows do add up to it; " if added == total else ""
        many = len(held.lacking)
        return f"{start}{many} of them lack {lacking:,} parameters, as the depth that they read is wrong."
    for key, other in others.items():
        if other.totals.params == total:
            return f"{total:,} is the total of {key}, another network: {_one_by_one(graph, other)}."
    return UNEXPLAINED


def _one_by_one(graph: LayerGraph, other: LayerGraph) -> str:
    """'900 fewer parameters in c3, 12 more in s2': layer by layer, where both have as many."""
    pairs = list(zip(_chain(graph), _chain(other), strict=False))
    gaps = [(theirs.path, theirs.params - ours.params) for ours, theirs in pairs]
    if sum(gap for _, gap in gaps) != other.totals.params - graph.totals.params:
        return f"it has {other.totals.params - graph.totals.params:+,} parameters"
    parts = [f"{abs(gap):,} {'more' if gap > 0 else 'fewer'} in {path}" for path, gap in gaps if gap]
    return "it has " + ", ".join(parts)


def _chain(graph: LayerGraph) -> list[Layer]:
    return [layer for layer in graph.layers if layer.op not in KEEPS_SHAPE | {"input", "output", "flatten"}]


# --- what else a network of this name has ------------------------------------------


def _biases(graph: LayerGraph) -> int:
    return sum(layer.output_shape[0] for layer in graph.layers if layer.op == "conv" and layer.hyper("bias"))


def _norms(graph: LayerGraph) -> int:
    return sum(layer.params for layer in graph.layers if layer.op == "batchnorm")


def _projections(graph: LayerGraph) -> int:
    """Weights of the convolutions on arms that end as a projection."""
    on_arms: list[Layer] = []
    for edge in graph.edges:
        at = edge.source
        while edge.role == "projection" and len(graph.outgoing(at)) == 1:  # up to the fork
            on_arms.append(graph.layer(at))
            at = graph.incoming(at)[0].source
    return sum(
        layer.params - (layer.output_shape[0] if layer.hyper("bias") else 0) for layer in on_arms if layer.op == "conv"
    )


_PARTS: dict[str, Callable[[LayerGraph], int]] = {
    "in batch norm": _norms,
    "in projections": _projections,
    "in biases of convolutions": _biases,
}
