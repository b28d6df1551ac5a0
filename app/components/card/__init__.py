"""A card of text, formulas and shares in one piece: a page's elements, one by one, would take ten times as long."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_card = st.components.v2.component(
    "cnnviz.card",
    html="<article></article>",
    css=(_HERE / "card.css").read_text(encoding="utf-8"),
    js=(_HERE / "card.js").read_text(encoding="utf-8"),
)
_worked = st.components.v2.component(
    "cnnviz.worked",
    html="<article></article>",
    css=(_HERE / "worked.css").read_text(encoding="utf-8"),
    js=(_HERE / "card.js").read_text(encoding="utf-8"),
)


def layer_card(html: str, *, key: str) -> None:
    """Show a card that `cnnviz.views.explain.html` has written."""
    _card(key=key, data={"html": html})


def worked_number(html: str, *, key: str) -> None:
    """Show how a number was computed, as `cnnviz.views.worked` has written it."""
    _worked(key=key, data={"html": html})
