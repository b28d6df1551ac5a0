"""What a knob changes, in pieces of HTML: numbers, charts, sentences, a table.

Each element of its own costs the browser a few milliseconds, and a component's script runs a frame after its message.
HTML is there in the frame that it arrives in, and the charts in it, too: what draws them is mounted once a page, and
watches for places that ask for charts. Where the browser has got the answer to a later turn of the knobs than Python
knows of, it is that which the place shows.
"""

import json
from collections.abc import Mapping, Sequence
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


def answer(*parts: str, of: str = "", turn: int = 0) -> None:
    """Show pieces of HTML, as `charts` and `cnnviz.views.pieces` give them.

    Args:
        of: the key of the knobs that they answer, where a browser asks for further answers itself.
        turn: of these knobs, that this is the answer to.
    """
    place = f" data-of='{of}' data-turn='{turn}'" if of else ""
    st.html(f"<div class='answer'{place}>{''.join(parts)}</div>")


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
