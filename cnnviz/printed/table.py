"""A printed table as it stands in `assets/printed`: nothing is mended, nothing filled in."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "printed"

Printed = int | float | str
"""What a cell says: a number where it is one, else its text."""

LAYER_COLUMNS = (
    *("input_layer", "in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "stride", "pad"),
    *("kernel_h", "kernel_w", "channels_in", "channels_out", "params"),
)
"""What the article's tables of layers have to say of one, from AlexNet's on."""

_NAMES = frozenset({"group", "layer"})
_BLANK = frozenset({"", "-"})


@dataclass(frozen=True)
class PrintedRow:
    """One row; a cell that is blank, or a dash, says nothing and isn't in `cells`."""

    group: str
    layer: str
    cells: Mapping[str, Printed]

    def number(self, column: str) -> int | float | None:
        """What a column says as a number, None where it says nothing."""
        value = self.cells.get(column)
        return None if isinstance(value, str) else value

    @property
    def kind(self) -> str:
        """The operation that its name stands for: `conv`, `maxpool`, `avgpool`, `linear`, `concat`, `input`."""
        name = self.layer.lower()
        for word, kind in _KINDS:
            if word in name:
                return kind
        return ""


_KINDS = (
    ("maxpool", "maxpool"),
    ("avg", "avgpool"),
    ("concat", "concat"),
    ("conv", "conv"),
    ("fc", "linear"),
    ("fully connected", "linear"),
    ("input", "input"),
)


@dataclass(frozen=True)
class PrintedTable:
    """A table of layers: its columns, its rows, and its total, None where it prints none."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[PrintedRow, ...]
    total: int | None


@cache
def read_table(name: str) -> PrintedTable:
    """The table of one network: `alexnet`, `googlenet`, `lenet5`, `resnet18`."""
    lines = read(name)
    rows = tuple(
        PrintedRow(
            line.get("group", ""),
            line["layer"],
            {column: value_of(text) for column, text in line.items() if column not in _NAMES and text not in _BLANK},
        )
        for line in lines
        if line["layer"] != "TOTAL"
    )
    totals = [int(line["params"]) for line in lines if line["layer"] == "TOTAL"]
    return PrintedTable(name, tuple(c for c in lines[0] if c not in _NAMES), rows, totals[0] if totals else None)


@cache
def read_text(name: str) -> tuple[PrintedRow, ...]:
    """What the article's text says of a network, beside its table: `convolution`, `pooling` or `TOTAL`."""
    return tuple(
        PrintedRow("text", line["layer"], {line["column"]: value_of(line["printed"])})
        for line in read("text")
        if line["network"] == name
    )


def read(name: str) -> list[dict[str, str]]:
    """A file of `assets/printed`, line by line."""
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def value_of(text: str) -> Printed:
    """What a cell says: '96' is 96, '0.5' is 0.5, '28x28x6' stays."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
