"""What a knob changes, in pieces of HTML: numbers, charts, sentences, a table.

Each element of its own costs the browser a few milliseconds, and a component's script runs a frame after its message.
HTML is there in the frame that it arrives in, and the charts in it, too: what draws them is mounted once a page, and
watches for places that ask for charts. It deals as well: where all answers to a knob are known before, the browser has
them, and shows each while the knob is being turned.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_drawer = st.components.v2.component(
    "cnnviz.answers",
    html="<span hidden></span>",
    js="\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("charts.js", "answers.js")),
)


def answers() -> None:
    """Make the page ready for answers; once, and not in a fragment, whose runs would send it anew."""
    st.html(_HERE / "answer.css")  # and not by the component, whose style arrives a moment after the page
    _drawer(key="answers", height=1)


def answer(*parts: str, knob: str = "", at: str = "") -> None:
    """Show pieces of HTML, as `charts` and `cnnviz.views.pieces` give them.

    Args:
        knob, at: the key of the knob that `deal` has dealt answers for, and where it stands.
    """
    dealt = f" data-knob='{knob}' data-at={_quoted(at)}" if knob else ""
    st.html(f"<div class='answer'{dealt}>{''.join(parts)}</div>")


def deal(knob: str, cards: Mapping[str, Iterable[str]]) -> None:
    """Have all answers to a knob lie in the browser; not in the fragment of the knob, whose runs would send them anew.

    Args:
        knob: the key of a slider or a toggle.
        cards: where it can stand, as its label says it, or 'true' and 'false' -> what the page's answers are then, each
            joined from its parts.
    """
    dealt = {at: list(parts) for at, parts in cards.items()}
    st.html(f"<div hidden data-knob='{knob}' data-cards={_quoted(json.dumps(dealt, ensure_ascii=False))}></div>")


def charts(shown: Sequence[Mapping[str, Any]], *, columns: str, areas: Sequence[str]) -> str:
    """The place of charts that `cnnviz.views.charts` has made; where there is little room, one below the other.

    A value is read by pointing at it, or by the arrow keys.

    Args:
        columns: of the grid that they stand in, as CSS has it.
        areas: its rows, of the charts' names.
    """
    data = {"charts": list(shown), "columns": columns, "areas": " ".join(f"'{row}'" for row in areas)}
    return f"<div class='charts-place' data-charts={_quoted(json.dumps(data, ensure_ascii=False))}></div>"


def _quoted(value: str) -> str:
    """An attribute's value in single quotes, so that JSON's double ones stay as they are."""
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), ("'", "&#39;")):
        value = value.replace(sign, name)
    return f"'{value}'"
