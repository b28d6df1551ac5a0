"""The inception module as Plotly figures and tables: what its arms cost and give."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go

from cnnviz.views import charts

if TYPE_CHECKING:  # its module imports torch
    import numpy as np

    from cnnviz.lessons.inception import Arm, Head, Module

ARMS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")  # Okabe and Ito's, in the order of the concat
PATTERNS = ("", "/", "x", ".")  # the second cue beside the colour
_AMOUNTS = {"channels": "channels of the concat", "params": "parameters", "macs": "MACs"}
_LOOKS = (("blue", ""), ("orange", "stripes"), ("green", "dots"), ("pink", "rings"))


def cost_of_arms(naive: "Module", reduced: "Module") -> list[charts.Chart]:
    """Channels, parameters and MACs of both forms, a bar each, one part an arm."""
    legend = [
        {"name": arm.name, "tone": tone, "pattern": pattern}
        for arm, (tone, pattern) in zip(reduced.arms, _LOOKS, strict=True)
    ]
    forms = (("naive", naive), ("reduced", reduced))
    drawn = []
    for amount, title in _AMOUNTS.items():
        rows = [_bar(form, module, amount, title) for form, module in forms]
        label = f"{title}: " + ", ".join(f"{row['name']} {row['total']}" for row in rows)
        drawn.append(charts.bars(amount, label, 72, rows, title=title))
    return [drawn[0] | {"legend": legend}, *drawn[1:]]


def _bar(form: str, module: "Module", amount: str, title: str) -> charts.Chart:
    parts = [
        charts.part(value := getattr(arm, amount), tone, pattern, f"{form}, {arm.name}: {value:,} {title}")
        for arm, (tone, pattern) in zip(module.arms, _LOOKS, strict=True)
    ]
    return {"name": form, "parts": parts, "total": f"{getattr(module, amount):,}"}


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


def arms(naive: "Module", reduced: "Module") -> list[dict[str, str]]:
    """One row an arm, and their sums: both forms beside each other."""
    pairs: list[tuple[str, Arm | Module, Arm | Module, int]] = [
        (few.name, few, many, few.weighted) for few, many in zip(reduced.arms, naive.arms, strict=True)
    ]
    pairs.append(("all", reduced, naive, sum(arm.weighted for arm in reduced.arms)))
    return [
        {
            "arm": name,
            "layers": str(layers),
            "channels": f"{few.channels:,}",
            "parameters": f"{few.params:,}",
            "MACs": f"{few.macs:,}",
            "naive channels": f"{many.channels:,}",
            "naive parameters": f"{many.params:,}",
            "naive MACs": f"{many.macs:,}",
        }
        for name, few, many, layers in pairs
    ]


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


def weight_sizes(sizes: Mapping[str, Sequence[float]], names: Sequence[str], relative: bool) -> charts.Chart:
    """The mean absolute weight of each arm's last convolution, module by module."""
    looks = (("", "circle"), ("dash", "diamond"), ("dot", "star"), ("thin", "open circle"))
    title = "mean |weight|, as a multiple of its start" if relative else "mean |weight|"
    drawn = []
    for number, (name, (tone, _), (look, mark)) in enumerate(zip(names, _LOOKS, looks, strict=True)):
        values = [of_module[number] for of_module in sizes.values()]
        line = charts.line(name, tone, [(at, value, 5) for at, value in enumerate(values)], "", look=look, mark=mark)
        drawn.append(line | {"says": [f"{module}, {name}: {v:.4f}" for module, v in zip(sizes, values, strict=True)]})
    legend = [{key: one[key] for key in ("name", "tone", "look", "mark")} for one in drawn]
    if relative:
        drawn.append(charts.line("start", "quiet", [(at, 1, 0) for at in range(len(sizes))], "", look="dot"))
    most = max(max(of_module) for of_module in sizes.values())
    across = charts.ticked("", -0.3, len(sizes) - 0.7, list(enumerate(sizes)))
    return charts.lines("sizes", title, 290, across, charts.axis(title, 0, most), drawn) | {"legend": legend}


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
