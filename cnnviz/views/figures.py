"""Results -> Plotly figures. Colours hold for colour-blind readers; text and background are the page's."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from cnnviz.analysis.kernels import Replication

SINGLE, STACK = "#0068a8", "#e69f00"  # of Okabe and Ito's set
STRIPES = {"shape": "/", "fillmode": "overlay", "fgcolor": "#b87900", "fgopacity": 1, "solidity": 0.2}
QUIET = "rgba(128,136,148,.35)"


def enlarged(figure: go.Figure, factor: float) -> go.Figure:
    """A figure whose type and height are as much larger; what has no size of its own takes the page's."""
    if factor != 1:
        figure.update_layout(height=factor * figure.layout.height)
        axes = (*figure.select_xaxes(), *figure.select_yaxes())
        for part in (*figure.layout.annotations, *axes, *figure.data):
            for name in ("font", "tickfont", "textfont"):
                if name in part and part[name].size:
                    part[name].size *= factor
    return figure


def replication_windows(replication: Replication) -> go.Figure:
    """How one output unit comes from a K x K input without padding: by one kernel, and layer by layer."""
    kernel = replication.kernel
    single = [(kernel, f"input<br>{kernel} × {kernel}"), (1, "1 × 1")]
    stack = [(side, f"{side} × {side}") for side in range(kernel, 0, -2)]
    stack[0] = single[0]
    rows = (
        _row(single, kernel, top=0.0, kernel_name=f"{kernel} × {kernel}", colour=SINGLE),
        _row(stack, 3, top=-(kernel + 3.0), kernel_name="3 × 3", colour=STACK),
    )
    width = sum(side for side, _ in stack) + (len(stack) - 1) * 3.2
    figure = go.Figure()
    figure.update_layout(  # all at once: each one that is added has Plotly look at all others again
        shapes=[shape for shapes, _ in rows for shape in shapes],
        annotations=[note for _, notes in rows for note in notes],
        height=int(min(330, 90 + 2 * (kernel + 3) * 14)),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        xaxis={"visible": False, "range": [-0.5, width + 0.5], "fixedrange": True},
        yaxis={
            "visible": False,
            "range": [-2 * (kernel + 3.0) + 1, 0.7],
            "scaleanchor": "x",
            "fixedrange": True,
        },
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def vector(values: Sequence[float]) -> go.Figure:
    """The units of a fully connected layer, one bar each."""
    figure = go.Figure(
        go.Bar(
            y=list(values),
            marker={"color": SINGLE, "line": {"width": 0}},
            hovertemplate="unit %{x}: %{y:.4g}<extra></extra>",
        )
    )
    figure.update_layout(
        height=320,
        bargap=0 if len(values) > 64 else 0.2,
        margin={"l": 0, "r": 0, "t": 10, "b": 40},
        xaxis={"title": "unit"},
        yaxis={"title": "value"},
    )
    return figure


def _row(
    grids: Sequence[tuple[int, str]], kernel: int, *, top: float, kernel_name: str, colour: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Shapes and annotations of square grids, each with the window that its next grid's corner unit is computed from.

    Lines are one path a grid: there may be some hundred units.
    """
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    largest = grids[0][0]
    x = 0.0
    for number, (side, label) in enumerate(grids):
        y = top - (largest - side) / 2
        lit = min(kernel, side) if number + 1 < len(grids) else 1
        for height in {lit, 1} if number else {lit}:  # the window, and the unit that came from the one before
            shapes.append(_square(x, y, height) | {"fillcolor": colour, "opacity": 0.75, "line": {"width": 0}})
        cells = [f"M{x + at},{y}V{y - side}M{x},{y - at}H{x + side}" for at in range(side + 1)]
        shapes.append({"type": "path", "path": "".join(cells), "line": {"color": QUIET, "width": 1}})
        notes.append({"x": x + side / 2, "y": y - side - 0.9, "text": label, "font": {"size": 13}})
        if number + 1 < len(grids):
            middle = top - largest / 2
            arrow = {"x": x + side + 2.8, "y": middle, "ax": x + side + 0.4, "ay": middle, "axref": "x", "ayref": "y"}
            notes.append(arrow | {"text": "", "showarrow": True, "arrowhead": 2, "arrowcolor": colour})
            if not number:  # all others are the same, and there may be little room
                notes.append({"x": x + side + 1.6, "y": middle + 0.6, "text": kernel_name, "font": {"size": 12}})
        x += side + 3.2
    return shapes, [{"showarrow": False} | note for note in notes]


def _square(x: float, y: float, side: int) -> dict[str, Any]:
    return {"type": "rect", "x0": x, "x1": x + side, "y0": y, "y1": y - side}
