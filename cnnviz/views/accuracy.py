"""Charts of many networks: what accuracy costs, where parameters are, which ones a printed table lacks."""

from collections.abc import Mapping, Sequence
from typing import Literal

import plotly.graph_objects as go

from cnnviz.analysis.comparison import Summary, pareto_front
from cnnviz.printed.held import Held
from cnnviz.printed.pretrained import Published
from cnnviz.views.against import where
from cnnviz.views.figures import QUIET, SINGLE, STACK, STRIPES

Cost = Literal["MACs", "parameters", "memory"]
Accuracy = Literal["top-5", "top-1"]

COSTS: tuple[Cost, ...] = ("MACs", "parameters", "memory")
GAINS: tuple[Accuracy, ...] = ("top-5", "top-1")
FRONT = "Filled, on the line, is the Pareto front: networks that no other beats both in cost and in accuracy."
ONE_TWO_FIVE = [digit * 10**power for power in range(4, 13) for digit in (1, 2, 5)]
LARGEST = 38  # diameter in pixels of the bubble with most
_COSTS: Mapping[str, tuple[str, str]] = {  # -> attribute of a summary, what the axis says
    "MACs": ("macs", "multiply-accumulates (MACs) of one picture"),
    "parameters": ("params", "parameters"),
    "memory": ("activation_bytes", "memory of one picture's maps, bytes"),
}


def accuracy_against_cost(
    published: Sequence[Published], summaries: Mapping[str, Summary], cost: Cost, accuracy: Accuracy
) -> go.Figure:
    """Bubbles: accuracy over cost, as large as the network has parameters (or MACs, over parameters).

    The Pareto front, whoever no other beats in both, is filled and joined by a line; all others are open.

    Args:
        published: of those that are shown.
        summaries: by key.
    """
    attribute, axis = _COSTS[cost]
    rows = published
    costs = [getattr(summaries[row.network], attribute) for row in rows]
    gains = [row.top5 if accuracy == "top-5" else row.top1 for row in rows]
    front = pareto_front(list(zip(costs, gains, strict=True)))
    size, by = ("macs", "MACs") if cost == "parameters" else ("params", "parameters")
    amounts = [getattr(summaries[row.network], size) for row in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=[costs[n] for n in front],
        y=[gains[n] for n in front],
        mode="lines",
        line={"color": SINGLE, "width": 2, "shape": "hv"},
        hoverinfo="skip",
        name="Pareto front",
    )
    for on, name in ((True, "on the front"), (False, "beaten by another")):
        chosen = [n for n in range(len(rows)) if (n in front) == on]
        figure.add_scatter(
            x=[costs[n] for n in chosen],
            y=[gains[n] for n in chosen],
            mode="markers+text",
            marker={
                "size": [amounts[n] for n in chosen],
                "sizemode": "area",
                "sizeref": max(amounts, default=1) / LARGEST**2,
                "sizemin": 5,
                "color": SINGLE if on else "rgba(0,0,0,0)",
                "opacity": 0.8 if on else 1,
                "line": {"color": SINGLE if on else STACK, "width": 2},
            },
            text=[rows[n].network for n in chosen],
            textposition="top left" if on else "bottom center",
            textfont={"size": 12},
            cliponaxis=False,
            customdata=[amounts[n] for n in chosen],
            hovertemplate=f"%{{text}}: {accuracy} %{{y:.2f}} %<br>%{{x:,}} {cost}<br>%{{customdata:,}} {by}"
            "<extra></extra>",
            name=f"{name}; area: {by}",
        )
    figure.update_layout(
        height=360,
        margin={"l": 0, "r": 10, "t": 28, "b": 44},
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "itemsizing": "constant",
            "font": {"size": 12},
        },
        xaxis={"title": axis, "type": "log", "tickformat": "~s", "tickvals": ONE_TWO_FIVE},
        yaxis={"title": f"{accuracy} accuracy, %"},
    )
    return figure


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
