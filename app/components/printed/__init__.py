"""A printed table, cell by cell: equal ones quiet, differing ones marked, with their reasons at hand."""

from collections.abc import Callable, Mapping
from typing import Any

from app.components import component

_table = component(
    "printed",
    html=(
        "<label><input type='checkbox' role='switch'>Differing rows only</label>"
        "<div class='scroll' role='region' aria-label='Printed table' tabindex='0'><table></table></div>"
        "<p class='reason' role='status'></p>"
    ),
)


def printed_table(
    table: Mapping[str, Any],
    *,
    hint: str,
    picked: str | None,
    differing: bool,
    key: str,
    on_pick: Callable[[], None],
    on_differing: Callable[[], None],
) -> None:
    """Show a table as `cnnviz.views.against.table` gives it.

    A click, Enter or an arrow key on a cell that differs shows why at once and calls `on_pick`;
    `st.session_state[key].pick` names the cell then: 'group/layer/column'.

    Args:
        hint: what stands below the table as long as no cell is picked.
        picked: the cell that is picked at first. Another one later would send the whole table again.
        differing: whether only rows that differ are shown at first; a switch in the table changes it, and calls
            `on_differing`, with `st.session_state[key].differing`.
    """
    data = {**table, "hint": hint, "picked": picked, "differing": differing}
    _table(key=key, data=data, on_pick_change=on_pick, on_differing_change=on_differing)
