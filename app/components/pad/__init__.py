"""A drawing pad: a finger or a mouse draws, and what is drawn so far comes here while one does."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_pad = st.components.v2.component(
    "cnnviz.pad",
    html=(_HERE / "pad.html").read_text(encoding="utf-8"),
    css=(_HERE / "pad.css").read_text(encoding="utf-8"),
    js=(_HERE / "pad.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Drawing:
    """What a pad holds.

    Attributes:
        png: a small grey picture, light on black; empty where nothing is drawn.
        number: counts what the pad has sent, from 1.
        finished: whether a stroke has ended, and nothing is on its way.
    """

    png: bytes
    number: int
    finished: bool


def drawing_pad(*, key: str, seen: int, on_draw: Callable[[], None]) -> None:
    """Show a pad; `on_draw` is called for every new state of it, which `drawing_on(key)` gives then.

    Args:
        seen: number of the drawing that the page shows, 0 for none; the pad waits for its last one before it sends
            more, and sends what it holds where the page has lost it.
    """
    _pad(key=key, data={"seen": seen}, on_drawing_change=on_draw)


def drawing_on(key: str) -> Drawing:
    """What the pad has sent last. It comes from a browser, as untrusted as a file: only its form is sure."""
    sent = st.session_state.get(key, {}).get("drawing")
    sent = sent if isinstance(sent, dict) else {}
    number, text = sent.get("number"), sent.get("png")
    try:
        png = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        png = b""
    return Drawing(png, number if isinstance(number, int) else 0, sent.get("finished") is not False)
