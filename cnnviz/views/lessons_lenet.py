"""Figures of the lesson on LeNet-5: its connection table, its parameters, and the digits that it compares with."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from cnnviz.views import charts
from cnnviz.views.figures import SINGLE, STACK, STRIPES


def connection_table(reads: Sequence[Sequence[int]], maps: int, picked: int) -> charts.Chart:
    """Which maps of S2 (rows) each map of C3 (columns) reads: filled, and marked with an X; one of C3's is framed."""
    own = ", ".join(map(str, reads[picked]))
    return {
        "name": "table",
        "kind": "grid",
        "height": 235,
        "label": f"What each of C3's {len(reads)} maps reads of S2's {maps}; map {picked} reads {own}",
        "columns": [list(column) for column in reads],
        "rows": maps,
        "picked": picked,
        "titles": ["map of C3", "map of S2"],
        "says": ["map {x} of C3 reads map {y} of S2", "map {x} of C3 doesn't read map {y} of S2"],
    }


def parameters(names: Sequence[str], of_1998: Sequence[int], printed: Sequence[int]) -> go.Figure:
    """Parameters layer by layer: of 1998, and as it is usually printed; logarithmic, as C5 has four fifths."""
    figure = go.Figure()
    for name, values, colour, pattern in (
        (f"1998: {sum(of_1998):,}", of_1998, SINGLE, {}),
        (f"printed: {sum(printed):,}", printed, STACK, STRIPES),
    ):
        figure.add_bar(
            name=name,
            x=list(names),
            y=[value or None for value in values],
            marker={"color": colour, "pattern": pattern},
            text=[f"{value:,}" for value in values],
            textposition="outside",
            textangle=-90,
            textfont={"size": 11},
            cliponaxis=False,
            hovertemplate="%{x}: %{text}<extra></extra>",
        )
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 0, "t": 10, "b": 24},
        yaxis={"type": "log", "title": "parameters", "range": [0.8, 5.6], "dtick": 1},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        bargap=0.15,
    )
    return figure


def digits(figures: npt.NDArray[np.float32], drawn: npt.NDArray[np.float32], nearest: int) -> charts.Chart:
    """The ten figures side by side, the nearest one framed, and before them what F6 draws."""
    names = ["F6", *map(str, range(len(figures)))]
    return {
        "name": "digits",
        "kind": "bitmaps",
        "height": 150,
        "label": f"What F6 draws, and the figures of ten digits; {nearest} is the nearest",
        "bitmaps": [["".join("X" if ink > 0 else "." for ink in row) for row in one] for one in (drawn, *figures)],
        "names": names,
        "framed": [{"at": 0, "tone": "blue", "look": "dot"}, {"at": nearest + 1, "tone": "orange", "look": ""}],
    }


def distances(far: Sequence[float]) -> charts.Chart:
    """How far what F6 draws is from each digit; the nearest one is striped."""
    nearest = int(np.argmin(far))
    rows = [
        {
            "name": str(digit),
            "total": f"{distance:.0f}",
            "parts": [
                charts.part(
                    distance,
                    *(("orange", "stripes") if digit == nearest else ("blue", "")),
                    f"{distance:.0f} from the figure of {digit}",
                )
            ],
        }
        for digit, distance in enumerate(far)
    ]
    label = "Squared distance of what F6 draws from each digit's figure"
    return charts.bars("distances", label, 210, rows, title="squared distance")
