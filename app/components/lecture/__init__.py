"""The corner of the header for what a lecturer switches, and larger type."""

from pathlib import Path

import streamlit as st

CORNER = "lecture"  # the key of the container that stands there

_HERE = Path(__file__).parent
_type = st.components.v2.component(
    "cnnviz.type", html="<span hidden></span>", js=(_HERE / "type.js").read_text(encoding="utf-8"), isolate_styles=False
)


def corner() -> None:
    """Put the container with the key `CORNER` into the header, where it takes nothing from the page."""
    st.html(_HERE / "lecture.css")  # and not by a component, whose style arrives a moment after the page


def type_size(factor: float) -> float:
    """Ask for type that is as much larger all over the page; gives what is there by now.

    The browser answers when it is done, by another run: tables, for one, measure the page's type when they are made,
    and have to be made anew then.
    """
    shown = st.session_state.get("type", {}).get("factor", 1)
    _type(key="type", data={"wanted": factor, "shown": shown}, height=1, on_factor_change=_nothing)
    return float(shown)


def _nothing() -> None:
    pass
