"""Start here: `streamlit run app/main.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from streamlit.cli_util import open_browser
from streamlit.config import get_option
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.server_util import get_url

from app import early
from app.answers import routes
from app.copies import COPIES
from app.server import guard
from app.turns import TURNS

# a file of ours: an icon given by its name would be fetched from elsewhere
ICON = Path(__file__).parents[1] / "assets" / "icon.svg"


def page() -> None:
    """The page that the URL asks for."""
    st.set_page_config(page_title="cnnviz", page_icon=str(ICON), layout="wide")
    early.whole_app().draw()


@asynccontextmanager
async def open_in_browser(_: st.App) -> AsyncIterator[None]:
    """Once the server is there, as Streamlit does it for an app without addresses of its own."""
    if not get_option("server.headless"):
        open_browser(get_url(get_option("browser.serverAddress")))
    yield


if get_script_run_ctx(suppress_warning=True) is None:  # the server that `streamlit run` starts
    server = st.App(__file__, routes=routes(), lifespan=open_in_browser)
else:  # the run of a page
    guard()
    with TURNS.one():
        if early.loaded():
            COPIES.draw(page)
        else:
            page()
