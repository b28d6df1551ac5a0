"""The table of layers: every row in the page, the selected one marked and in sight, a click in it picks its layer.

Streamlit's own table would be sent again, whole, at every click, and can't scroll to a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from app.components import component

_table = component("table")


@dataclass(frozen=True)
class Column:
    """How a column looks.

    Attributes:
        kind: numbers stand to the right, with commas; bars are numbers with a bar, as long as the largest is.
    """

    kind: Literal["text", "number", "bar"] = "text"


def layer_table(
    rows: Sequence[Sequence[object]], columns: Mapping[str, Column], *, selection: str, key: str, height: int
) -> None:
    """Show a table, one row a layer, whose first column is the layers' paths.

    Args:
        rows: texts and whole numbers, one a column.
        columns: in their order; the first one stays in sight.
        selection: name of the selection that it shows, and whose layer a click picks.
        height: in pixels at the usual type size.
    """
    heads = [{"name": name} | asdict(column) for name, column in columns.items()]
    _table(key=key, data={"selection": selection, "columns": heads, "rows": rows, "height": height})
