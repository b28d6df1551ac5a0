"""The selection between Python, which owns it, and the views of a page, which show it and are clicked in.

The views (graph, table, picture) are drawn once. What is picked in one of them is an event, `cnnviz:pick`; what is
selected by now is another, `cnnviz:selected`. This component, drawn anew with each selection, carries both: a click
then draws only what it changes, and sends no view again.
"""

from collections.abc import Callable

from app.components import component

_link = component("selection", html="<span hidden></span>")


def selection_link(
    name: str,
    *,
    layer: str,
    node: str | None,
    channel: int | None,
    at: tuple[int, int] | None,
    window: tuple[int, int, int, int] | None,
    caption: str,
    on_pick: Callable[[], None],
) -> None:
    """Tell the views of the selection `name` what is selected; what is picked in them calls `on_pick`.

    `st.session_state[name].pick` is the path of the node or of the layer that was picked then.

    Args:
        layer: path of the layer that is selected.
        node: that of the node that shows it in the graph; None where none does.
        channel, at: of the layer, that are selected; at is the row and the column of a place in its maps.
        window: top, left, bottom, right of what is to be framed in the picture, in pixels of the network's input.
        caption: of the picture.
    """
    data = {
        "name": name,
        "layer": layer,
        "node": node,
        "channel": channel,
        "place": at,
        "window": window,
        "caption": caption,
    }
    _link(key=name, data=data, height=1, on_pick_change=on_pick)
