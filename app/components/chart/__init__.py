"""Charts of a lesson, several in one component: whatever a knob changes is one message, and is drawn at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.components import component

_charts = component("chart", html="<div class='charts'></div><output aria-live='polite'></output>")


def charts(shown: Sequence[Mapping[str, Any]], *, columns: str, areas: Sequence[str], key: str) -> None:
    """Draw charts as `cnnviz.views.charts` has made them; where there is little room, one below the other.

    A value is read by pointing at it, or by the arrow keys.

    Args:
        columns: of the grid that they stand in, as CSS has it.
        areas: its rows, of the charts' names.
    """
    _charts(key=key, data={"charts": list(shown), "columns": columns, "areas": " ".join(f"'{row}'" for row in areas)})
