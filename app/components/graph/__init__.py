"""The layer graph on a page: Graphviz' own drawing, lit where the selection is, clickable."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_drawing = st.components.v2.component(
    "cnnviz.graph",
    html="<div class='view' tabindex='0' role='group' aria-label='Layer graph'></div>",
    css=(_HERE / "graph.css").read_text(encoding="utf-8"),
    js=(_HERE / "graph.js").read_text(encoding="utf-8"),
)
_light = st.components.v2.component(
    "cnnviz.graph.light",
    html="<span hidden></span>",
    js=(_HERE / "light.js").read_text(encoding="utf-8"),
)


def layer_graph(
    svg: str, *, lit: str | None, key: str, on_pick: Callable[[], None], on_fold: Callable[[], None]
) -> None:
    """Show a drawing, with the node `lit` marked.

    A click or Enter on a node calls `on_pick`, on the name of a run of equal blocks `on_fold`;
    `st.session_state[key].pick` and `.fold` are the node's and the run's first block's path then.
    """
    _drawing(key=key, data={"svg": svg, "name": key}, on_pick_change=on_pick, on_fold_change=on_fold)
    # a message of its own, so that a new selection doesn't send the drawing again
    _light(key=f"{key}-light", data={"name": key, "lit": lit}, height=1)
