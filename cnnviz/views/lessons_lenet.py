"""Figures of the lesson on LeNet-5: its connection table, its parameters, and the digits that it compares with."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from cnnviz.views import charts
from cnnviz.views.figures import SINGLE, STACK, STRIPES

_CLEAR = "rgba(0,0,0,0)"


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


def digits(figures: npt.NDArray[np.float32], drawn: npt.NDArray[np.float32], nearest: int) -> go.Figure:
    """The ten figures side by side, the nearest one framed, and before them what F6 draws."""
    gap = 2
    height, width = drawn.shape
    row = [drawn, *figures]
    sheet = np.full((height, len(row) * (width + gap) - gap), np.nan, np.float32)
    for at, one in enumerate(row):
        sheet[:, at * (width + gap) : at * (width + gap) + width] = one
    figure = go.Figure(
        go.Heatmap(
            z=sheet,
            colorscale=[[0, "#f2f2f2"], [1, "#1a1a1a"]],
            zmin=-1,
            zmax=1,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="%{z:+.0f}<extra></extra>",
        )
    )
    for at, colour in ((0, SINGLE), (nearest + 1, STACK)):
        left = at * (width + gap) - 1
        figure.add_shape(
            type="rect",
            x0=left,
            x1=left + width + 1,
            y0=-1,
            y1=height,
            line={"color": colour, "width": 3, "dash": "dot" if at == 0 else "solid"},
        )
    middles = [at * (width + gap) + (width - 1) / 2 for at in range(len(row))]
    figure.update_layout(
        height=190,
        margin={"l": 0, "r": 0, "t": 4, "b": 24},
        xaxis={
            "tickvals": middles,
            "ticktext": ["F6", *map(str, range(len(figures)))],
            "showgrid": False,
            "zeroline": False,
            "tickfont": {"size": 14},
        },
        yaxis={"visible": False, "autorange": "reversed", "scaleanchor": "x", "constrain": "domain"},
        plot_bgcolor=_CLEAR,
    )
    return figure


def distance_bars(distances: Sequence[float]) -> go.Figure:
    """How far what F6 draws is from each digit; the nearest one is striped."""
    nearest = int(np.argmin(distances))
    figure = go.Figure(
        go.Bar(
            x=[str(digit) for digit in range(len(distances))],
            y=list(distances),
            marker={
                "color": [STACK if digit == nearest else SINGLE for digit in range(len(distances))],
                "pattern": {**STRIPES, "shape": ["/" if digit == nearest else "" for digit in range(len(distances))]},
            },
            text=[f"{distance:.0f}" for distance in distances],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.0f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=190,
        margin={"l": 0, "r": 0, "t": 18, "b": 24},
        xaxis={"type": "category", "tickfont": {"size": 14}},
        yaxis={"title": "squared distance", "rangemode": "tozero"},
    )
    return figure
