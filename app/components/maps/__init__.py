"""The grid of a layer's feature maps: one scrolling canvas, drawn in the browser from bytes."""

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

from app.components import component
from cnnviz.activations.pictures import Maps
from cnnviz.analysis.arms import Arm

_grid = component(
    "maps",
    html=(
        "<div class='legend'></div><div class='arms'></div>"
        "<div class='scroll' tabindex='0' role='img'><div class='space'><canvas></canvas></div></div>"
        "<div class='tip' role='status'></div>"
    ),
)


def map_grid(
    maps: Maps,
    *,
    name: str,
    scale: str,
    key: str,
    on_pick: Callable[[], None] = lambda: None,
    **more: Any,
) -> None:
    """Draw all channels of `maps` with their numbers and colour scale.

    A click or Enter on a channel calls `on_pick`; `st.session_state[key].pick` is its number then.

    Args:
        name: what the maps are of, in words.
        scale: over what the colour scale reaches: channel, layer, network.
        more: that `grid_message` is to know.
    """
    _grid(key=key, data=grid_message(maps, name=name, scale=scale, place=key, **more), on_pick_change=on_pick)


def grid_message(
    maps: Maps,
    *,
    name: str,
    scale: str,
    place: str,
    selection: str = "",
    layer: str = "",
    order: Sequence[int] = (),
    dead: Sequence[int] = (),
    arms: Sequence[Arm] = (),
    planes: int = 1,
    what: str = "feature maps",
    of: str = "",
    turn: int = 0,
    title: str = "",
) -> bytes:
    """What a grid draws, as it travels: the length of its head, the head, 256 colours, and the values.

    Args:
        place: the key of the grid.
        selection, layer: the selection whose channel is marked, as long as this is its layer.
        order: in which the channels stand; by number by default.
        dead: channels that are crossed out.
        arms: of a concatenation, which get a colour each.
        planes: 3 where each map is one of red, one of green and one of blue, one below the other.
        what: they are, in the plural.
        of, turn: the key of the knobs that these maps answer, and which turn of them.
        title: that stands above them.
    """
    channels, height, width = maps.values.shape
    head = json.dumps(
        {
            "channels": channels,
            "height": height // planes,
            "planes": planes,
            "what": what,
            "width": width,
            "low": maps.ends[0],
            "high": maps.ends[1],
            "scale": scale,
            "name": name,
            "shrunk": maps.shrunk,
            "selection": selection,
            "layer": layer,
            "order": list(order),
            "dead": list(dead),
            "arms": [{"name": arm.name, "first": arm.first, "last": arm.last} for arm in arms],
            "place": place,
            "of": of,
            "turn": turn,
            "title": title,
        }
    ).encode()
    # bytes only travel as they are when they are the whole message
    return struct.pack("<I", len(head)) + head + maps.colours.tobytes() + maps.values.tobytes()
