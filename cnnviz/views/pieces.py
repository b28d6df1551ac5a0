"""Pieces of HTML for what a knob changes; `app.components.answer` shows them."""

import re
from collections.abc import Mapping, Sequence
from html import escape


def words(text: str) -> str:
    """A paragraph; **this** is bold."""
    return f"<p>{_marked(text)}</p>"


def note(text: str) -> str:
    """A paragraph in small type."""
    return f"<p class='note'>{_marked(text)}</p>"


def numbers(shown: Mapping[str, str]) -> str:
    """Large numbers in a row, each under its name."""
    cells = (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in shown.items())
    return f"<dl class='numbers'>{''.join(cells)}</dl>"


def beside(*columns: Sequence[str]) -> str:
    """Other pieces beside each other; where there is little room, below each other."""
    whole = (f"<div>{''.join(column)}</div>" for column in columns)
    return f"<div class='beside'>{''.join(whole)}</div>"


def table(rows: Sequence[Mapping[str, str]], caption: str, *, figures: bool = False) -> str:
    """A table whose first column names its rows.

    Args:
        caption: what it is, for who can't see it.
        figures: whether its cells are, whose last digits stand below each other then.
    """
    head = "".join(f"<th scope='col'>{escape(name)}</th>" if name else "<td></td>" for name in rows[0])
    body = "".join(f"<tr>{_row(list(row.values()))}</tr>" for row in rows)
    shown = f"<table class='{'figures' if figures else ''}'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class='wide' role='group' aria-label='{escape(caption)}' tabindex='0'>{shown}</div>"  # keys scroll it


def _row(cells: Sequence[str]) -> str:
    name, *others = map(escape, cells)
    return f"<th scope='row'>{name}</th>" + "".join(f"<td>{cell}</td>" for cell in others)


def _marked(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
