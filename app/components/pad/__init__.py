"""A drawing pad: a finger or a mouse draws, and what is drawn so far comes here while one does."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.components import component

_pad = component("pad")
_finished = component("pad", "finished", html="<span hidden></span>")


@dataclass(frozen=True)
class Drawing:
    """What a pad holds.

    Attributes:
        png: a small grey picture, light on black; empty where nothing is drawn.
        number: counts what the pad has sent, from 1.
    """

    png: bytes
    number: int


def drawing_pad(*, key: str, seen: int, on_draw: Callable[[], None]) -> None:
    """Show a pad; `on_draw` is called for every new state of it, which `drawing_on(key)` gives then.

    Args:
        seen: number of the last drawing that came here, 0 for none; the pad waits for its last one before it sends
            more, and sends what it holds where it was lost.
    """
    _pad(key=key, data={"seen": seen}, on_drawing_change=on_draw)


def when_a_stroke_ends(*, key: str) -> None:
    """Run the page, and not just the fragment that holds the pad, as soon as a finished drawing has come here.

    `st.rerun` in the fragment would be simpler, but tells the browser to take messages from its cache which it may have
    thrown away since it asked for the fragment's run; it then gives up the connection.
    """
    _finished(key=key, height=1, on_stroke_change=lambda: None)


def drawing_on(key: str) -> Drawing:
    """What the pad has sent last. It comes from a browser, as untrusted as a file: only its form is sure."""
    sent = st.session_state.get(key, {}).get("drawing")
    sent = sent if isinstance(sent, dict) else {}
    number, text = sent.get("number"), sent.get("png")
    try:
        png = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        png = b""
    return Drawing(png, number if isinstance(number, int) else 0)
