"""Start here: `streamlit run app/main.py`."""

import gc

import streamlit as st

from app.boundary import sentences

st.set_page_config(page_title="cnnviz", page_icon=":material/account_tree:", layout="wide")


@st.cache_resource(show_spinner=False)
def start_up() -> None:
    """Once a process: what is loaded by now stays, so that no collection has to look at it again."""
    gc.collect()
    gc.freeze()


page = st.navigation(
    [
        st.Page("screens/explore.py", title="Explore", icon=":material/account_tree:", default=True),
        st.Page("screens/kernels.py", title="Kernels", icon=":material/grid_on:", url_path="kernels"),
    ],
    position="top",
)
with sentences():
    page.run()
start_up()
