"""Why a printed cell differs from the computed one: rules that look at the numbers, never at which cell it is.

A rule gets a `Case` and gives a sentence, or None where it has nothing to say; the first that speaks is taken.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnnviz.graph import Layer
from cnnviz.printed.computed import computed
from cnnviz.printed.matching import Matched
from cnnviz.printed.table import Printed, PrintedRow

POOLINGS = frozenset({"maxpool", "avgpool"})
DEPTHS = frozenset({"in_c", "channels_in"})


@dataclass(frozen=True)
class Case:
    """A cell that differs, and all around it."""

    matched: Matched
    at: int
    column: str
    printed: Printed
    computed: Printed | None

    @property
    def row(self) -> PrintedRow:
        """The row that it stands in."""
        return self.matched.rows[self.at]

    @property
    def layer(self) -> Layer | None:
        """The layer that the row is."""
        return self.matched.layers[self.at]

    def name(self, at: int) -> str:
        """A row's name as one says it here: with its group, if that is another one."""
        row = self.matched.rows[at]
        return row.layer if row.group in ("", self.row.group) else f"{row.layer} of {row.group}"

    def has(self, column: str) -> Printed | None:
        """What this row's layer has in another column."""
        return computed(self.matched, self.at, column)


Rule = Callable[[Case], str | None]


def reason(case: Case) -> str:
    """Why a cell differs, in one sentence."""
    said = (rule(case) for rule in RULES)
    return next((sentence for sentence in said if sentence), UNEXPLAINED)


UNEXPLAINED = "No rule of ours says why."


# --- windows and sizes -------------------------------------------------------


def no_layer(case: Case) -> str | None:
    """A row that the network has no layer for."""
    return None if case.layer else f"{case.matched.graph.network} has no layer for this row."


def half_sided(case: Case) -> str | None:
    """A pad of 0.5: one pixel, on one side only; is that what the layer's windows reach beyond its input?"""
    layer = case.layer
    if case.column != "pad" or not isinstance(case.printed, float) or layer is None:
        return None
    beyond = reach(layer)
    if beyond is None or beyond != 2 * case.printed:
        return None
    if layer.hyper("ceil_mode"):
        how = "the network pads none, and lets its last window hang over by that pixel"
    else:
        how = f"the network pads {case.computed} on both, and its windows never get to the last"
    return f"A half-sided pad: {case.printed} stands for one pixel on one side only; {how}, which comes to the same."


def reach(layer: Layer) -> int | None:
    """By how many pixels a layer's windows together are higher than its input; None where it has no windows."""
    kernel, stride = layer.hyper("kernel"), layer.hyper("stride")
    if not isinstance(kernel, tuple) or not isinstance(stride, tuple):
        return None
    return (layer.output_shape[1] - 1) * stride[0] + kernel[0] - layer.input_shapes[0][1]


def same_padding(case: Case) -> str | None:
    """'same' for a pad: as much as keeps the map's size."""
    layer = case.layer
    if case.column != "pad" or case.printed != "same" or layer is None:
        return None
    if layer.output_shape[1:] != layer.input_shapes[0][1:]:
        return None
    side = layer.output_shape[1]
    return f"'Same' keeps a map of {side} at {side}, for which this kernel takes a pad of {case.computed}."


def other_input(case: Case) -> str | None:
    """Another size of the input, made up for by another pad: the row's own numbers give the same map."""
    if case.column not in ("in_h", "in_w", "pad") or case.layer is None:
        return None
    side, pad, stride, kernel = (case.row.number(name) for name in ("in_h", "pad", "stride", "kernel_h"))
    if side is None or pad is None or stride is None or kernel is None:
        return None
    out, own = case.has("out_h"), (case.has("in_h"), case.has("pad"))
    if (side, pad) == own or side == own[0] or math.floor((side + 2 * pad - kernel) / stride) + 1 != out:
        return None
    return f"Another convention: an input of {side} with a pad of {pad} gives {out}, as {own[0]} with {own[1]} does."


# --- depths ------------------------------------------------------------------


def pooling_keeps_depth(case: Case) -> str | None:
    """A pooling that is printed with another depth behind it than before it, or a wrong one on both sides."""
    if case.column not in ("out_c", "channels_out") or case.row.kind not in POOLINGS:
        return None
    return f"A pooling gives as many maps as it reads, and {_producer(case)} gives {case.computed}."


def depth_of_producer(case: Case) -> str | None:
    """A printed input depth that isn't the depth of what the layer reads."""
    reads = case.matched.reads(case.at)
    if case.column not in DEPTHS or not reads:
        return None
    start = f"{_producer(case)} gives {case.computed}"
    if case.column == "in_c" and case.row.cells.get("channels_in") == case.computed:
        start += ", as the row's own channels_in says"
    return f"{start}; {case.printed} is {_whose(case, reads)}."


def _whose(case: Case, reads: Sequence[int]) -> str:
    """Where a wrong depth comes from: from which other row, or from nowhere that we know."""
    rows = case.matched.rows
    group = [at for at in range(case.at - 1, -1, -1) if rows[at].group == case.row.group]
    if any(rows[at].number("out_c") == case.printed for at in reads):
        return "what that row is printed to give"
    arms = [at for at in _arms(case, reads) if rows[at].number("out_c") == case.printed]
    if case.column == "channels_in" and arms:
        return f"what one arm alone gives, {case.name(arms[-1])}"
    for at in group:
        if rows[at].number("out_c") == case.printed:
            return f"what {rows[at].layer} gives, {'the row above' if at == case.at - 1 else 'further up'}"
    for at in range(case.at - 1, -1, -1):
        if rows[at].layer == case.row.layer and rows[at].number(case.column) == case.printed:
            return f"what the same row of {rows[at].group} reads"
    return "no depth of a row near it"


def _arms(case: Case, reads: Sequence[int]) -> tuple[int, ...]:
    """The rows that are joined into what a layer reads, be it through a pooling."""
    for at in reads:
        kind = case.matched.rows[at].kind
        if kind == "concat":
            return case.matched.reads(at)
        if kind in POOLINGS:
            return _arms(case, case.matched.reads(at))
    return ()


def _producer(case: Case) -> str:
    return " and ".join(case.name(at) for at in case.matched.reads(case.at))


# --- parameters --------------------------------------------------------------


def params_of_the_row(case: Case) -> str | None:
    """A parameter count that follows from the row's own widths, of which the depth it reads is wrong."""
    columns = ("kernel_h", "kernel_w", "channels_in", "channels_out")
    widths = [number for number in map(case.row.number, columns) if number is not None]
    if case.column != "params" or len(widths) < len(columns) or widths[2] == case.has("channels_in"):
        return None
    if math.prod(widths) + widths[3] != case.printed:
        return None
    lacking = _difference(case)
    return (
        f"Follows from the {widths[2]} channels that the row reads, {' × '.join(map(str, widths))} + {widths[3]}; from "
        f"{case.has('channels_in')} it is {case.computed:,}, {abs(lacking):,} {'more' if lacking > 0 else 'fewer'}."
    )


def missing_bias(case: Case) -> str | None:
    """A count that leaves the biases out."""
    biases = case.has("channels_out")
    if case.column != "params" or _difference(case) != biases or not case.layer or not case.layer.hyper("bias"):
        return None
    return f"Counted without the {biases} biases."


def batch_norm_counted(case: Case) -> str | None:
    """A count that holds the scale and shift of a batch norm as well."""
    out = case.has("channels_out")
    if case.column != "params" or not isinstance(out, int) or _difference(case) != -2 * out:
        return None
    return f"Counted with the {out} scales and {out} shifts of the batch norm behind it."


def _difference(case: Case) -> int:
    ours, theirs = case.computed, case.printed
    return ours - theirs if isinstance(ours, int) and isinstance(theirs, int) else 0


# --- names -------------------------------------------------------------------


def beyond_the_producer(case: Case) -> str | None:
    """A row that names as its input what its input reads."""
    named, reads = case.matched.named(case.at), case.matched.reads(case.at)
    if case.column != "input_layer" or len(reads) != 1 or None in named:
        return None
    if named != case.matched.reads(reads[0]):
        return None
    return f"It reads {case.name(reads[0])}, which in turn reads {case.printed}."


def unknown_name(case: Case) -> str | None:
    """A name that no row has."""
    named = case.matched.named(case.at)
    if case.column != "input_layer" or None not in named or not isinstance(case.computed, str):
        return None
    words = str(case.printed).split(", "), case.computed.split(", ")
    wrong = [(said, meant) for said, meant in zip(*words, strict=False) if said != meant]
    return "; ".join(f"no row is called {said}, {meant} is meant" for said, meant in wrong).capitalize() + "."


RULES: tuple[Rule, ...] = (
    no_layer,
    half_sided,
    same_padding,
    other_input,
    pooling_keeps_depth,
    depth_of_producer,
    params_of_the_row,
    missing_bias,
    batch_norm_counted,
    beyond_the_producer,
    unknown_name,
)


# --- the text, and the total ---------------------------------------------------


def stride_of_the_text(rows: Sequence[PrintedRow], side: int, kind: str, printed: int, own: Printed | None) -> str:
    """Why the text's stride can't be: what maps it would give from those that the table prints.

    Args:
        side: of the network's input.
        own: the stride that the table prints.
    """
    for row in rows:
        kernel = str(row.cells.get("filter_size", ""))
        out = str(row.cells.get("feature_map", ""))
        if "x" not in out:
            continue
        after = int(out.partition("x")[0])
        if row.kind == kind and "x" in kernel:
            would = (side - int(kernel.partition("x")[0])) // printed + 1
            if would != after:
                return (
                    f"The table has {own}, and is right: with {printed}, {row.layer} would make {would} x {would} of "
                    f"{side} x {side}, where {after} x {after} is printed."
                )
        side = after
    return UNEXPLAINED
