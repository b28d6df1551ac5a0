"""Results -> Plotly figures. Colours hold for colour-blind readers; text and background are the page's."""

from collections.abc import Sequence

import plotly.graph_objects as go

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
