"""AlexNet's ideas as charts, Plotly figures and tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from cnnviz.views import charts
from cnnviz.views.drawing import rounded
from cnnviz.views.figures import QUIET, SINGLE, STACK, STRIPES

if TYPE_CHECKING:  # what it needs of them, it is given; their modules import torch
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


def across_channels(found: "Damped", n: int) -> charts.Chart:
    """All channels at the pixel of the strongest unit, before and after; after is multiplied by k^beta."""
    row, column = found.pixel
    before, after = found.before[:, row, column], found.after[:, row, column] * found.lone
    every = 1 if len(before) <= 16 else 10
    return charts.columns(
        "channels",
        f"All channels at row {row}, column {column}, before and after",
        255,
        [str(channel) for channel in range(len(before))],
        charts.axis("", 0, float(before.max()) or 1.0),
        [_heights("before", "blue", "", before, "channel {x}: {y} before")],
        x=charts.ticked(
            f"channel, at row {row}, column {column}\ngrey: the {n} that divide the strongest unit",
            *(0, len(before), [(channel, str(channel)) for channel in range(0, len(before), every)]),
        ),
        marks=[
            _heights("after, times k^β", "orange", "", after, "channel {x}: {y} after, times k^β") | {"mark": "diamond"}
        ],
        band=[found.channel - n // 2 - 0.5, found.channel + (n - 1) // 2 + 0.5],
    )


def _heights(name: str, tone: str, pattern: str, heights: Iterable[float], say: str) -> charts.Chart:
    rounded = [float(f"{height:.4g}") for height in heights]
    return {"name": name, "tone": tone, "pattern": pattern, "heights": rounded, "say": say}


# --- pooling ------------------------------------------------------------------------


def windows(
    visits: Mapping[str, Sequence[int]], sizes: Mapping[str, tuple[int, int]], positions: int = 13
) -> charts.Chart:
    """The windows along one axis as bars over the positions that they read, and how often each is read."""
    rows = [
        {
            "name": name,
            "tone": tone,
            "starts": list(range(0, positions - window + 1, stride)),
            "window": window,
            "lanes": -(-window // stride),
            "counts": list(visits[name]),
        }
        for (name, (window, stride)), tone in zip(sizes.items(), ("blue", "orange"), strict=True)
    ]
    return {
        **{"name": "windows", "kind": "spans", "height": 225, "label": f"Windows of {' and '.join(sizes)}"},
        **{"rows": rows, "positions": positions},
        "below": "position along an axis\nbelow the windows: how many have it",
    }


# --- dropout ------------------------------------------------------------------------


def mask(title: str, units: "npt.NDArray[np.float32]", stays: Sequence[bool]) -> charts.Chart:
    """The units as a field: their values, and crossed out those that this mask drops."""
    low, high = float(units.min()), float(units.max())
    return {
        **{"name": "mask", "kind": "field", "height": 280, "label": title, "title": title},
        "side": int(np.ceil(np.sqrt(len(units)))),
        "steps": np.rint(255 * (units - low) / (high - low or 1)).astype(int).tolist(),
        "crossed": np.flatnonzero(~np.asarray(stays)).tolist(),
        "ends": [f"{low:.3g}", f"{high:.3g}"],
    }


def mean_of_masks(title: str, found: "Dropped", shown: int) -> charts.Chart:
    """How far the mean of so many masks is from the scaled network, beside one over the root of their number."""
    numbers = np.arange(1, shown + 1)
    away = np.asarray(found.away[:shown], float)
    there = away > 0
    ideal = (float(found.away[0]) or 1.0) / np.sqrt(numbers)
    most = max(10, len(found.away))
    low, high = (min(away[there].min(initial=1), ideal.min()), max(away.max(), ideal.max()))
    x = np.log10(numbers)
    drawn = (
        charts.line(
            *(
                "mean",
                "blue",
                [(a, b, 3.0 if shown < 30 else 0) for a, b in zip(x[there], np.log10(away[there]), strict=True)],
                "",
            ),
            mark="circle",
        )
        | {"says": [f"{n} masks: {100 * a:.1f} % away" for n, a in zip(numbers[there], away[there], strict=True)]},
        charts.line(
            "first / √number", "orange", [(a, b, 0) for a, b in zip(x, np.log10(ideal), strict=True)], "", look="dash"
        ),
    )
    y = charts.powers("away from the scaled net", float(low) / 1.2, float(high) * 1.2, share=True)
    legend = [{key: one[key] for key in ("name", "tone", "look")} for one in drawn]
    across = charts.powers("masks drawn", 1, most)
    return charts.lines("mean", title, 280, across, y, drawn) | {"title": title, "legend": legend}


def three_answers(title: str, names: Sequence[str], answers: Mapping[str, Sequence[float]]) -> charts.Chart:
    """Probabilities of the classes, as several networks have them."""
    looks = (("green", "dots"), ("blue", ""), ("orange", "stripes"))
    series = [
        _heights(name, *look, [100 * value for value in values], f"{{x}}, {name}: {{y}} %")
        for (name, values), look in zip(answers.items(), looks, strict=False)
    ]
    most = max(max(one["heights"]) for one in series)
    turned = charts.ticked("", 0, len(names), list(enumerate(names))) | {"turned": True}
    y = charts.axis("", 0, most)
    y |= {"ticks": [(value, f"{text} %") for value, text in y["ticks"]]}
    return charts.columns("answers", title, 280, names, y, series, x=turned) | {"title": title}


# --- augmentation ----------------------------------------------------------------------


def crops_on(picture: str, cover: int, crops: Sequence["Crop"], side: int) -> charts.Chart:
    """The crops drawn on the picture, mirrored ones dashed; of ten, each is a little smaller than the one before.

    Args:
        picture: its URL.
        cover: pixels that its sides are scaled to.
        side: of a crop, in the same pixels.
    """
    tones = ("blue", "orange", "green", "pink")
    frames = []
    for number, crop in enumerate(crops):
        inset = 1.2 * number if len(crops) <= 10 else 0
        frames.append(
            {"tone": tones[number % 4], "look": "dash" if crop.mirrored else "", "side": side - 2 * inset}
            | {"left": crop.left + inset, "top": crop.top + inset}
        )
    return {
        **{"name": "crops", "kind": "framed", "height": 330, "label": f"{len(crops)} crops drawn on the picture"},
        **{"picture": picture, "size": cover, "frames": frames},
    }


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
