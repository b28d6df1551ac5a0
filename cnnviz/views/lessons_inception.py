"""The inception module as Plotly figures and tables: what its arms cost and give."""

from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

if TYPE_CHECKING:  # its module imports torch
    from cnnviz.lessons.inception import Module

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
        figure.update_xaxes(range=[0, 1.18 * max(totals)], showticklabels=False, showgrid=False, row=row, col=1)
    figure.update_yaxes(autorange="reversed", tickfont={"size": 13})
    figure.update_annotations(font={"size": 13}, x=0, xanchor="left")
    figure.update_layout(
        barmode="stack",
        height=345,
        bargap=0.12,
        uniformtext={"minsize": 10, "mode": "hide"},
        margin={"l": 0, "r": 10, "t": 50, "b": 4},
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
