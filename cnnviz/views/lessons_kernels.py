"""Figures of the lesson on kernels: what a stack of small kernels costs beside one large kernel."""

from collections.abc import Callable

import plotly.graph_objects as go

from cnnviz.analysis.kernels import Chain, Replication, break_even, over_kernels, over_mids
from cnnviz.views.figures import QUIET, SINGLE, STACK, STRIPES
from cnnviz.views.replication import lines_name, single_name, stack_name

LINES = "#009e73"  # of Okabe and Ito's set
DOTS = {"shape": ".", "fillmode": "overlay", "fgcolor": "#00855f", "fgopacity": 1, "solidity": 0.08}
KERNELS = range(3, 16, 2)
DASHES = "Solid: the one layer; dashed: the stack of 3 × 3; dotted: the two lines."
_LOOKS: tuple[tuple[Callable[[Replication], str], Callable[[Replication], Chain], str, str], ...] = (
    (single_name, lambda r: r.single, SINGLE, "solid"),  # colour is never the only cue
    (stack_name, lambda r: r.threes, STACK, "dash"),
    (lines_name, lambda r: r.lines, LINES, "dot"),
)


def weight_bars(r: Replication) -> go.Figure:
    """Weights of the single layer, and layer by layer of the stack and of the two lines, as bars."""
    figure = go.Figure()
    patterns: tuple[dict[str, object], ...] = ({}, STRIPES, DOTS)
    for (name, chain, colour, _), pattern in zip(_LOOKS, patterns, strict=True):
        for number, layer in enumerate(chain(r).layers, start=1):
            figure.add_bar(
                x=[layer.weights],
                y=[name(r)],
                orientation="h",
                marker={"color": colour, "line": {"color": QUIET, "width": 2}, "pattern": pattern},
                text=[f"{layer.weights:,}"],
                textfont={"color": "white" if colour == SINGLE else "black", "size": 14},
                hovertemplate=f"{name(r)}, layer {number}: %{{x:,}} weights<extra></extra>",
            )
    figure.update_traces(textposition="inside", insidetextanchor="middle", textangle=0)
    figure.update_layout(
        barmode="stack",
        showlegend=False,
        height=150,
        margin={"l": 0, "r": 10, "t": 4, "b": 38},
        xaxis={"title": "weights", "tickformat": ",", "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "tickfont": {"size": 14}},
    )
    return figure


def saving_over_kernels(r: Replication) -> go.Figure:
    """What the stack and the lines save of the weights, for each odd K; the one that is looked at is marked."""
    others = over_kernels(r, KERNELS)
    figure = go.Figure()
    for _, chain, colour, dash in _LOOKS[1:]:
        saved = [other.saved_by(chain(other)) for other in others]
        figure.add_scatter(
            x=list(KERNELS),
            y=saved,
            mode="lines+markers",
            name="3 × 3 stack" if colour == STACK else "two lines",
            line={"color": colour, "dash": dash, "width": 2},
            marker={"size": [13 if k == r.kernel else 5 for k in KERNELS], "symbol": "diamond"},
            hovertemplate="%{x} × %{x}: %{y:.1f} % fewer weights<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": QUIET, "width": 2})
    figure.update_layout(
        **_small(),
        xaxis={"title": "kernel K", "tickvals": list(KERNELS)},
        yaxis={"title": "% saved", "tickformat": ","},
    )
    return figure


def weights_over_mid(r: Replication) -> go.Figure:
    """Weights against the channels inside, beside those of the single layer; where the stack breaks even is marked."""
    even = break_even(r)
    most = max(4, r.mid, int(1.6 * even) if even else 0)
    mids = sorted({1 + round((most - 1) * part / 60) for part in range(61)} | {r.mid})
    others = over_mids(r, mids)
    figure = go.Figure()
    for name, chain, colour, dash in _LOOKS:
        weights = [chain(other).weights for other in others]
        figure.add_scatter(
            x=mids,
            y=weights,
            mode="lines+markers",
            name=name(r),
            line={"color": colour, "dash": dash, "width": 2},
            marker={"size": [11 if mid == r.mid else 0 for mid in mids], "symbol": "diamond", "opacity": 1},
            hovertemplate="%{x} channels inside: %{y:,} weights<extra></extra>",
        )
    if even:
        figure.add_vline(x=even, line={"color": QUIET, "width": 2, "dash": "dot"})
        figure.add_annotation(
            x=even, y=1, yref="paper", yanchor="bottom", text=f"even at {even:,.1f}", showarrow=False, font={"size": 12}
        )
    figure.update_layout(
        **_small(),
        xaxis={"title": "channels inside M", "tickformat": ","},
        yaxis={"title": "weights", "tickformat": "~s", "rangemode": "tozero"},
    )
    return figure


def _small() -> dict[str, object]:
    return {"height": 200, "margin": {"l": 0, "r": 8, "t": 20, "b": 38}, "showlegend": False}
