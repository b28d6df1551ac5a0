"""Start here: `streamlit run app/main.py`."""

from pathlib import Path

import streamlit as st

from app import early
from app.turns import TURNS
from cnnviz.cli import for_torch

# a file of ours: an icon given by its name would be fetched from elsewhere
ICON = Path(__file__).parents[1] / "assets" / "icon.svg"

for_torch()  # before anything imports it

with TURNS.one():
    st.set_page_config(page_title="cnnviz", page_icon=str(ICON), layout="wide")
    early.whole_app().draw()
