"""All networks beside each other: one row a network, and the forms that it is printed in."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from cnnviz.analysis.comparison import Summary
from cnnviz.printed.comparison import KEYS, Protocol
from cnnviz.printed.held import Row
from cnnviz.views.drawing import memory
from cnnviz.views.export import cell_json
from cnnviz.views.tables import CONVENTION, Format, aligned, latex_lines, markdown_lines

if TYPE_CHECKING:  # the card's module imports torch
    from cnnviz.networks.card import Card

NOTE = (
    f"{CONVENTION} Each network at its own input. Memory: outputs of all layers for one picture, float32. "
    "Depth: weighted layers on the longest way through. Sees: width of the last convolution's receptive field."
)
"""Belongs to every view that shows `overview`."""

_MACHINE = {
    "key": "network",
    "in convolutions": "conv_params",
    "parameters": "params",
    "MACs": "macs",
    "FLOPs": "flops",
    "memory": "activation_bytes",
    "depth": "weighted_layers",
    "sees (px)": "receptive_field",
    "top-5 %": "top5_percent",
    "top-5 by": "top5_protocol",
    "ms here": "milliseconds",
}


def overview(
    cards: Sequence["Card"], summaries: Mapping[str, Summary], milliseconds: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """One row a network, in numbers.

    Args:
        summaries: by key.
        milliseconds: by key, of those that have been timed; without any, the table has no such column.

    Returns:
        Columns key, year, top-5 % (missing where nothing is published), parameters, in convolutions, MACs, FLOPs,
        memory, depth, sees (px), ms here, idea, top-5 by.
    """
    frame = pd.DataFrame(
        {
            "key": card.key,
            "year": card.year or None,
            "top-5 %": card.top5.percent if card.top5 else float("nan"),
            "parameters": summaries[card.key].params,
            "in convolutions": summaries[card.key].conv_params,
            "MACs": summaries[card.key].macs,
            "FLOPs": summaries[card.key].flops,
            "memory": summaries[card.key].activation_bytes,
            "depth": summaries[card.key].depth,
            "sees (px)": summaries[card.key].sees,
            "ms here": (milliseconds or {}).get(card.key, float("nan")),
            "idea": card.idea,
            "top-5 by": card.top5.source if card.top5 else "",
        }
        for card in cards
    ).astype({"year": "Int64", "sees (px)": "Int64"})
    return frame if milliseconds else frame.drop(columns="ms here")


def written(frame: pd.DataFrame, form: Format, machine: str = "") -> str:
    """What `overview` gives in one of its printed forms, newline included.

    `csv` is for machines: plain numbers, nothing but the table. The others are for readers, and say how things are
    counted and, for each accuracy, how it was measured; `latex` needs the package booktabs.

    Args:
        machine: on which the times were measured.
    """
    note = noted(machine)
    forms: dict[Format, Callable[[pd.DataFrame, str], str]] = {
        "text": _text,
        "csv": lambda frame, _: frame.rename(columns=_MACHINE).to_csv(index=False, lineterminator="\n"),
        "markdown": _markdown,
        "latex": _latex,
    }
    return forms[form](frame, note)


def noted(machine: str = "") -> str:
    """What belongs below the table, with where its times were measured."""
    return f"{NOTE} Ms here: median of a few passes of one picture on {machine}." if machine else NOTE


def printed_beside(rows: Sequence[Row]) -> pd.DataFrame:
    """The article's comparison, one row a printed figure.

    Returns:
        Texts in the columns network, what, printed, computed, and why it differs or how it was measured.
    """
    return pd.DataFrame(
        [
            {
                "network": f"{row.layer} ({row.path})",
                "what": _WHAT[column],
                "printed": f"{cell.printed} %" if column == "top5_accuracy_percent" else str(cell.printed),
                "computed": "" if cell.computed is None else f"{cell.computed:,}",
                "": _MARKS[cell.equal],
                "note": cell.reason[:1].upper() + cell.reason[1:],
            }
            for column in _WHAT
            for row in rows
            for cell in (row.cells[column],)
        ]
    )


def printed_lines(row: Row) -> str:
    """What the article prints of one network, as a Markdown list: each figure beside the computed one."""
    lines = [f"**{row.layer}** (`{row.path}`)", ""]
    for column, what in _WHAT.items():
        cell = row.cells[column]
        if cell.computed is None:
            lines.append(f"- {what} {cell.printed} %: {cell.reason}")
        else:
            why = f" {cell.reason}" if cell.reason else ""
            lines.append(f"- {cell.printed} {what} {_MARKS[cell.equal]} {cell.computed:,}.{why}")
    return "\n".join(lines)


def printed_of_others(protocols: Sequence[Protocol]) -> str:
    """Printed accuracies of what is no network of the comparison, a sentence each."""
    return " ".join(
        f"The article's top-5 accuracy of the {one.network} is {one.printed} %: {one.words}."
        for one in protocols
        if one.network not in KEYS
    )


_WHAT = {"parameters": "parameters", "flop": "FLOP", "top5_accuracy_percent": "top-5 accuracy"}
_MARKS = {True: "=", False: "≠", None: ""}


def sentence(summaries: Mapping[str, Summary]) -> str:
    """Of two networks: whose convolutions have how many more parameters; else empty."""
    if len(summaries) != 2:
        return ""
    (small, few), (large, many) = sorted(
        ((key, summary.conv_params) for key, summary in summaries.items()), key=lambda pair: pair[1]
    )
    if not few or few == many:
        return ""
    times = f"{many / few:,.{int(many < 10 * few)}f}"
    return f"In all its convolutions {large} has {many:,} parameters, {small} {few:,}: {times} times as many."


def compare_json(
    cards: Sequence["Card"],
    summaries: Mapping[str, Summary],
    milliseconds: Mapping[str, float],
    printed: Sequence[Row],
    machine: str,
) -> dict[str, Any]:
    """The comparison for a script; what wasn't measured, or isn't there, is null."""
    return {
        "networks": [
            {
                "network": card.key,
                "year": card.year or None,
                "idea": card.idea,
                "top5": {"percent": card.top5.percent, "protocol": card.top5.source} if card.top5 else None,
                "params": summaries[card.key].params,
                "conv_params": summaries[card.key].conv_params,
                "macs": summaries[card.key].macs,
                "flops": summaries[card.key].flops,
                "activation_bytes": summaries[card.key].activation_bytes,
                "weighted_layers": summaries[card.key].depth,
                "receptive_field": summaries[card.key].sees,
                "milliseconds": milliseconds.get(card.key),
            }
            for card in cards
        ],
        "device": machine or None,
        "printed": [
            {
                "network": row.path,
                "called": row.layer,
                "cells": {name: cell_json(cell) for name, cell in row.cells.items()},
            }
            for row in printed
        ],
    }


def _readable(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Numbers as texts, and the protocols as notes that the accuracies point to."""
    protocols = [protocol for protocol in dict.fromkeys(frame["top-5 by"]) if protocol]
    shown = frame.drop(columns="top-5 by").rename(columns={"key": "network"})
    shown["year"] = ["" if pd.isna(year) else str(year) for year in frame["year"]]
    shown["top-5 %"] = [
        f"{percent:.2f} [{protocols.index(protocol) + 1}]" if protocol else ""
        for percent, protocol in zip(frame["top-5 %"], frame["top-5 by"], strict=True)
    ]
    for column in ("parameters", "in convolutions", "MACs", "FLOPs"):
        shown[column] = [f"{number:,}" for number in frame[column]]
    shown["memory"] = [memory(number) for number in frame["memory"]]
    shown["sees (px)"] = ["all" if pd.isna(width) else f"{width:,}" for width in frame["sees (px)"]]
    if "ms here" in frame:
        shown["ms here"] = ["" if pd.isna(number) else f"{number:,.1f}" for number in frame["ms here"]]
    return shown, [f"[{number}] {protocol}." for number, protocol in enumerate(protocols, start=1)]


def _text(frame: pd.DataFrame, note: str) -> str:
    shown, protocols = _readable(frame)
    return "\n".join([f"{aligned(shown.drop(columns='idea'))}", note, *protocols, ""])


def _markdown(frame: pd.DataFrame, note: str) -> str:
    shown, protocols = _readable(frame)
    shown["network"] = [f"`{key}`" for key in shown["network"]]
    return "\n".join([*markdown_lines(shown), "", note, "", *(f"- {protocol}" for protocol in protocols), ""])


def _latex(frame: pd.DataFrame, note: str) -> str:
    shown, protocols = _readable(frame)
    wrapped = rf"\parbox{{\linewidth}}{{\footnotesize {' '.join([note, *protocols]).replace('%', chr(92) + '%')}}}"
    return "\n".join([*latex_lines(shown.drop(columns="idea"), wrapped), ""])
