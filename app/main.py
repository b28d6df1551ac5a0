"""Start here: `streamlit run app/main.py`."""

from pathlib import Path

import streamlit as st

from app import early
from app.copies import COPIES
from app.server import guard
from app.turns import TURNS

# a file of ours: an icon given by its name would be fetched from elsewhere
ICON = Path(__file__).parents[1] / "assets" / "icon.svg"

guard()


def page() -> None:
    """The page that the URL asks for."""
    st.set_page_config(page_title="cnnviz", page_icon=str(ICON), layout="wide")
    early.whole_app().draw()


with TURNS.one():
    if early.loaded():
        COPIES.draw(page)
    else:
        page()
