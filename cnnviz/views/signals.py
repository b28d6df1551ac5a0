"""What a network makes of a picture, as Plotly figures: its layers' statistics, and its answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.views.figures import QUIET, SINGLE, STACK

if TYPE_CHECKING:  # their modules import torch
    from cnnviz.activations.statistics import Statistics
    from cnnviz.prediction import Prediction

ZEROS, DEAD = "#009e73", "#d55e00"  # of Okabe and Ito's set, as the others
MOST_NAMES = 24  # that fit below the depth; longer networks are numbered


def statistics_over_depth(layers: "Sequence[Statistics]", selected: str = "") -> go.Figure:
    """Spread and mean of every layer's values, above its shares of zeros and of dead channels.

    The upper axis is logarithmic: a signal that fades or explodes is a line that falls or rises. Where a layer gives
    the same value everywhere its spread has no place there: a cross at the bottom marks it.

    Args:
        selected: path of the layer that a line marks.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.07)
    numbers = list(range(1, len(layers) + 1))
    told = [
        f"<b>{layer.path}</b> ({layer.op}), {' × '.join(map(str, layer.shape))}<br>"
        f"mean {layer.mean:.3g}, standard deviation {layer.deviation:.3g}<br>"
        f"from {layer.low:.3g} to {layer.high:.3g}<br>"
        f"{layer.zeros:.1%} zeros, {layer.dead} of {layer.shape[0] if layer.shape else 1} channels dead"
        for layer in layers
    ]
    common = {"x": numbers, "hovertext": told, "hovertemplate": "%{hovertext}<extra></extra>"}
    figure.add_scatter(
        **common,
        y=[layer.deviation or None for layer in layers],
        name="standard deviation",
        mode="lines+markers",
        line={"color": SINGLE, "width": 2},
        marker={"size": 4},
        row=1,
        col=1,
    )
    figure.add_scatter(
        **common,
        y=[abs(layer.mean) or None for layer in layers],
        name="mean, without its sign",
        mode="markers",
        marker={"size": 5, "symbol": "diamond", "color": STACK},
        row=1,
        col=1,
    )
    still = [number for number, layer in zip(numbers, layers, strict=True) if not layer.deviation]
    if still:
        lowest = min((layer.deviation for layer in layers if layer.deviation), default=1.0)
        figure.add_scatter(
            x=still,
            y=[lowest / 2] * len(still),
            hovertext=[told[number - 1] for number in still],
            hovertemplate=common["hovertemplate"],
            mode="markers",
            name="the same everywhere",
            marker={"color": DEAD, "symbol": "x", "size": 10},
            row=1,
            col=1,
        )
    figure.add_bar(
        **common, y=[layer.zeros for layer in layers], name="zeros", marker={"color": ZEROS, "line": {"width": 0}},
        row=2, col=1,
    )  # fmt: skip
    figure.add_scatter(
        **common,
        y=[layer.dead_share or None for layer in layers],
        name="dead channels",
        mode="markers",
        marker={"size": 6, "symbol": "square-open", "color": DEAD},
        row=2,
        col=1,
    )
    figure.update_layout(
        height=460,
        margin={"l": 0, "r": 10, "t": 30, "b": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )
    figure.update_yaxes(type="log", title="values", exponentformat="power", nticks=6, gridcolor=QUIET, row=1, col=1)
    figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%", title="share", gridcolor=QUIET, row=2, col=1)
    figure.update_xaxes(title="layer, in the order of the forward pass", row=2, col=1)
    for number in (number for number, layer in zip(numbers, layers, strict=True) if layer.path == selected):
        right = number > len(layers) / 2
        figure.add_vline(
            x=number,
            line={"color": SINGLE, "width": 2, "dash": "dot"},
            annotation={
                "text": f"<b>{selected}</b>",
                "xanchor": "right" if right else "left",
                "yanchor": "bottom",
                "y": 0,
            },
            row=1,
            col=1,
        )
        figure.add_vline(x=number, line={"color": SINGLE, "width": 2, "dash": "dot"}, row=2, col=1)
    if len(layers) <= MOST_NAMES:
        figure.update_xaxes(tickvals=numbers, ticktext=[layer.path for layer in layers], tickangle=-60, title="")
    return figure


def class_scores(prediction: "Prediction", most: int = 5) -> go.Figure:
    """The best classes as bars, the winner on top: the larger the better, or of squared distances the smaller."""
    shown = prediction.scores[:most]
    distances = prediction.measure == "squared distance"
    figure = go.Figure(
        go.Bar(
            x=[score.value for score in shown],
            # the number keeps classes of one name apart: ImageNet has two cranes
            y=[f"{score.index}: {score.name}" if score.name != str(score.index) else score.name for score in shown],
            orientation="h",
            marker={"color": [SINGLE] + [QUIET] * (len(shown) - 1), "line": {"color": SINGLE, "width": 1}},
            text=[f"{score.value:.1f}" if distances else f"{score.value:.1%}" for score in shown],
            textposition="auto",
            hovertemplate="%{y}: %{x:.4g}<extra></extra>",
        )
    )
    figure.update_layout(
        height=70 + 34 * len(shown),
        margin={"l": 0, "r": 25, "t": 10, "b": 40},
        xaxis={"title": "squared distance: the smallest wins", "rangemode": "tozero"}
        if distances
        else {"title": "probability", "tickformat": ".0%", "range": [0, 1]},
        yaxis={"autorange": "reversed", "type": "category", "ticksuffix": " "},
    )
    return figure
