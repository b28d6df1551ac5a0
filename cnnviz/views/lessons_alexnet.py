"""AlexNet's ideas as Plotly figures and tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cnnviz.views.drawing import rounded
from cnnviz.views.figures import QUIET, SINGLE, STACK, STRIPES

if TYPE_CHECKING:  # what it needs of them, it is given; their modules import torch
    from PIL import Image

    from cnnviz.lessons.alexnet import Crop, Damped, Dropped, Slopes, Towers
    from cnnviz.training.ideas import Measured
    from cnnviz.training.loop import Epoch

COLOURS = {"ReLU": SINGLE, "tanh": STACK}
DASHES = {"ReLU": "solid", "tanh": "dash"}
SYMBOLS = {"ReLU": "circle", "tanh": "diamond"}
_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
_MARGIN = {"l": 0, "r": 10, "t": 34, "b": 40}


def _line(name: str) -> dict[str, object]:
    return {
        "name": name,
        "mode": "lines+markers",
        "line": {"color": COLOURS[name], "dash": DASHES[name], "width": 2},
        "marker": {"symbol": SYMBOLS[name], "size": 7},
    }


# --- ReLU against tanh ----------------------------------------------------------


def let_through(layers: Mapping[str, Sequence["Slopes"]]) -> go.Figure:
    """Per layer, the mean slope of its units for the picture: what it lets through of a gradient."""
    figure = go.Figure()
    for name, found in layers.items():
        figure.add_bar(
            x=[layer.path for layer in found],
            y=[layer.mean for layer in found],
            name=name,
            marker={"color": COLOURS[name], "pattern": STRIPES if name == "tanh" else {}},
            text=[f"{layer.mean:.2f}" for layer in found],
            textposition="outside",
            hovertext=[f"{layer.flat:.1%} of its units have a slope below 0.1" for layer in found],
            hovertemplate="%{x}: mean slope %{y:.3f}<br>%{hovertext}<extra></extra>",
        )
    figure.update_layout(
        height=300,
        margin=_MARGIN,
        legend=_LEGEND,
        barmode="group",
        yaxis={"title": "mean slope", "range": [0, 1.12], "gridcolor": QUIET},
    )
    return figure


def gradient_through_depth(norms: Mapping[str, Sequence[float]]) -> go.Figure:
    """How much of the gradient arrives at each layer of an untrained chain; the axis is logarithmic."""
    figure = go.Figure()
    for name, values in norms.items():
        numbers = list(range(1, len(values) + 1))
        figure.add_scatter(
            x=numbers,
            y=[value or None for value in values],
            hovertemplate=f"layer %{{x}}, {name}: %{{y:.3g}} of the last layer's<extra></extra>",
            **_line(name),
        )
    figure.update_layout(
        height=300,
        margin=_MARGIN,
        legend=_LEGEND,
        xaxis={"title": "layer", "dtick": max(1, len(numbers) // 8)},
        yaxis={
            "type": "log",
            "title": "gradient, last = 1",
            "exponentformat": "power",
            "gridcolor": QUIET,
            "nticks": 6,
        },
    )
    return figure


def error_curves(logs: Mapping[str, Sequence["Epoch"]], target: float) -> go.Figure:
    """Training error over epochs, and the line of the paper's figure 1."""
    figure = go.Figure()
    for name, log in logs.items():
        figure.add_scatter(
            x=[line.epoch for line in log],
            y=[100 - line.train_accuracy for line in log],
            hovertemplate=f"epoch %{{x}}, {name}: %{{y:.1f}} %<extra></extra>",
            **_line(name),
        )
    figure.add_hline(y=target, line={"dash": "dot", "color": "#d55e00", "width": 2})
    figure.update_layout(
        height=300,
        margin=_MARGIN,
        legend=_LEGEND,
        xaxis={"title": "epoch", "dtick": 1},
        yaxis={"title": "training error, %", "rangemode": "tozero", "gridcolor": QUIET},
    )
    return figure


# --- local response normalisation -------------------------------------------------


def across_channels(found: "Damped", n: int) -> go.Figure:
    """All channels at the pixel of the strongest unit, before and after; after is multiplied by k^beta."""
    row, column = found.pixel
    before, after = found.before[:, row, column], found.after[:, row, column] * found.lone
    channels = list(range(len(before)))
    figure = go.Figure()
    figure.add_vrect(
        x0=found.channel - n // 2 - 0.5,
        x1=found.channel + (n - 1) // 2 + 0.5,
        fillcolor=QUIET,
        line_width=0,
        layer="below",
    )
    figure.add_bar(
        x=channels,
        y=before,
        name="before",
        marker={"color": SINGLE, "line": {"width": 0}},
        hovertemplate="channel %{x}: %{y:.4g} before<extra></extra>",
    )
    figure.add_scatter(
        x=channels,
        y=after,
        name="after, times k^β",
        mode="markers",
        marker={"color": STACK, "symbol": "diamond", "size": 8, "line": {"color": "black", "width": 1}},
        hovertemplate="channel %{x}: %{y:.4g} after, times k^β<extra></extra>",
    )
    figure.update_layout(
        height=255,
        margin=_MARGIN,
        legend=_LEGEND,
        bargap=0.25,
        xaxis={"title": f"channel, at row {row}, column {column}<br>grey: the {n} that divide the strongest unit"},
        yaxis={"gridcolor": QUIET},
    )
    return figure


# --- pooling ------------------------------------------------------------------------


def windows(
    visits: Mapping[str, Sequence[int]], sizes: Mapping[str, tuple[int, int]], positions: int = 13
) -> go.Figure:
    """The windows along one axis as bars over the positions that they read, and how often each is read."""
    figure = go.Figure()
    ticks: list[tuple[float, str]] = []
    y = 0.0
    for (name, (window, stride)), colour in zip(sizes.items(), (SINGLE, STACK), strict=True):
        starts = range(0, positions - window + 1, stride)
        lanes = -(-window // stride)
        for number, start in enumerate(starts):
            level = y - 0.45 * (number % lanes)
            figure.add_shape(
                type="rect", x0=start + 0.06, x1=start + window - 0.06, y0=level - 0.36, y1=level,
                fillcolor=colour, opacity=0.85, line={"color": "white", "width": 1},
            )  # fmt: skip
        ticks.append((y - 0.225 * lanes, name))
        y -= 0.45 * lanes
        figure.add_scatter(
            x=[position + 0.5 for position in range(positions)],
            y=[y - 0.2] * positions,
            mode="text",
            text=[f"{count}×" for count in visits[name]],
            textfont={"size": 13},
            hoverinfo="skip",
            showlegend=False,
        )
        y -= 0.75
    figure.update_layout(
        height=int(70 - 62 * y),
        margin={"l": 0, "r": 10, "t": 4, "b": 36},
        xaxis={"title": "position along an axis<br>below the windows: how many have it", "range": [0, positions],
               "tickvals": [p + 0.5 for p in range(positions)], "ticktext": [str(p) for p in range(positions)]},
        yaxis={"range": [y + 0.2, 0.15], "tickvals": [t for t, _ in ticks], "ticktext": [n for _, n in ticks],
               "showgrid": False, "zeroline": False},
    )  # fmt: skip
    return figure


# --- dropout ------------------------------------------------------------------------


def mask(units: Sequence[float], stays: Sequence[bool]) -> go.Figure:
    """The units as a field: their values, and crossed out those that this mask drops."""
    side = int(np.ceil(np.sqrt(len(units))))
    field = np.full(side * side, np.nan)
    field[: len(units)] = units
    there = np.zeros(side * side, dtype=bool)
    there[: len(units)] = stays
    dropped = np.flatnonzero(~there[: len(units)])
    figure = go.Figure(
        go.Heatmap(
            z=np.where(there, field, np.nan).reshape(side, side),
            colorscale="Viridis",
            zmin=float(np.nanmin(field)),
            zmax=float(np.nanmax(field)) or 1.0,
            xgap=1,
            ygap=1,
            colorbar={"thickness": 10, "title": ""},
            hovertemplate="unit %{x} + %{y} × " + str(side) + ": %{z:.3g}<extra></extra>",
        )
    )
    figure.add_scatter(
        x=dropped % side, y=dropped // side, mode="markers", marker={"symbol": "x-thin", "size": 4, "line": {"width": 1,
        "color": "rgba(128,136,148,.9)"}}, hovertemplate="dropped<extra></extra>", showlegend=False,
    )  # fmt: skip
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 0, "t": 6, "b": 6},
        xaxis={"visible": False, "range": [-0.5, side - 0.5]},
        yaxis={"visible": False, "range": [side - 0.5, -0.5], "scaleanchor": "x"},
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def mean_of_masks(found: "Dropped", shown: int) -> go.Figure:
    """How far the mean of so many masks is from the scaled network, beside one over the root of their number."""
    numbers = np.arange(1, shown + 1)
    first = float(found.away[0]) or 1.0
    figure = go.Figure()
    figure.add_scatter(
        x=numbers,
        y=[float(value) or None for value in found.away[:shown]],
        mode="lines+markers" if shown < 30 else "lines",
        name="mean",
        line={"color": SINGLE, "width": 2},
        hovertemplate="%{x} masks: %{y:.1%} away<extra></extra>",
    )
    figure.add_scatter(
        x=numbers, y=first / np.sqrt(numbers), mode="lines", name="first / √number", hoverinfo="skip",
        line={"color": STACK, "width": 2, "dash": "dash"},
    )  # fmt: skip
    figure.update_layout(
        height=300,
        margin=_MARGIN,
        legend=_LEGEND,
        xaxis={"type": "log", "title": "masks drawn", "range": [-0.05, np.log10(max(10, len(found.away)))], "dtick": 1},
        yaxis={
            "type": "log",
            "title": "away from the scaled net",
            "tickformat": ".1%",
            "gridcolor": QUIET,
            "tickvals": [digit * 10**power for power in range(-4, 1) for digit in (1, 2, 5)],
        },
    )
    return figure


def three_answers(names: Sequence[str], answers: Mapping[str, Sequence[float]]) -> go.Figure:
    """Probabilities of the classes, as several networks have them."""
    figure = go.Figure()
    for (name, values), colour, shape in zip(answers.items(), ("#009e73", SINGLE, STACK), (".", "", "/"), strict=False):
        figure.add_bar(
            x=list(names),
            y=list(values),
            name=name,
            marker={"color": colour, "pattern": {**STRIPES, "shape": shape, "fgcolor": "rgba(0,0,0,.5)"}},
            hovertemplate=f"%{{x}}, {name}: %{{y:.1%}}<extra></extra>",
        )
    figure.update_layout(
        height=300,
        margin=_MARGIN,
        legend=_LEGEND,
        barmode="group",
        xaxis={"tickangle": -45},
        yaxis={"tickformat": ".0%", "gridcolor": QUIET, "rangemode": "tozero"},
    )
    return figure


# --- augmentation ----------------------------------------------------------------------


def crops_on(picture: "Image.Image", crops: Sequence["Crop"], side: int) -> go.Figure:
    """The crops drawn on the picture: mirrored ones dashed, from right to left."""
    width, height = picture.size
    figure = go.Figure(go.Image(z=np.asarray(picture), hoverinfo="skip"))
    colours = (SINGLE, STACK, "#009e73", "#cc79a7", "#56b4e9")
    for number, crop in enumerate(crops):
        inset = 0.6 * number if len(crops) <= 10 else 0
        figure.add_shape(
            type="rect",
            x0=crop.left - 0.5 + inset,
            y0=crop.top - 0.5 + inset,
            x1=crop.left + side - 0.5 - inset,
            y1=crop.top + side - 0.5 - inset,
            line={"color": colours[number % 5], "width": 2, "dash": "dash" if crop.mirrored else "solid"},
        )
    figure.update_layout(
        height=345,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis={"visible": False, "range": [-1, width], "constrain": "domain"},
        yaxis={"visible": False, "range": [height, -1], "scaleanchor": "x", "constrain": "domain"},
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def answers_over_crops(names: Sequence[str], answers: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> go.Figure:
    """Probabilities, one row a crop and one for the mean of all; the mean's best classes only."""
    mean = answers.mean(axis=0)
    best = np.argsort(-mean, kind="stable")[:6]
    plain = ("top left", "top right", "bottom left", "bottom right", "middle")
    rows = [*plain, *(f"{name}, mirrored" for name in plain), "<b>mean of ten</b>"]
    values = np.vstack([answers, mean])[:, best]
    figure = go.Figure(
        go.Heatmap(
            x=[names[number] for number in best],
            y=rows,
            z=values,
            zmin=0,
            zmax=1,
            colorscale="Blues",
            showscale=False,
            text=[[f"{value:.0%}" for value in row] for row in values],
            texttemplate="%{text}",
            hovertemplate="%{y}, %{x}: %{z:.1%}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.update_layout(
        height=345, margin={"l": 0, "r": 0, "t": 24, "b": 0}, xaxis={"side": "top"}, yaxis={"autorange": "reversed"}
    )
    return figure


# --- two towers --------------------------------------------------------------------------


def which_reads_which(rows: Sequence["Towers"]) -> go.Figure:
    """For each layer of two towers a field of its units (down) and the maps before it (across): who reads whom."""
    figure = go.Figure()
    x = 0.0
    for row in rows:
        apart = row.reads_one != row.reads_two
        for top, left in ((0, 0), (0.5, 0.5)) if apart else ((0, 0),):
            size = 0.5 if apart else 1
            figure.add_shape(
                type="rect", x0=x + left, x1=x + left + size, y0=-top, y1=-top - size,
                fillcolor=STACK if apart else SINGLE, opacity=0.85, line={"width": 0},
            )  # fmt: skip
        figure.add_shape(type="rect", x0=x, x1=x + 1, y0=0, y1=-1, line={"color": "rgba(128,136,148,.9)", "width": 2})
        figure.add_annotation(
            x=x + 0.5, y=-1.03, yanchor="top", showarrow=False, font={"size": 13},
            text=f"<b>{row.path}</b><br>{rounded(row.two)}<br>{_minus(row)}",
        )  # fmt: skip
        x += 1.22
    figure.update_layout(
        height=250,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis={"visible": False, "range": [-0.15, x - 0.1]},
        yaxis={"visible": False, "range": [-1.62, 0.02]},
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def _minus(row: "Towers") -> str:
    return f"−{rounded(row.one - row.two)}" if row.one != row.two else "same"


def tower_rows(rows: Sequence["Towers"]) -> pd.DataFrame:
    """One row a layer, and their sums."""
    frame = pd.DataFrame(
        {
            "layer": row.path,
            "one tower": row.one,
            "two towers": row.two,
            "difference": row.two - row.one,
            "MACs, one": row.macs_one,
            "MACs, two": row.macs_two,
            "maps read, one": row.reads_one,
            "maps read, two": row.reads_two,
        }
        for row in rows
    )
    sums = frame.drop(columns=["layer", "maps read, one", "maps read, two"]).sum().to_dict()
    return pd.concat([frame, pd.DataFrame([{"layer": "all", **sums}])], ignore_index=True)


# --- what they are worth -------------------------------------------------------------------


def what_is_lost(rows: Sequence["Measured"], names: Mapping[str, str]) -> go.Figure:
    """Held-out accuracy with each idea left out, less that with all: a dot a seed, a bar for their mean."""
    whole, *others = rows
    figure = go.Figure()
    labels = [f"without {names[row.left_out]}" for row in others]
    changes = [[less - more for less, more in zip(row.accuracies, whole.accuracies, strict=True)] for row in others]
    figure.add_bar(
        y=labels,
        x=[sum(change) / len(change) for change in changes],
        orientation="h",
        name="mean",
        marker={"color": [STACK if sum(change) > 0 else SINGLE for change in changes]},
        hovertemplate="%{y}: %{x:+.1f} points in the mean<extra></extra>",
        showlegend=False,
    )
    for seed in range(len(whole.accuracies)):
        figure.add_scatter(
            y=labels,
            x=[change[seed] for change in changes],
            mode="markers",
            name=f"seed {seed}",
            marker={
                "symbol": ("circle", "square", "diamond")[seed % 3],
                "size": 10,
                "color": "white",
                "line": {"width": 2, "color": "black"},
            },
            hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
        )
    figure.add_vline(x=0, line={"width": 2, "color": "rgba(128,136,148,.9)"})
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 10, "t": 34, "b": 44},
        legend=_LEGEND,
        xaxis={"title": "held-out accuracy,<br>points against all four", "gridcolor": QUIET},
        yaxis={"autorange": "reversed", "tickfont": {"size": 14}},
    )
    return figure


def worth_rows(rows: Sequence["Measured"], names: Mapping[str, str]) -> pd.DataFrame:
    """One row a recipe: means over the seeds, and each seed's accuracy."""
    return pd.DataFrame(
        {
            "left out": names.get(row.left_out, "none"),
            "training error, %": sum(row.errors) / len(row.errors),
            "held-out accuracy, %": sum(row.accuracies) / len(row.accuracies),
            **{f"seed {seed}": value for seed, value in enumerate(row.accuracies)},
        }
        for row in rows
    )


def points_of_overlap(lost: Sequence[float]) -> str:
    """What the small AlexNet loses without overlapping windows, in a sentence."""
    return (
        f"The small AlexNet, without it, loses {np.mean(lost):.1f} points on held-out pictures, {min(lost):.1f} to "
        f"{max(lost):.1f} over {len(lost)} seeds."
    )


def epochs_of_dropout(pairs: Sequence[tuple[int, int | None]]) -> str:
    """How much longer training takes with dropout, the paper's figure beside the logs', in two sentences."""
    seeds = ", ".join(f"{first} against {'none' if less is None else less}" for first, less in pairs)
    return (
        "Krizhevsky et al. 2012 report about twice the iterations to converge with p = 0.5 (section 4.2). In our short "
        f"trainings, the small AlexNet takes, to the same training error, with dropout and without, **{seeds}** epochs "
        f"({len(pairs)} seeds)."
    )
