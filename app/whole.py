"""All of the app: its pages, and the one error boundary."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.panels import lecture
from app.server import settle
from cnnviz.cli.named import named


def draw() -> None:
    """The page that the URL asks for."""
    state.forget_unusable()
    page = st.navigation(
        [
            st.Page("screens/explore.py", title="Explore", icon=":material/account_tree:", default=True),
            st.Page("screens/beside.py", title="Side by side", icon=":material/compare:", url_path="beside"),
            st.Page("screens/compare.py", title="Compare", icon=":material/leaderboard:", url_path="compare"),
            st.Page("screens/printed.py", title="Printed", icon=":material/fact_check:", url_path="printed"),
            st.Page("screens/kernels.py", title="Kernels", icon=":material/grid_on:", url_path="kernels"),
            st.Page("screens/shortcuts.py", title="Shortcuts", icon=":material/alt_route:", url_path="shortcuts"),
            st.Page("screens/lenet.py", title="LeNet-5", icon=":material/pin:", url_path="lenet"),
            st.Page("screens/alexnet.py", title="AlexNet", icon=":material/lightbulb:", url_path="alexnet"),
            st.Page("screens/inception.py", title="Inception", icon=":material/call_split:", url_path="inception"),
        ],
        position="top",
    )
    with lecture.controls(page.url_path), sentences():
        named()  # what `cnnviz app NET` brings is in the catalogue before any page looks
        page.run()
    settle()
