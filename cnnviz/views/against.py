"""A printed table held against the computed one, for terminals and pages."""

import json
from typing import Any

import pandas as pd

from cnnviz.printed.held import Cell, Held, Row
from cnnviz.views.export import printed_json
from cnnviz.views.tables import aligned

NOTE = "A printed number stands alone where it is the computed one, and before ≠ and that one where it isn't."


def table(held: Held) -> dict[str, Any]:
    """The table for a page: columns, and rows of [printed, computed, reason], of which equal cells have the first only.

    A blank cell is None; what is computed alone has no first.
    """
    return {
        "columns": [column.replace("_", " ") for column in held.columns],
        "rows": [
            {
                "group": row.group,
                "layer": row.layer,
                "cells": [_for_page(row.cells.get(column)) for column in held.columns],
            }
            for row in held.rows
        ],
    }


def differences(held: Held) -> pd.DataFrame:
    """One row a cell that differs: where, column, printed, computed, why."""
    return pd.DataFrame(
        [
            {
                "where": where(row),
                "column": column.replace("_", " "),
                "printed": said(cell.printed),
                "computed": said(cell.computed),
                "why": cell.reason,
            }
            for row, column, cell in held.differing
        ],
        columns=["where", "column", "printed", "computed", "why"],
    )


def headline(held: Held) -> str:
    """How much of a table is right, in a sentence."""
    if not held.compared:
        return f"Nothing of {held.network}'s table can be read: all of it is computed."
    differing = len(held.differing)
    count = (
        f"{differing} of {held.compared:,} printed cells differ" if differing else f"All {held.compared} cells agree"
    )
    return f"{count}, held against {held.against}."


def hint(held: Held) -> str:
    """What a reader can do with the table on a page."""
    if not held.compared:
        return f"Nothing of {held.network}'s table can be read in the article: all of it is computed here."
    if not held.differing:
        return f"All {held.compared:,} printed cells agree with {held.against}."
    return f"{headline(held)} Pick one with a dotted line to read why; arrow keys go on to the next."


def totals(held: Held) -> str:
    """The printed total beside the computed one, and why they differ, in a sentence or two."""
    if held.printed_total is None:
        return f"The total is {held.computed_total:,} parameters; none is printed."
    if held.printed_total == held.computed_total:
        return f"The total is {held.computed_total:,} parameters, as printed."
    return (
        f"The printed total is {held.printed_total:,} parameters, the computed one {held.computed_total:,}. "
        f"{held.total_reason}"
    )


def text(held: Held) -> str:
    """The table for a terminal, and below it each reason with the cells that have it."""
    columns = [*(c for c in held.columns if c != "input_layer"), *(c for c in held.columns if c == "input_layer")]
    frame = pd.DataFrame(
        [
            {"group": row.group, "layer": row.layer} | {column: _marked(row.cells.get(column)) for column in columns}
            for row in held.rows
        ]
    )
    if not any(frame["group"]):
        frame = frame.drop(columns="group")
    lines = [headline(held), *([NOTE] if held.differing else []), "", aligned(frame)]
    for reason, places in _by_reason(held).items():
        lines.append(f"{'; '.join(places)}: {reason}")
    lines += [*([""] if held.differing else []), totals(held), ""]
    return "\n".join(lines)


def as_json(held: Held) -> str:
    """The table for a script."""
    return json.dumps(printed_json(held), indent=2)


def where(row: Row) -> str:
    """'4b conv1x1b'."""
    return f"{row.group} {row.layer}".strip()


def said(value: object) -> str:
    """A cell as text: '227', '6,998,552' from five digits on, '0.5'."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


def _by_reason(held: Held) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row, column, cell in held.differing:
        found.setdefault(cell.reason, []).append(f"{where(row)}, {column}")
    return found


def _marked(cell: Cell | None) -> str:
    if cell is None:
        return ""
    if cell.equal is not False:
        return said(cell.computed)
    return f"{said(cell.printed)} ≠ {said(cell.computed)}"


def _for_page(cell: Cell | None) -> list[str] | None:
    if cell is None or cell.computed is None:
        return None
    if cell.equal is None:
        return ["", said(cell.computed)]
    return [said(cell.printed)] if cell.equal else [said(cell.printed), said(cell.computed), cell.reason]
