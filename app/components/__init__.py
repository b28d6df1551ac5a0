"""Our own components, one folder each: Python, JavaScript and CSS side by side, no front-end build."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def component(folder: str, name: str = "", *, html: str = "", script: str = "") -> Callable[..., Any]:
    """Make a component of the files that lie in a folder here: `NAME.html`, `NAME.css` (if there is one) and `NAME.js`.

    Args:
        name: of the files, and after 'cnnviz.' of the component; that of the folder by default.
        html: what it begins with, where that is too little for a file.
        script: the name of its JavaScript, if that is another one's.
    """
    here, name = _HERE / folder, name or folder
    css = here / f"{name}.css"
    return st.components.v2.component(
        f"cnnviz.{name}",
        html=html or (here / f"{name}.html").read_text(encoding="utf-8"),
        css=css.read_text(encoding="utf-8") if css.exists() else None,
        js=(here / f"{script or name}.js").read_text(encoding="utf-8"),
    )
