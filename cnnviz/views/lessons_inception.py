"""The inception module as Plotly figures and tables: what its arms cost and give."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.views.figures import QUIET

if TYPE_CHECKING:  # its module imports torch
    import numpy as np

    from cnnviz.lessons.inception import Head, Module

ARMS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")  # Okabe and Ito's, in the order of the concat
PATTERNS = ("", "/", "x", ".")  # the second cue beside the colour
INK = ("white", "black", "black", "black")
FORMS = ("naive", "reduced")
_ROWS = (("channels of the concat", "channels"), ("parameters", "params"), ("MACs", "macs"))


def cost_of_arms(naive: "Module", reduced: "Module") -> go.Figure:
    """Channels, parameters and MACs of both forms, a bar each, one piece an arm."""
    figure = make_subplots(rows=3, cols=1, vertical_spacing=0.13, subplot_titles=[title for title, _ in _ROWS])
    for row, (title, name) in enumerate(_ROWS, start=1):
        for number, pair in enumerate(zip(naive.arms, reduced.arms, strict=True)):
            values = [getattr(arm, name) for arm in pair]
            figure.add_bar(
                y=list(FORMS),
                x=values,
                orientation="h",
                name=pair[1].name,
                legendgroup=pair[1].name,
                showlegend=row == 1,
                marker=piece(number),
                text=[f"{value:,}" if value else "" for value in values],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": INK[number], "size": 13},
                hovertemplate=f"%{{y}}, {pair[1].name}: %{{x:,}} {title}<extra></extra>",
                row=row,
                col=1,
            )
        totals = [getattr(module, name) for module in (naive, reduced)]
        figure.add_scatter(
            y=list(FORMS), x=totals, mode="text", text=[f"  {total:,}" for total in totals], hoverinfo="skip",
            textposition="middle right", showlegend=False, cliponaxis=False, textfont={"size": 14}, row=row, col=1,
        )  # fmt: skip
        figure.update_xaxes(range=[0, max(totals)], showticklabels=False, showgrid=False, row=row, col=1)
    figure.update_yaxes(autorange="reversed", tickfont={"size": 13})
    figure.update_annotations(font={"size": 13}, x=0, xanchor="left")
    figure.update_layout(
        barmode="stack",
        height=345,
        bargap=0.12,
        uniformtext={"minsize": 10, "mode": "hide"},
        margin={"l": 0, "r": 96, "t": 50, "b": 4},  # right of the bars, room for their sums
        legend={"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )
    return figure


def piece(number: int) -> dict[str, object]:
    """How an arm's piece of a bar looks, in any figure: colour and pattern."""
    return {
        "color": ARMS[number % len(ARMS)],
        "line": {"color": "rgba(255,255,255,.9)", "width": 1},
        "pattern": {
            "shape": PATTERNS[number % len(PATTERNS)],
            "fillmode": "overlay",
            "fgcolor": "rgba(0,0,0,.45)",
            "size": 7,
            "solidity": 0.25,
        },
    }


def arms(naive: "Module", reduced: "Module") -> pd.DataFrame:
    """One row an arm, and their sums: both forms beside each other."""
    rows = [
        {
            "arm": few.name,
            "layers": few.weighted,
            "channels": few.channels,
            "parameters": few.params,
            "MACs": few.macs,
            "naive channels": all_.channels,
            "naive parameters": all_.params,
            "naive MACs": all_.macs,
        }
        for few, all_ in zip(reduced.arms, naive.arms, strict=True)
    ]
    frame = pd.DataFrame(rows)
    total = {"arm": "all", **frame.drop(columns="arm").sum().to_dict(), "layers": frame["layers"].sum()}
    return pd.concat([frame, pd.DataFrame([total])], ignore_index=True)


def verdict(naive: "Module", reduced: "Module") -> str:
    """What the reductions save, in a sentence."""
    share, arithmetic = reduced.params / naive.params, reduced.macs / naive.macs
    return (
        f"With reductions **{reduced.params:,}** parameters give **{reduced.channels}** channels; naive, "
        f"**{naive.params:,}** give **{naive.channels}**. {_less(share)} parameters, {_less(arithmetic)} MACs, "
        f"and a naive one hands {naive.channels / reduced.channels:.2g} times as many channels to the next module."
    )


def _less(share: float) -> str:
    return f"{100 * (1 - share):.1f} % fewer" if share <= 1 else f"{100 * (share - 1):.1f} % more"


def energies(shares: Mapping[str, Sequence[float]], names: Sequence[str], chosen: str) -> go.Figure:
    """Each arm's share of the energy, one bar a module; the chosen one is framed."""
    figure = go.Figure()
    modules = list(shares)
    for number, name in enumerate(names):
        figure.add_bar(
            x=modules,
            y=[shares[module][number] for module in modules],
            name=name,
            marker=piece(number),
            hovertemplate=f"%{{x}}, {name}: %{{y:.1%}} of the energy<extra></extra>",
        )
    place = modules.index(chosen)
    figure.add_shape(
        type="rect", x0=place - 0.46, x1=place + 0.46, y0=0, y1=1, line={"color": "#d55e00", "width": 3}, layer="above"
    )
    figure.update_layout(
        barmode="stack",
        height=235,
        bargap=0.15,
        margin={"l": 0, "r": 0, "t": 30, "b": 24},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        yaxis={"tickformat": ".0%", "range": [0, 1.01]},
    )
    return figure


def without_arms(
    names: Sequence[str], answers: "np.ndarray[tuple[int, int], np.dtype[np.float32]]", arms: Sequence[str]
) -> go.Figure:
    """The answer as it is, and with each arm silenced: the likeliest classes of either."""
    best = sorted({int(row.argmax()) for row in answers} | {int(n) for n in (-answers[0]).argsort()[:5]})
    best = sorted(best, key=lambda number: -answers[0][number])[:7]
    rows = ["as it is", *(f"without {arm}" for arm in arms)]
    values = answers[:, best]
    figure = go.Figure(
        go.Heatmap(
            x=[names[number].partition(",")[0] for number in best],
            y=rows,
            z=values,
            zmin=0,
            zmax=1,
            colorscale="Blues",
            showscale=False,
            text=[[f"{value:.0%}" if value >= 0.01 else f"{value:.1%}" for value in row] for row in values],
            texttemplate="%{text}",
            hovertemplate="%{y}, %{x}: %{z:.2%}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.update_layout(
        height=235, margin={"l": 0, "r": 0, "t": 30, "b": 0}, xaxis={"side": "top", "type": "category"},
        yaxis={"autorange": "reversed"},
    )  # fmt: skip
    return figure


def weight_sizes(sizes: Mapping[str, Sequence[float]], names: Sequence[str], relative: bool) -> go.Figure:
    """The mean absolute weight of each arm's last convolution, module by module."""
    figure = go.Figure()
    for number, name in enumerate(names):
        figure.add_scatter(
            x=list(sizes),
            y=[values[number] for values in sizes.values()],
            name=name,
            mode="lines+markers",
            line={"color": ARMS[number], "width": 2, "dash": ("solid", "dash", "dot", "dashdot")[number]},
            marker={"size": 10, "symbol": ("circle", "square", "diamond", "x")[number]},
            hovertemplate=f"%{{x}}, {name}: %{{y:.4f}}<extra></extra>",
        )
    if relative:
        figure.add_hline(y=1, line={"dash": "dot", "color": "#d55e00", "width": 2})
    title = "mean |weight|, as a multiple of its start" if relative else "mean |weight|"
    figure.update_layout(
        height=340,
        margin={"l": 0, "r": 10, "t": 34, "b": 30},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        yaxis={"title": title, "rangemode": "tozero", "gridcolor": QUIET},
    )
    return figure


def change(now: Mapping[str, Sequence[float]], start: Mapping[str, Sequence[float]]) -> str:
    """By how much training has changed the size of the arms' weights, in a sentence."""
    ratios = [a / b for join in now for a, b in zip(now[join], start[join], strict=True) if b]
    return f"**Every arm's weights are {min(ratios):.2f} to {max(ratios):.2f} times as large as they began.**"


def trunk_and_heads(modules: Sequence[str], heads: Sequence["Head"], trunk: int) -> go.Figure:
    """The trunk from left to right, and below it the heads where they read, with their parameters."""
    figure = go.Figure()
    boxes = ["stem", *modules, "fc"]

    def box(x: float, y: float, width: float, height: float, text: str, colour: str, ink: str) -> None:
        figure.add_shape(type="rect", x0=x, x1=x + width, y0=y, y1=y + height, fillcolor=colour, line={"width": 0})
        figure.add_annotation(
            x=x + width / 2, y=y + height / 2, text=text, showarrow=False, font={"color": ink, "size": 14}
        )

    for number, name in enumerate(boxes):
        box(number, 0, 0.86, 1, name, ARMS[0], "white")
    for head in heads:
        x = boxes.index(head.after)
        figure.add_annotation(
            x=x + 0.43, y=-0.62, ax=x + 0.43, ay=-0.02, xref="x", yref="y", axref="x", ayref="y", text="",
            showarrow=True, arrowhead=2, arrowwidth=2, arrowcolor="#d55e00",
        )  # fmt: skip
        told = "<br>".join(f"{path.partition('.')[2]}: {number:,}" for path, number in head.layers)
        box(x - 0.75, -2.5, 2.36, 1.86, f"<b>{head.name}<br>{head.params:,}</b><br>{told}", ARMS[1], "black")
    figure.add_annotation(
        x=0,
        y=1.2,
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 14},
        text=f"trunk: {trunk:,} parameters",
    )
    figure.update_layout(
        height=330,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis={"visible": False, "range": [-0.1, len(boxes)]},
        yaxis={"visible": False, "range": [-2.6, 1.7]},
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def head_rows(heads: Sequence["Head"]) -> pd.DataFrame:
    """One row a head."""
    return pd.DataFrame(
        {
            "head": head.name,
            "reads": head.after,
            "trunk's MACs before it": f"{head.below:.0%}",
            "parameters": head.params,
            "MACs": head.macs,
            **{path.partition(".")[2]: number for path, number in head.layers},
        }
        for head in heads
    )
