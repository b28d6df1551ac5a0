"""Charts of what shortcuts do. Plain networks are orange, dashed or striped, residual ones blue."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.views.figures import SINGLE, STACK

PLAIN, RESIDUAL = STACK, SINGLE
_DEEP = {"width": 3.5}
_SHALLOW = {"width": 1.5}

Figure = go.Figure
Errors = Sequence[tuple[str, Sequence[float], Sequence[float]]]
"""Of each network: its name, and its errors in percent, epoch by epoch, in training and on held-out pictures."""


def training_curves(errors: Errors, paper: Mapping[str, float], paper_epochs: int) -> go.Figure:
    """Two panels as in He et al. 2015, figure 6: plain and residual networks, the deeper ones with thicker lines.

    Broken lines are errors in training, whole ones errors on held-out pictures.

    Args:
        paper: what the paper reports of a network on the test pictures, drawn at the right of its panel.
    """
    figure = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        subplot_titles=("plain", "residual"),
    )
    last = max((len(training) for _, training, _ in errors), default=1)
    beyond = last + max(1, last / 8)
    for panel in (1, 2):
        ours = [entry for entry in errors if entry[0].startswith("plain") == (panel == 1)]
        for name, training, held_out in ours:
            deep = name == max((entry[0] for entry in ours), key=_depth)
            for values, dash, what in ((training, "dot", "in training"), (held_out, "solid", "held out")):
                figure.add_scatter(
                    x=list(range(1, len(values) + 1)),
                    y=list(values),
                    mode="lines+markers",
                    line={"color": PLAIN if panel == 1 else RESIDUAL, "dash": dash, **(_DEEP if deep else _SHALLOW)},
                    marker={"symbol": "circle" if deep else "diamond-open", "size": 9 if len(values) == 1 else 7},
                    name=name,
                    legendgroup=name,
                    showlegend=dash == "solid",
                    hovertemplate=f"{name}, {what}, epoch %{{x}}: %{{y:.1f}} %<extra></extra>",
                    row=1,
                    col=panel,
                )
            if name in paper:
                figure.add_scatter(
                    x=[beyond],
                    y=[paper[name]],
                    mode="markers",
                    marker={"symbol": "star" if deep else "star-open", "size": 12, "color": RESIDUAL},
                    name=f"{name}, the paper: {paper[name]} %",
                    hovertemplate=f"{name}, the paper after {paper_epochs} epochs: %{{y}} %<extra></extra>",
                    row=1,
                    col=panel,
                )
    ticks = list(range(1, last + 1))
    figure.update_xaxes(
        title="epoch",
        range=[1 - max(0.2, last / 30), beyond + max(0.2, last / 16)],
        tickvals=[*ticks, beyond],
        ticktext=[*map(str, ticks), str(paper_epochs)],
    )
    figure.update_yaxes(title="error, %", range=[0, 100], row=1, col=1)
    figure.update_yaxes(range=[0, 100], row=1, col=2)
    figure.update_layout(
        height=360,
        margin={"l": 0, "r": 10, "t": 24, "b": 40},
        legend={"orientation": "h", "font": {"size": 12}, "x": 0, "y": -0.2, "yanchor": "top"},
    )
    return figure


def training_sentence(last: Sequence[tuple[str, float, float, bool]]) -> str:
    """What depth does to each kind, in two sentences.

    Args:
        last: of each network its name, its last errors in training and on held-out pictures, and whether it diverged.
    """
    said = []
    for kind in ("plain", "residual"):
        shallow, deep = sorted(
            (entry for entry in last if entry[0].startswith("plain") == (kind == "plain")),
            key=lambda entry: _depth(entry[0]),
        )
        how = "diverged" if deep[3] else "is worse" if deep[1] > shallow[1] else "is better"
        said.append(
            f"**{kind.capitalize()}**: {deep[0]} {how} in training, {deep[1]:.1f} % of errors, {shallow[0]} "
            f"{shallow[1]:.1f} %; on held-out pictures {deep[2]:.1f} and {shallow[2]:.1f} %."
        )
    return " ".join(said)


def training_note(batch_norm: bool, paper_epochs: int) -> str:
    """What the curves are, and how they differ from the paper's."""
    ours = (
        "8 epochs, one seed, the rate along a cosine, errors on the first 1,000 test pictures"
        if batch_norm
        else "one epoch at a tenth of the rate, one seed; guessing has 90 % of errors"
    )
    paper = f"; the paper's stars: {paper_epochs} epochs, two steps of the rate, all 10,000" if batch_norm else ""
    return (
        "Recorded, not computed now: the logs of this project's own trainings on CIFAR-10, with option A's shortcuts. "
        f"Protocols differ: here {ours}{paper}. Thick: the deeper network. Dotted: in training."
    )


def paper_tables(table_6: Mapping[str, float], table_2: Mapping[str, float]) -> str:
    """The paper's own errors, in words."""
    cifar = ", ".join(f"{_depth(name)} layers {error:.2f}" for name, error in table_6.items())
    plain, residual = (
        " and ".join(f"{error:.2f}" for name, error in table_2.items() if name.startswith(kind))
        for kind in ("plain", "resnet")
    )
    return (
        f"He et al. 2015 report, on CIFAR-10's test pictures (table 6), residual: {cifar} %. Figure 6 shows plain "
        "networks of 20 to 56 layers getting worse with depth, and leaves plain-110 out, whose error is above 60 %. On "
        f"ImageNet (table 2, top-1, ten crops), 18 and 34 layers: plain {plain} %, residual {residual} %."
    )


def _depth(name: str) -> int:
    return int("".join(letter for letter in name if letter.isdigit()))
