"""Text, formulas and shares in one piece: a page's elements, one by one, would take ten times as long."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_worked = st.components.v2.component(
    "cnnviz.worked",
    html="<article></article>",
    css=(_HERE / "worked.css").read_text(encoding="utf-8"),
    js=(_HERE / "worked.js").read_text(encoding="utf-8"),
)


def card_style() -> None:
    """What cards look like; once a page, outside of what a click draws."""
    st.html(_HERE / "card.css")


def layer_card(html: str) -> None:
    """Show a card that `cnnviz.views.explain.html` has written.

    It is a part of the page itself, as a component would be drawn a frame after all else.
    """
    st.html(f"<article class='layer-card'>{html}</article>")


def worked_number(html: str, *, key: str) -> None:
    """Show how a number was computed, as `cnnviz.views.worked` has written it."""
    _worked(key=key, data={"html": html})
