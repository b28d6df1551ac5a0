"""Figures of the lesson on kernels: what a stack of small kernels costs beside one large kernel."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.analysis.kernels import Chain, Replication, break_even, over_kernels, over_mids
from cnnviz.views import charts
from cnnviz.views.figures import SINGLE, STACK
from cnnviz.views.replication import lines_name, single_name, stack_name

LINES = "#009e73"  # of Okabe and Ito's set
SIGNED_COLOURS = [[0, SINGLE], [0.5, "#f7f7f7"], [1, STACK]]
KERNELS = range(3, 16, 2)
DASHES = "Solid: the one layer; dashed: the stack of 3 × 3; dotted: the two lines."
_LOOKS: tuple[tuple[Callable[[Replication], str], Callable[[Replication], Chain], str, str, str], ...] = (
    (single_name, lambda r: r.single, "blue", "", ""),  # colour is never the only cue
    (stack_name, lambda r: r.threes, "orange", "dash", "stripes"),
    (lines_name, lambda r: r.lines, "green", "dot", "dots"),
)
HERE, ELSEWHERE = 6.5, 2.5  # radius of a mark in pixels: of what is looked at, and of what isn't


def windows(r: Replication) -> charts.Chart:
    """How one output unit comes from a K x K input without padding: by one kernel, and layer by layer."""
    k = r.kernel
    sides = list(range(k, 0, -2))
    return {
        "name": "windows",
        "kind": "windows",
        "height": min(330, 90 + 28 * (k + 3)),
        "label": f"{k} × {k} pixels become one by one kernel; by {r.stack} of 3 × 3, {_way(sides[1:])}.",
        "rows": [
            {"tone": "blue", "kernel": k, "name": f"{k} × {k}", "sides": [k, 1]},
            {"tone": "orange", "kernel": 3, "name": "3 × 3", "sides": sides},
        ],
    }


def _way(sides: Sequence[int]) -> str:
    return ", ".join(f"{side} × {side}" for side in sides)


def weight_bars(r: Replication) -> charts.Chart:
    """Weights of the single layer, and layer by layer of the stack and of the two lines, as bars."""
    rows: list[charts.Chart] = [
        {
            "name": name(r),
            "parts": [
                charts.part(layer.weights, tone, pattern, f"{name(r)}, layer {number}: {layer.weights:,} weights")
                for number, layer in enumerate(chain(r).layers, start=1)
            ],
        }
        for name, chain, tone, _, pattern in _LOOKS
    ]
    said = ", ".join(f"{name(r)} {chain(r).weights:,}" for name, chain, *_ in _LOOKS)
    return charts.bars("bars", f"Weights: {said}", 150, rows, axis_title="weights")


def saving_over_kernels(r: Replication) -> charts.Chart:
    """What the stack and the lines save of the weights, for each odd K; the one that is looked at is marked."""
    others = over_kernels(r, KERNELS)
    series = [
        charts.line(
            "3 × 3 stack" if tone == "orange" else "two lines",
            tone,
            [
                (k, other.saved_by(chain(other)), HERE if k == r.kernel else ELSEWHERE)
                for k, other in zip(KERNELS, others, strict=True)
            ],
            "{x} × {x}: {y} % fewer weights",
            look=look,
            digits=1,
        )
        for _, chain, tone, look, _ in _LOOKS[1:]
    ]
    saved = [y for one in series for _, y, _ in one["points"]]
    return charts.lines(
        "kernels",
        "Weights that the stack and the two lines save, over the kernel's size",
        200,
        charts.ticked("kernel K", KERNELS[0] - 0.6, KERNELS[-1] + 0.6, [(k, str(k)) for k in KERNELS]),
        charts.axis("% saved", min(0.0, *saved), max(saved), at_most=5),
        series,
    )


def weights_over_mid(r: Replication) -> charts.Chart:
    """Weights against the channels inside, beside those of the single layer; where the stack breaks even is marked."""
    even = break_even(r)
    most = max(4, r.mid, int(1.6 * even) if even else 0)
    mids = sorted({1 + round((most - 1) * part / 60) for part in range(61)} | {r.mid})
    others = over_mids(r, mids)
    series = [
        charts.line(
            name(r),
            tone,
            [
                (mid, chain(other).weights, HERE - 1 if mid == r.mid else 0)
                for mid, other in zip(mids, others, strict=True)
            ],
            "{x} channels inside: {y} weights",
            look=look,
        )
        for name, chain, tone, look, _ in _LOOKS
    ]
    return charts.lines(
        "mids",
        "Weights over the channels inside" + (f"; they break even at {even:,.1f}" if even else ""),
        200,
        charts.axis("channels inside M", 1, most, at_most=5, widen=False),
        charts.axis("weights", 0, max(y for one in series for _, y, _ in one["points"]), at_most=5),
        series,
        [{"at": even, "text": f"even at {even:,.1f}"}] if even else [],
    )


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
        for (name, strengths), colour in zip(steps, (SINGLE, STACK, LINES), strict=True)
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
