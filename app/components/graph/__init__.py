"""The layer graph on a page: Graphviz' own drawing in a viewport, lit where the selection is, clickable."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import streamlit as st


def _text(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)


_drawing = st.components.v2.component(
    "cnnviz.graph",
    html=_text("graph.html"),
    css=_text("graph.css"),
    js=_text("drawing.js", "viewport.js", "pass.js", "graph.js"),  # one module, as nothing builds one out of four
)


def layer_graph(
    svg: str,
    *,
    selection: str,
    key: str,
    on_fold: Callable[[], None],
    on_back: Callable[[], None] | None = None,
    runs: Mapping[str, Sequence[str]] | None = None,
    direction: Literal["TB", "LR"] = "TB",
    projector: bool = False,
    height: int | None = None,
    steps: Sequence[Mapping[str, Any]] = (),
    of: str = "",
    turn: int = 0,
) -> None:
    """Show a drawing, with the selected node lit, and all that leads to it.

    A click or Enter picks a node, as an arrow key does a moment later; the name of a run of equal blocks, or F within
    it, calls `on_fold`, and `st.session_state[key].fold` is its first block's path then; Escape calls `on_back`.

    Args:
        selection: name of the selection that it shows, and for which it picks.
        runs: the blocks of each run of equal ones, by the first; without them, F only knows the first block.
        direction: which way the data of this drawing runs; the arrow keys follow it.
        projector: larger type, in the drawing and around it.
        steps: the fields of each `Step` of its forward pass, which the tool bar's first button plays, and Space; each
            node comes once. Where it rests, it picks. A shape of none isn't shown.
        height: in pixels; else as high as the screen has room for, or less from left to right.
        of, turn: the key of the knobs that this drawing answers, and which turn of them.
    """
    data = {
        "svg": svg,
        "selection": selection,
        "runs": {first: list(blocks) for first, blocks in (runs or {}).items()},
        "direction": direction,
        "projector": projector,
        "height": height,
        "back": on_back is not None,
        "steps": list(steps),
        "place": key,
        "of": of,
        "turn": turn,
    }
    _drawing(key=key, data=data, on_fold_change=on_fold, on_back_change=on_back or _nothing)


def _nothing() -> None:
    pass
