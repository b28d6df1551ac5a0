"""The grid of a layer's feature maps: one scrolling canvas, drawn in the browser from bytes."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from cnnviz.activations.pictures import Maps, Scale

_HERE = Path(__file__).parent
_grid = st.components.v2.component(
    "cnnviz.maps",
    html=(
        "<div class='legend'></div>"
        "<div class='scroll' tabindex='0' role='img'><div class='space'><canvas></canvas></div></div>"
        "<div class='tip' role='status'></div>"
    ),
    css=(_HERE / "maps.css").read_text(encoding="utf-8"),
    js=(_HERE / "maps.js").read_text(encoding="utf-8"),
)


def map_grid(
    maps: Maps,
    *,
    name: str,
    scale: Scale,
    selected: int | None,
    key: str,
    on_pick: Callable[[], None] = lambda: None,
) -> None:
    """Draw all channels of `maps` with their numbers and colour scale.

    A click or Enter on a channel calls `on_pick`; `st.session_state[key].pick` is its number then.
    """
    channels, height, width = maps.values.shape
    head = json.dumps(
        {
            "channels": channels,
            "height": height,
            "width": width,
            "low": maps.low.tolist(),
            "high": maps.high.tolist(),
            "scale": scale,
            "name": name,
            "selected": selected,
        }
    ).encode()
    # bytes only travel as they are when they are the whole message: length, head, colours, values
    message = struct.pack("<I", len(head)) + head + maps.colours.tobytes() + maps.values.tobytes()
    _grid(key=key, data=message, on_pick_change=on_pick)
