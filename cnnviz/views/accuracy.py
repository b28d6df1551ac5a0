"""Charts of many networks: what accuracy costs, where parameters are, which ones a printed table lacks."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import plotly.graph_objects as go

from cnnviz.analysis.comparison import Summary, pareto_front
from cnnviz.printed.held import Held
from cnnviz.printed.pretrained import Published
from cnnviz.views import charts
from cnnviz.views.against import where
from cnnviz.views.figures import QUIET, SINGLE, STACK, STRIPES

Cost = Literal["MACs", "parameters", "memory"]
Accuracy = Literal["top-5", "top-1"]

COSTS: tuple[Cost, ...] = ("MACs", "parameters", "memory")
GAINS: tuple[Accuracy, ...] = ("top-5", "top-1")
FRONT = "Filled, on the line, is the Pareto front: networks that no other beats both in cost and in accuracy."
LARGEST = 38  # diameter in pixels of the bubble with most
_COSTS: Mapping[str, tuple[str, str]] = {  # -> attribute of a summary, what the axis says
    "MACs": ("macs", "multiply-accumulates (MACs) of one picture"),
    "parameters": ("params", "parameters"),
    "memory": ("activation_bytes", "memory of one picture's maps, bytes"),
}


def accuracy_against_cost(
    published: Sequence[Published], summaries: Mapping[str, Summary], cost: Cost, accuracy: Accuracy
) -> charts.Chart:
    """Bubbles: accuracy over cost, as large as the network has parameters (or MACs, over parameters).

    The Pareto front, whoever no other beats in both, is filled and joined by a line; all others are open.

    Args:
        published: of those that are shown.
        summaries: by key.
    """
    attribute, title = _COSTS[cost]
    costs = [getattr(summaries[row.network], attribute) for row in published]
    gains = [row.top5 if accuracy == "top-5" else row.top1 for row in published]
    front = pareto_front(list(zip(costs, gains, strict=True)))
    size, by = ("macs", "MACs") if cost == "parameters" else ("params", "parameters")
    amounts = [getattr(summaries[row.network], size) for row in published]
    points = [
        {
            "name": row.network,
            "x": math.log10(one_cost),
            "y": gain,
            "r": round(max(5, LARGEST * math.sqrt(amount / max(amounts))) / 2, 1),
            "on": number in front,
            "say": f"{row.network}: {accuracy} {gain:.2f} %, {one_cost:,} {cost}, {amount:,} {by}",
        }
        for number, (row, one_cost, gain, amount) in enumerate(zip(published, costs, gains, amounts, strict=True))
    ]
    return {
        **{"name": "accuracy", "kind": "bubbles", "height": 335, "points": points},
        "label": f"{accuracy} accuracy against {cost} of {len(points)} networks",
        "x": charts.powers(title, min(costs, default=1e9) / 2, max(costs, default=1e9) * 1.4),
        "y": charts.axis(
            f"{accuracy} accuracy, %", min(gains, default=80) - 2, max(gains, default=80) + 2, widen=False
        ),
        "front": [[math.log10(costs[n]), gains[n]] for n in front],
        "legend": [
            {"name": "Pareto front", "tone": "blue", "look": ""},
            {"name": f"on the front; area: {by}", "tone": "blue", "look": "none", "mark": "circle"},
            {"name": f"beaten by another; area: {by}", "tone": "orange", "look": "none", "mark": "open circle"},
        ],
    }


def left_out(shown: int, chosen: int) -> str:
    """How many of the chosen networks the chart can't show, in a sentence with a space behind it, or ''."""
    return f"{chosen - shown} of the {chosen} have no such figure. " if shown < chosen else ""


def where_parameters_are(summaries: Mapping[str, Summary]) -> go.Figure:
    """A bar a network: parameters of its convolutions, and of everything else (fully connected layers, batch norm)."""
    names = list(summaries)
    few = len(names) <= 6
    parts = (
        ("in convolutions", [summary.conv_params for summary in summaries.values()], {"color": SINGLE}),
        (
            "elsewhere",
            [summary.params - summary.conv_params for summary in summaries.values()],
            {"color": STACK, "pattern": STRIPES},
        ),
    )
    figure = go.Figure()
    for name, numbers, marker in parts:
        figure.add_bar(
            x=numbers,
            y=names,
            orientation="h",
            name=name,
            marker=marker,
            text=[f"{number:,}" for number in numbers] if few else None,  # too small for many; the table has them
            textposition="auto",
            insidetextfont={"color": "white" if name == "in convolutions" else "black"},
            hovertemplate=f"%{{y}}: %{{x:,}} {name}<extra></extra>",
        )
    figure.update_layout(
        barmode="group" if few else "stack",
        height=min(360, 90 + 70 * len(names)) if few else 90 + 20 * len(names),
        margin={"l": 0, "r": 10, "t": 28, "b": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        legend_traceorder="normal",
        xaxis={"title": "parameters", "tickformat": "~s"},
        yaxis={"autorange": "reversed", "tickfont": {"size": 13}},
    )
    return figure


def lacking_parameters(held: Held) -> go.Figure:
    """Which rows of a printed table lack how many parameters, one upon the other up to what the total lacks."""
    rows = held.lacking
    total = sum(number for _, number in rows)
    figure = go.Figure(
        go.Waterfall(
            x=[*(where(row) for row, _ in rows), "total"],
            y=[*(number for _, number in rows), total],
            measure=[*(["relative"] * len(rows)), "total"],
            text=[f"{number:,}" for number in (*(number for _, number in rows), total)],
            textposition="outside",
            textfont={"size": 11},
            increasing={"marker": {"color": STACK}},
            totals={"marker": {"color": SINGLE}},
            connector={"line": {"color": QUIET, "width": 1}},
            cliponaxis=False,
            hovertemplate="%{x}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 10, "t": 24, "b": 70},
        xaxis={"tickangle": -45, "tickfont": {"size": 11}},
        yaxis={"title": "parameters not counted", "tickformat": "~s"},
    )
    return figure
