"""Figures of the lesson on kernels: what a stack of small kernels costs beside one large kernel."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.analysis.kernels import Chain, Replication, break_even, over_kernels, over_mids
from cnnviz.views.figures import QUIET, SINGLE, STACK, STRIPES
from cnnviz.views.replication import lines_name, single_name, stack_name

LINES = "#009e73"  # of Okabe and Ito's set
DOTS = {"shape": ".", "fillmode": "overlay", "fgcolor": "#00855f", "fgopacity": 1, "solidity": 0.08}
SIGNED_COLOURS = [[0, SINGLE], [0.5, "#f7f7f7"], [1, STACK]]
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


# --- the proof ---------------------------------------------------------------


def grown(steps: Sequence[tuple[str, Sequence[npt.NDArray[np.float64]]]]) -> list[dict[str, Any]]:
    """What a unit of each map sees, chain by chain, as `growing_windows` draws it.

    Args:
        steps: of the layer, its stack and the lines: a name, and the strengths of pixels after none of its layers,
            after one, and so on.
    """
    side = max(max(strengths[-1].shape) for _, strengths in steps)
    return [
        {
            "name": name,
            "colour": colour,
            "side": side,
            "steps": [_step(number, strength) for number, strength in enumerate(strengths)],
        }
        for (name, strengths), (_, _, colour, _) in zip(steps, _LOOKS, strict=True)
    ]


def _step(layers: int, strength: npt.NDArray[np.float64]) -> dict[str, Any]:
    size, found = list(strength.shape), np.argwhere(strength > 0)
    shares = strength[tuple(found.T)] / strength.max()
    return {
        "size": size,
        "said": f"after {layers} layer{'s' if layers != 1 else ''}, a unit sees {len(found)} pixels of "
        f"{' × '.join(map(str, size))}",
        "cells": [[int(y), int(x), round(float(share), 2)] for (y, x), share in zip(found, shares, strict=True)],
    }


def kernels_beside(kernels: Sequence[tuple[str, npt.NDArray[np.float64]]]) -> go.Figure:
    """Small kernels with their signs in one scale for all; values stand in those that have room."""
    most = max(float(np.abs(kernel).max()) for _, kernel in kernels)
    figure = _beside(len(kernels), [name for name, _ in kernels], height=215)
    for column, (_, kernel) in enumerate(kernels, start=1):
        figure.add_heatmap(
            z=kernel,
            colorscale=SIGNED_COLOURS,
            zmin=-most,
            zmax=most,
            showscale=False,
            xgap=1,
            ygap=1,
            texttemplate="%{z:.1f}" if len(kernel) <= 7 else None,
            textfont={"size": 10},
            hovertemplate="%{z:.3f}<extra></extra>",
            row=1,
            col=column,
        )
    return figure


def residuals(found: Sequence[tuple[str, Sequence[float]]]) -> go.Figure:
    """What is left of a random kernel, in percent of it, against the channels inside."""
    figure = go.Figure()
    for (name, left), (colour, dash) in zip(found, ((STACK, "dash"), (LINES, "dot")), strict=True):
        figure.add_scatter(
            x=list(range(1, len(left) + 1)),
            y=[100 * one for one in left],
            name=name,
            mode="lines+markers+text",
            text=[f"{100 * one:.0f} %" for one in left],
            textposition="top right",
            textfont={"size": 12},
            cliponaxis=False,
            line={"color": colour, "dash": dash, "width": 2},
            marker={"size": 8, "symbol": "diamond" if dash == "dot" else "circle"},
            hovertemplate="%{x} channels inside: %{y:.2f} % left<extra></extra>",
        )
    figure.update_layout(
        height=215,
        margin={"l": 0, "r": 24, "t": 24, "b": 38},
        xaxis={"title": "channels inside M", "dtick": 1},
        yaxis={"title": "% left", "range": [0, 125 * max(max(left) for _, left in found) + 1]},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
    )
    return figure


def greys(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """(H, W) from black, the smallest, to white; a few pixels for each."""
    low, high = float(values.min()), float(values.max())
    pixels: npt.NDArray[np.uint8] = np.rint(255 * (values - low) / (high - low or 1)).astype(np.uint8)
    return _enlarged(pixels)


def signed(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """(H, W, 3): blue where negative, orange where positive, nearly white where zero; a few pixels for each."""
    share = (np.abs(values) / (float(np.abs(values).max()) or 1))[..., None]
    full = np.where(values[..., None] < 0, (0, 104, 168), (230, 159, 0))
    pixels: npt.NDArray[np.uint8] = np.rint(232 + share * (full - 232)).astype(np.uint8)
    return _enlarged(pixels)


def _enlarged(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return pixels.repeat(3, axis=0).repeat(3, axis=1)


def _beside(many: int, names: Sequence[str], height: int) -> go.Figure:
    figure = make_subplots(rows=1, cols=many, subplot_titles=list(names), horizontal_spacing=0.04)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", constrain="domain")
    for column in range(1, many + 1):
        figure.update_yaxes(scaleanchor=f"x{column if column > 1 else ''}", row=1, col=column)
    figure.update_annotations(font={"size": 13})
    figure.update_layout(height=height, margin={"l": 0, "r": 0, "t": 26, "b": 4}, plot_bgcolor="rgba(0,0,0,0)")
    return figure
