"""A layer's card, in two pieces: a page's elements, one by one, would take ten times as long.

Its words and numbers are HTML of the page itself, drawn in the frame in which they arrive. MathML isn't let through
there: the definition is a component, whose script runs when that frame has been painted.
"""

from pathlib import Path

import streamlit as st

from app.components import component

_HERE = Path(__file__).parent
_definition = component("card", "definition", html="<article></article>", script="card")
_worked = component("card", "worked", html="<article></article>", script="card")


def card_styles() -> None:
    """What cards look like: once a page, outside of what a pick draws anew."""
    st.html(_HERE / "card.css")


def layer_card(numbers: str, definition: str, *, key: str) -> None:
    """Show a card that `cnnviz.views.explain.html` has written."""
    st.html(numbers)
    _definition(key=key, data={"html": definition})


def worked_number(html: str, *, key: str) -> None:
    """Show how a number was computed, as `cnnviz.views.worked` has written it."""
    _worked(key=key, data={"html": html})
