"""Start here: `streamlit run app/main.py`."""

import gc
from pathlib import Path

import streamlit as st

from app.boundary import sentences
from app.panels import lecture
from cnnviz.cli import for_torch
from cnnviz.cli.named import named

# a file of ours: an icon given by its name would be fetched from elsewhere
ICON = Path(__file__).parents[1] / "assets" / "icon.svg"

for_torch()  # before a page imports it

st.set_page_config(page_title="cnnviz", page_icon=str(ICON), layout="wide")


@st.cache_resource(show_spinner=False)
def start_up() -> None:
    """Once a process: what is loaded by now stays, so that no collection has to look at it again."""
    gc.collect()
    gc.freeze()


page = st.navigation(
    [
        st.Page("screens/explore.py", title="Explore", icon=":material/account_tree:", default=True),
        st.Page("screens/beside.py", title="Side by side", icon=":material/compare:", url_path="beside"),
        st.Page("screens/kernels.py", title="Kernels", icon=":material/grid_on:", url_path="kernels"),
    ],
    position="top",
)
with lecture.controls(page.url_path), sentences():
    named()  # what `cnnviz app NET` brings is in the catalogue before any page looks
    page.run()
start_up()
