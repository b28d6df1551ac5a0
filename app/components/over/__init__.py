"""Values over the picture that they are about, as much as one blends in; a click chooses a place among them."""

import json
import struct
from collections.abc import Callable

from app.components import component
from cnnviz.activations.overlay import Heat, Overlay

_over = component("over")


def over_picture(
    overlay: Overlay,
    *,
    size: tuple[int, int],
    name: str,
    selection: str,
    key: str,
    layer: str = "",
    heat: Heat | None = None,
    on_place: Callable[[], None] | None = None,
) -> None:
    """Draw values over the picture that `framed_picture` shows for the same selection.

    A click, or the arrow keys, choose a place: `on_place` is called, and `st.session_state[key].place` is its row and
    column then. Which place is chosen, and what it sees, comes with the selection.

    Args:
        size: height and width of the network's input.
        name: what the values are, in words.
        selection: name of the selection.
        layer: that its place belongs to.
        heat: over all of the input, shown instead of the values.
        on_place: None where no place can be chosen.
    """
    head = json.dumps(
        {
            "height": overlay.values.shape[0],
            "width": overlay.values.shape[1],
            "low": overlay.low,
            "high": overlay.high,
            "extent": overlay.extent,
            "faint": overlay.faint,
            "size": size,
            "name": name,
            "selection": selection,
            "layer": layer,
            "chosen": on_place is not None,
            "heat": None if heat is None else heat.shape,
        }
    ).encode()
    # bytes only travel as they are when they are the whole message: length, head, colours, values, heat
    parts = [struct.pack("<I", len(head)), head, overlay.colours.tobytes(), overlay.values.astype("<f4").tobytes()]
    _over(
        key=key,
        data=b"".join([*parts, *([] if heat is None else [heat.tobytes()])]),
        on_place_change=on_place or (lambda: None),
    )
