"""Results as tables, one row a layer or a network, and the forms that they are printed in."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from cnnviz.analysis.comparison import Compared, compare
from cnnviz.graph import Layer, LayerGraph, Shape, Totals, Value
from cnnviz.views.drawing import memory

if TYPE_CHECKING:  # the card's module imports torch
    import numpy as np
    import numpy.typing as npt

    from cnnviz.networks.card import Card

Format = Literal["text", "csv", "markdown", "latex"]

CONVENTION = "1 multiply-accumulate (MAC) counts 1; FLOPs are twice that."
"""Belongs to every view that shows MACs."""

COMPARISON_NOTE = (
    f"{CONVENTION} Weighted layers are those on the longest way through, the receptive field is the last convolution's."
)
"""Belongs to every view that shows `comparison`."""
COMPUTED = ("input", "output", "parameters", "MACs", "memory (bytes)", "receptive field", "receptive field stride")
"""Columns of the table of layers that follow from the others."""

TO_THE_RIGHT = {
    "year",
    "parameters",
    "in convolutions",
    "MACs",
    "FLOPs",
    "memory",
    "top-1 %",
    "top-5 %",
    "depth",
    "sees (px)",
    "ms here",
}
"""Columns of numbers, in any printed form."""

_COMPARED = {
    "params": "Parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "activation_bytes": "Activations",
    "depth": "Weighted layers",
    "sees": "Receptive field",
}


# --- tables ------------------------------------------------------------------


def layers(graph: LayerGraph) -> pd.DataFrame:
    """One row a layer, in the order of the forward pass.

    Returns:
        Texts such as '64 × 112 × 112' in the columns name, kind, kernel, stride, padding, input, output,
        receptive field and receptive field stride (empty where a unit sees the whole input); whole numbers
        in parameters, MACs and memory (bytes), which add up to the graph's totals.
    """
    return pd.DataFrame(
        {
            "name": layer.path,
            "kind": layer.op,
            "kernel": _by(layer.hyper("kernel")),
            "stride": _once(layer.hyper("stride")),
            "padding": _padding(layer),
            "input": _inputs(layer.input_shapes),
            "output": _by(layer.output_shape),
            "parameters": layer.params,
            "MACs": layer.macs,
            "memory (bytes)": layer.activation_bytes,
            "receptive field": _by(layer.receptive_field.size) if layer.receptive_field else "",
            "receptive field stride": _once(layer.receptive_field.stride) if layer.receptive_field else "",
        }
        for layer in graph.layers
    )


def asked(frame: pd.DataFrame) -> pd.DataFrame:
    """What `layers` gives, with a question mark for whatever is computed; the network's input is given."""
    given = frame["kind"] == "input"
    return frame.assign(**{name: frame[name].astype(str).where(given, "?") for name in COMPUTED})


def networks(cards: Iterable["Card"], totals: Mapping[str, Totals]) -> pd.DataFrame:
    """One row a network.

    Args:
        totals: by the network's key, at the card's own input size.

    Returns:
        Columns key, title, year, input, parameters, MACs, top-5 % (missing where nothing is published), idea.
    """
    return pd.DataFrame(
        {
            "key": card.key,
            "title": card.title,
            "year": card.year,
            "input": _by(card.input_shape),
            "parameters": totals[card.key].params,
            "MACs": totals[card.key].macs,
            "top-5 %": card.top5.percent if card.top5 else float("nan"),
            "idea": card.idea,
        }
        for card in cards
    )


def comparison(first: LayerGraph, second: LayerGraph) -> pd.DataFrame:
    """One row a quantity of two networks.

    Returns:
        Texts: the quantity's name in a column without one, its values in two columns called after the networks, and
        in the column ratio how much larger the larger one is: '2.2 times', '1.5 % more', empty where one is missing.
    """
    names = _two_names(first, second)
    return pd.DataFrame(
        {
            "": _COMPARED[row.name],
            names[0]: _amount(row.name, row.first),
            names[1]: _amount(row.name, row.second),
            "ratio": _ratio(row.ratio),
        }
        for row in compare(first, second)
    )


def comparison_sentence(first: LayerGraph, second: LayerGraph) -> str:
    """'alexnet has 8.9 times as many parameters as googlenet, but googlenet 1.4 times as many MACs.'

    Empty where one of them has none of either.
    """
    names = _two_names(first, second)
    params, macs = (row for row in compare(first, second) if row.name in ("params", "macs"))
    if not params.ratio or not macs.ratio:
        return ""
    start = f"{names[params.larger]} has {_as_many(params, 'parameters', names[1 - params.larger])}"
    on = ", and" if params.larger == macs.larger or macs.ratio == 1 else f", but {names[macs.larger]}"
    return f"{start}{on} {_as_many(macs, 'MACs')}."


def statistics(values: "npt.NDArray[np.float32]") -> pd.DataFrame:
    """Lowest, highest, mean, spread and share of zeros of a map, two columns of text."""
    return pd.DataFrame(
        {
            "of its values": ["lowest", "highest", "mean", "standard deviation", "share of zeros"],
            "value": [
                *(f"{number:.4g}" for number in (values.min(), values.max(), values.mean(), values.std())),
                f"{100 * float((values == 0).mean()):.1f} %",
            ],
        }
    )


def headline(graph: LayerGraph) -> str:
    """What a table's totals are, in a sentence, with what the forward pass leaves untouched."""
    totals = graph.totals
    frozen = totals.params - totals.trainable_params
    sentence = (
        f"{graph.network}, {_by(graph.input_shape)} input: {totals.params:,} parameters"
        f"{f' ({frozen:,} of them not trainable)' if frozen else ''}, {totals.macs:,} MACs, "
        f"{totals.flops:,} FLOPs, {memory(totals.activation_bytes)} of activations in float32."
    )
    if not graph.unused:
        return sentence
    names = [name for name, _ in graph.unused]
    listed = ", ".join(names[:3]) + (", …" if names[3:] else "")
    return (
        f"{sentence} Not in it, as the forward pass never touches them: "
        f"{sum(size for _, size in graph.unused):,} parameters ({listed})."
    )


# --- printed forms -----------------------------------------------------------


def printed(graph: LayerGraph, form: Format) -> str:
    """The table of layers in one of its printed forms, newline included.

    `csv` is for machines: plain whole numbers, shapes as 64x112x112, several inputs with ';' between them,
    nothing but the table. The others are for readers, and say how MACs are counted; `latex` needs the
    package booktabs.
    """
    forms: dict[Format, Callable[[LayerGraph], str]] = {
        "text": _layers_text,
        "csv": as_csv,
        "markdown": _layers_markdown,
        "latex": _layers_latex,
    }
    return forms[form](graph)


def as_csv(graph: LayerGraph) -> str:
    """The table of layers for machines, see `printed`."""
    frame = layers(graph).rename(
        columns={"MACs": "macs", "memory (bytes)": "memory_bytes", "receptive field": "receptive_field"}
    )
    frame = frame.rename(columns={"receptive field stride": "receptive_field_stride"})
    frame["input"] = [";".join(map(_by, layer.input_shapes)) for layer in graph.layers]
    frame.insert(list(frame.columns).index("macs") + 1, "flops", [layer.flops for layer in graph.layers])
    texts = ["kernel", "stride", "padding", "input", "output", "receptive_field", "receptive_field_stride"]
    frame[texts] = frame[texts].apply(lambda column: column.str.replace(" × ", "x"))
    return frame.to_csv(index=False, lineterminator="\n")


def networks_text(frame: pd.DataFrame) -> str:
    """What `networks` gives, for a terminal; the ideas, which are long, are left out."""
    shown = frame.drop(columns="idea").astype({"year": str})
    shown["top-5 %"] = ["" if pd.isna(percent) else f"{percent:.2f}" for percent in frame["top-5 %"]]
    for column in ("parameters", "MACs"):
        shown[column] = [f"{number:,}" for number in frame[column]]
    return f"{aligned(shown)}\n{CONVENTION}\n"


def weights_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """The weights that there are, as `cnnviz weights list --json` has them, for a terminal."""
    shown = []
    for row in rows:
        ours, theirs = row["bundled"], row["published"]
        trained = f"{ours['dataset'] or 'unknown'}, {memory(ours['bytes'])}" if ours else ""
        shown.append(
            {
                "network": row["network"],
                "auto takes": row["auto"],
                "bundled": trained,
                "published (ImageNet)": f"{theirs['file']}, {theirs['megabytes']} MiB" if theirs else "",
                "on disk": ("yes" if theirs["on_disk"] else "no") if theirs else "",
                "top-1 %": f"{theirs['top1_percent']:.2f}" if theirs else "",
                "top-5 %": f"{theirs['top5_percent']:.2f}" if theirs else "",
            }
        )
    return aligned(pd.DataFrame(shown))


def _for_readers(graph: LayerGraph) -> pd.DataFrame:
    frame = layers(graph).drop(columns="receptive field stride")
    shown = frame.rename(columns={"memory (bytes)": "memory", "padding": "pad", "receptive field": "sees"})
    shown["parameters"] = [f"{layer.params:,}" if layer.params else "" for layer in graph.layers]
    shown["MACs"] = [f"{layer.macs:,}" if layer.macs else "" for layer in graph.layers]
    shown["memory"] = [memory(layer.activation_bytes) for layer in graph.layers]
    shown["sees"] = shown["sees"].replace("", "all")
    return shown


def _layers_text(graph: LayerGraph) -> str:
    # So that ResNet-18 fits 120 columns: '64×112×112', and of what is joined the channels alone.
    narrow = _for_readers(graph).replace({" × ": "×", r" \+ ": "+"}, regex=True)
    joined = {r"^\(([\d+]+)\).*": r"\1", r"^(\d+×)\((\d+)×?.*\)$": r"\1\2"}
    narrow["input"] = narrow["input"].replace(joined, regex=True)
    return f"{headline(graph)}\n{CONVENTION}\n\n{aligned(narrow)}"


def aligned(frame: pd.DataFrame) -> str:
    """A frame of texts for a terminal."""
    columns = []
    for name in frame.columns:
        cells = [str(name), *frame[name].astype(str)]
        width = max(map(len, cells))
        columns.append([cell.rjust(width) if name in TO_THE_RIGHT else cell.ljust(width) for cell in cells])
    rows = ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
    rule = "─" * max(map(len, rows))
    return "\n".join([rows[0], rule, *rows[1:], ""])


def _layers_markdown(graph: LayerGraph) -> str:
    frame = _for_readers(graph)
    frame["name"] = [f"`{path}`" for path in frame["name"]]
    return "\n".join([headline(graph), "", CONVENTION, "", *markdown_lines(frame), ""])


def markdown_lines(frame: pd.DataFrame) -> list[str]:
    """A frame of texts as the lines of a Markdown table."""
    lines = [
        list(frame.columns),
        ["---:" if name in TO_THE_RIGHT else "---" for name in frame.columns],
        *frame.to_numpy().tolist(),
    ]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]


def _layers_latex(graph: LayerGraph) -> str:
    frame, totals = _for_readers(graph), graph.totals
    total = dict.fromkeys(frame.columns, "") | {
        "name": "total",
        "parameters": f"{totals.params:,}",
        "MACs": f"{totals.macs:,}",
        "memory": memory(totals.activation_bytes),
    }
    frame.loc[len(frame)] = total
    *rows, last, bottom, note, end = latex_lines(frame, CONVENTION)
    return "\n".join([*rows, r"\midrule", last, bottom, note, end, ""])


def latex_lines(frame: pd.DataFrame, note: str) -> list[str]:
    """A frame of texts as the lines of a LaTeX table, a note below it."""
    columns = "".join("r" if name in TO_THE_RIGHT else "l" for name in frame.columns)
    text = frame.to_latex(index=False, escape=True, column_format=columns)
    *rows, end = text.replace("×", r"$\times$").rstrip("\n").split("\n")
    return [*rows, rf"\multicolumn{{{len(columns)}}}{{l}}{{{note}}} \\", end]


# --- cells -------------------------------------------------------------------


def _by(sizes: Value) -> str:
    return " × ".join(map(str, sizes)) if isinstance(sizes, tuple) else ""


def _two_names(first: LayerGraph, second: LayerGraph) -> list[str]:
    names = [first.network, second.network]
    return names if names[0] != names[1] else [f"{name} ({place})" for name, place in zip(names, "12", strict=True)]


def _amount(name: str, number: int | None) -> str:
    """'11,689,512', '33.5 MB', '435 px'; empty where there is none."""
    if number is None:
        return ""
    return memory(number) if name == "activation_bytes" else f"{number:,}{' px' if name == 'sees' else ''}"


def _ratio(ratio: float | None) -> str:
    """'2.2 times', '1.5 % more', 'equal'; empty for None."""
    if ratio is None or ratio == 1:
        return "equal" if ratio else ""
    percent = 100 * (ratio - 1)
    if percent < 10:
        return f"{percent:.2g} % more" if percent >= 0.01 else "under 0.01 % more"
    return f"{ratio:.2g} times" if ratio < 99.5 else f"{ratio:,.0f} times"


def _as_many(row: Compared, what: str, other: str = "") -> str:
    """'2.2 times as many MACs', or '1.5 % more MACs than resnet18'."""
    ratio = _ratio(row.ratio)
    if ratio.endswith("more"):
        return f"{ratio} {what}{other and f' than {other}'}"
    return f"{'just' if ratio == 'equal' else ratio} as many {what}{other and f' as {other}'}"


def _once(sizes: Value) -> str:
    """'2' for (2, 2), '2 × 1' for (2, 1)."""
    return str(sizes[0]) if isinstance(sizes, tuple) and len(set(sizes)) == 1 else _by(sizes)


def _padding(layer: Layer) -> str:
    after = layer.hyper("padding_after")
    return _once(layer.hyper("padding")) + (f", {_once(after)} behind" if after is not None else "")


def _inputs(shapes: tuple[Shape, ...]) -> str:
    """'2 × (64 × 56 × 56)' for equal inputs, '(64 + 128) × 28 × 28' where only the channels differ."""
    if len(shapes) < 2:
        return "".join(map(_by, shapes))
    if len(set(shapes)) == 1:
        return f"{len(shapes)} × ({_by(shapes[0])})"
    if len({shape[1:] for shape in shapes}) == 1 and all(shapes):
        channels = f"({' + '.join(str(shape[0]) for shape in shapes)})"
        return " × ".join([channels, *map(str, shapes[0][1:])])
    return " + ".join(map(_by, shapes))
