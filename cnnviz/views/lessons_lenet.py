"""Figures of the lesson on LeNet-5: its connection table, its parameters, and the digits that it compares with."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from cnnviz.views.figures import QUIET, SINGLE, STACK, STRIPES

_CLEAR = "rgba(0,0,0,0)"


def connection_table(reads: Sequence[Sequence[int]], maps: int, picked: int) -> go.Figure:
    """Which maps of S2 (rows) each map of C3 (columns) reads: filled, and marked with an X; one of C3's is framed."""
    marks = [[int(row in column) for column in reads] for row in range(maps)]
    figure = go.Figure(
        go.Heatmap(
            z=marks,
            text=[["X" if mark else "" for mark in line] for line in marks],
            texttemplate="%{text}",
            textfont={"color": "white", "size": 14},
            colorscale=[[0, _CLEAR], [1, SINGLE]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="map %{x} of C3, map %{y} of S2<extra></extra>",
        )
    )
    for column in range(len(reads)):  # the places of what isn't read are seen as well
        for row in range(maps):
            if not marks[row][column]:
                _box(figure, column, row, QUIET, 1, 0.42)
    figure.add_shape(
        type="rect",
        x0=picked - 0.5,
        x1=picked + 0.5,
        y0=-0.55,
        y1=maps - 0.45,
        line={"color": STACK, "width": 4},
    )
    figure.update_layout(
        height=235,
        margin={"l": 0, "r": 0, "t": 4, "b": 38},
        xaxis={"title": "map of C3", "tickvals": list(range(len(reads))), "showgrid": False, "zeroline": False},
        yaxis={
            "title": "map of S2",
            "tickvals": list(range(maps)),
            "autorange": "reversed",
            "showgrid": False,
            "zeroline": False,
        },
        plot_bgcolor=_CLEAR,
    )
    return figure


def _box(figure: go.Figure, x: float, y: float, colour: str, width: int, half: float) -> None:
    line = {"color": colour, "width": width}
    figure.add_shape(type="rect", x0=x - half, x1=x + half, y0=y - half, y1=y + half, line=line)


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
