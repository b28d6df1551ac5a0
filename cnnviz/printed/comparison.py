"""The article's comparison of four networks, held against their graphs.

Its FLOP column mixes conventions: rules find which one a figure follows, and of which network it is.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cnnviz.graph import LayerGraph
from cnnviz.printed.held import Cell, Row
from cnnviz.printed.table import read, read_table, value_of

KEYS = {"AlexNet": "alexnet", "VGGNet": "vgg16", "Inception": "googlenet", "ResNet-152": "resnet152"}
"""Which network of the catalogue each printed name is."""

NEAR = 0.05  # how far off a figure may be that is called the nearest
_UNITS = {"M": 1e6, "B": 1e9}
UNEXPLAINED = "No count of ours comes near."


@dataclass(frozen=True)
class Protocol:
    """How a printed top-5 accuracy was measured: nothing here can compute one.

    Attributes:
        printed: in percent.
        leaves: what the source's error leaves of 100 %; None where no source is known.
        words: the protocol, with the source and its error.
    """

    network: str
    printed: float
    leaves: float | None
    words: str


def protocols() -> tuple[Protocol, ...]:
    """Those of the article's comparison, and last the one of the second best of 2012, which its text names."""
    return tuple(_protocol(line) for line in read("protocols"))


def _protocol(line: Mapping[str, str]) -> Protocol:
    error, words = line["error_percent"], line["protocol"]
    printed = float(line["top5_accuracy_percent"])
    if not error:
        return Protocol(line["network"], printed, None, words)
    leaves = round(100 - float(error), len(error.partition(".")[2]))
    source = f"{line['source']}: an error of {error} %, which leaves {leaves} %"
    return Protocol(line["network"], printed, leaves, f"{words} ({source})")


def hold_comparison(
    graphs: Mapping[str, LayerGraph], relatives: Mapping[str, tuple[str, ...]], years: Mapping[str, int]
) -> tuple[Row, ...]:
    """One row a printed network: its parameters, its FLOP beside our multiply-accumulates, its top-5 with its protocol.

    Args:
        years: by key, in which a network was published.
        graphs: by key, of `KEYS` and all relatives.
        relatives: by key, the networks of the same paper.
    """
    measured = {protocol.network: protocol.words for protocol in protocols()}
    rows = []
    for line in read("comparison"):
        key = KEYS[line["network"]]
        near = {other: graphs[other] for other in relatives.get(key, ()) if other != key}
        year = int(line["year"])
        cells = {
            "year": Cell(year, years[key], year == years[key]),
            "salient_feature": Cell(line["salient_feature"], None, None),
            "parameters": _parameters(line["parameters"], graphs[key]),
            "flop": _flop(line["flop"], graphs[key], near),
            # nothing here can compute an accuracy: what stands beside it is how it was measured
            "top5_accuracy_percent": Cell(
                value_of(line["top5_accuracy_percent"]), None, None, measured[line["network"]]
            ),
        }
        rows.append(Row("", line["network"], cells, key))
    return tuple(rows)


def rounds_to(number: float, printed: str) -> bool:
    """Whether a number, rounded to as many digits as are printed, is the printed one: 62,378,344 is '62M'."""
    figure, unit = _parts(printed)
    digits = len(figure.partition(".")[2])
    return f"{number / _UNITS[unit]:.{digits}f}" == figure


def with_running_statistics(graph: LayerGraph) -> int:
    """Parameters, and batch norm's running means and variances, which are none: as many as its scales and shifts."""
    return graph.totals.params + sum(layer.params for layer in graph.layers if layer.op == "batchnorm")


def macs_with_stride_first(graph: LayerGraph) -> int:
    """Multiply-accumulates, had each bottleneck its stride in the 1 x 1 before and not in the 3 x 3.

    ResNet-152 has 11.28 billion then, as its paper counts, and 11.51 as its published weights have it.
    """
    saved = 0
    for layer in graph.layers:
        stride, kernel = layer.hyper("stride"), layer.hyper("kernel")
        if layer.op != "conv" or kernel == (1, 1) or not isinstance(stride, tuple) or math.prod(stride) == 1:
            continue
        for before in _convs_before(graph, layer.path):
            if graph.layer(before).hyper("kernel") == (1, 1):
                saved += graph.layer(before).macs * (math.prod(stride) - 1) // math.prod(stride)
    return graph.totals.macs - saved


def _convs_before(graph: LayerGraph, path: str) -> Iterator[str]:
    for edge in graph.incoming(path):
        op = graph.layer(edge.source).op
        if op == "conv":
            yield edge.source
        elif op in ("batchnorm", "relu"):
            yield from _convs_before(graph, edge.source)


def _parameters(printed: str, graph: LayerGraph) -> Cell:
    params = graph.totals.params
    if rounds_to(params, printed):
        return Cell(printed, params, True)
    statistics = with_running_statistics(graph)
    total = _printed_total(graph.network)
    if rounds_to(statistics, printed):
        why = f"With batch norm's running means and variances, which are no parameters, it has {statistics:,}."
    elif total is not None and rounds_to(total, printed):
        why = f"The printed table's own total, {total:,}: its rows lack {params - total:,}."
    else:
        why = UNEXPLAINED
    return Cell(printed, params, False, why)


def _flop(printed: str, graph: LayerGraph, near: Mapping[str, LayerGraph]) -> Cell:
    macs = graph.totals.macs
    if rounds_to(macs, printed):
        return Cell(printed, macs, True, "Counted in multiply-accumulates.")
    if rounds_to(graph.totals.flops, printed):
        return Cell(printed, macs, False, "Counted with two operations a multiply-accumulate.")
    return Cell(printed, macs, False, _flop_reason(printed, graph, near))


def _flop_reason(printed: str, graph: LayerGraph, near: Mapping[str, LayerGraph]) -> str:
    for key, other in near.items():
        for count, way in _counts(other):
            if rounds_to(count, printed):
                return f"It is {key}'s {_billions(count)}, {way}."
    first = macs_with_stride_first(graph)
    if first != graph.totals.macs and rounds_to(first, printed):
        return (
            f"The paper has each block's stride in the first 1 x 1: {_billions(first)} multiply-accumulates; "
            f"the published weights have it in the 3 x 3."
        )
    figure, unit = _parts(printed)
    wanted = float(figure) * _UNITS[unit]
    counts = [(abs(count / wanted - 1), key, count, way) for key, g in near.items() for count, way in _counts(g)]
    off, key, count, way = min(counts, default=(1.0, "", 0, ""))
    return f"Nearest is {key}'s {_billions(count)}, {way}." if off < NEAR else UNEXPLAINED


def _counts(graph: LayerGraph) -> tuple[tuple[int, str], ...]:
    macs = graph.totals.macs
    return (macs, "counted in multiply-accumulates"), (2 * macs, "counted with two operations a multiply-accumulate")


def _billions(count: int) -> str:
    return f"{count / 1e9:.2f} billion"


def _parts(printed: str) -> tuple[str, str]:
    found = re.fullmatch(r"([\d.]+)([MB])", printed)
    assert found, f"'{printed}' is no printed count"
    return found[1], found[2]


def _printed_total(network: str) -> int | None:
    try:
        return read_table(network).total
    except FileNotFoundError:
        return None
