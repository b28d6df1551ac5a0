"""Charts of what shortcuts do. Plain networks are orange, dashed or striped, residual ones blue."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnnviz.views import charts
from cnnviz.views.figures import QUIET, SINGLE, STACK, STRIPES

PLAIN, RESIDUAL = STACK, SINGLE

Figure = go.Figure
Errors = Sequence[tuple[str, Sequence[float], Sequence[float]]]
"""Of each network: its name, and its errors in percent, epoch by epoch, in training and on held-out pictures."""


def training_curves(errors: Errors, paper: Mapping[str, float], paper_epochs: int) -> list[charts.Chart]:
    """Two panels as in He et al. 2015, figure 6: plain and residual networks, the deeper ones with thicker lines.

    Broken lines are errors in training, whole ones errors on held-out pictures.

    Args:
        paper: what the paper reports of a network on the test pictures, drawn at the right of its panel.
    """
    last = max((len(training) for _, training, _ in errors), default=1)
    beyond = last + max(1, last / 8)
    ticks = [*((epoch, str(epoch)) for epoch in range(1, last + 1)), (beyond, str(paper_epochs))]
    across = charts.ticked("epoch", 1 - max(0.2, last / 30), beyond + max(0.2, last / 16), ticks)
    return [_training_panel(kind, errors, paper, paper_epochs, beyond, across) for kind in ("plain", "residual")]


def _training_panel(
    kind: str, errors: Errors, paper: Mapping[str, float], paper_epochs: int, beyond: float, across: charts.Axis
) -> charts.Chart:
    ours = [entry for entry in errors if entry[0].startswith("plain") == (kind == "plain")]
    tone = "orange" if kind == "plain" else "blue"
    deepest = max((entry[0] for entry in ours), key=_depth)
    series, legend = [], []
    for name, training, held_out in ours:
        deep = name == deepest
        weight, circle = ("thick", "circle") if deep else ("thin", "open diamond")
        for values, look, what in ((training, "dot", "in training"), (held_out, "", "held out")):
            points = [(epoch, value, 4.5 if len(values) == 1 else 3.5) for epoch, value in enumerate(values, start=1)]
            say = f"{name}, {what}, epoch {{x}}: {{y}} %"
            series.append(charts.line(name, tone, points, say, look=f"{look} {weight}", mark=circle, digits=1))
        legend.append(series[-1])
        if name in paper:
            say = f"{name}, the paper after {paper_epochs} epochs: {paper[name]} %"
            star = "star" if deep else "open star"
            series.append(
                charts.line(
                    f"{name}, the paper: {paper[name]} %",
                    tone,
                    [(beyond, paper[name], 6)],
                    say,
                    look="none",
                    mark=star,
                )
            )
            legend.append(series[-1])
    label = f"Errors of {kind} networks, epoch by epoch: thick lines are {deepest}, broken ones errors in training"
    percent = charts.axis("error, %", 0, 100, at_most=5)
    return charts.lines(kind, label, 300, across, percent, series) | {"legend": legend}


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


# --- gradients through depth -------------------------------------------------

INITIALISATIONS = (
    "A weight's variance: 2 / fan-in (He), 1 / fan-in (LeCun), 2 / (fan-in + fan-out) (Xavier Glorot), 1 / (3 fan-in) "
    "(PyTorch's default for convolutions and matrices)."
)
VANISHED, EXPLODED = 0.01, 100.0  # from where on we speak of it
LOGGED_NOTE = (
    "Recorded, not computed now: norms of the loss's gradient with respect to each layer's weights, the mean over an "
    "epoch's steps, from the logs of this project's own trainings on CIFAR-10. Thin and pale: the first epoch; thick: "
    "the last. Without batch norm there is one epoch, and what diverged has no norms."
)


def gradient_norms(layers: Sequence[str], plain: Sequence[float], residual: Sequence[float], axis: str) -> go.Figure:
    """The norm of the gradient at each layer, from the first to the last, on a logarithmic scale."""
    figure = go.Figure()
    for name, values in (("plain", plain), ("residual", residual)):
        figure.add_scatter(**_norms(name, layers, values))
    return _by_layer(figure, axis)


def logged_norms(
    plain: Sequence[Mapping[str, float | None]], residual: Sequence[Mapping[str, float | None]]
) -> go.Figure:
    """The same out of a log of each, epoch by epoch: the first thin and pale, the last thick."""
    figure = go.Figure()
    for name, log in (("plain", plain), ("residual", residual)):
        for epoch in sorted({1, len(log)}):
            trace = _norms(name, list(log[epoch - 1]), list(log[epoch - 1].values()))
            trace["name"] = f"{name}, epoch {epoch}"
            if epoch < len(log):
                trace |= {"mode": "lines", "opacity": 0.55}
            figure.add_scatter(**trace)
    return _by_layer(figure, "norm with respect to the weights")


def _norms(name: str, layers: Sequence[str], values: Sequence[float | None]) -> dict[str, Any]:
    """One line; what is 0 or no number has no place on a logarithmic scale."""
    plain = name == "plain"
    return {
        "x": list(range(1, len(layers) + 1)),
        "y": [value if value is not None and 0 < value < math.inf else None for value in values],
        "mode": "lines+markers",
        "name": name,
        "line": {"color": PLAIN if plain else RESIDUAL, "dash": "dot" if plain else "solid", "width": 2},
        "marker": {"symbol": "diamond-open" if plain else "circle", "size": 6},
        "text": list(layers),
        "hovertemplate": f"{name}, %{{text}}: %{{y:.3g}}<extra></extra>",
    }


def _by_layer(figure: go.Figure, axis: str) -> go.Figure:
    drawn = [math.log10(value) for trace in figure.data for value in trace.y if value]
    decades = max(1, math.ceil((max(drawn, default=1) - min(drawn, default=0)) / 6))
    figure.update_layout(
        height=330,
        margin={"l": 0, "r": 10, "t": 10, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 13}},
        xaxis={"title": "weighted layer, from the input to the answer"},
        yaxis={"title": axis, "type": "log", "exponentformat": "power", "dtick": decades},
    )
    return figure


def gradient_sentence(plain: float, residual: float, last: str) -> str:
    """What becomes of each network's gradient on its way back to the first layer.

    Args:
        plain, residual: how many times the norm at the last convolution, `last`, the one at the first is.
    """
    return (
        f"From {last} back to conv1, the plain network's gradient {_became(plain)}, "
        f"the residual one's {_became(residual)}."
    )


def _became(ratio: float) -> str:
    if math.isnan(ratio):
        return "**is no number**"
    if ratio == 0:
        return "**vanishes**, to less than single precision can hold"
    if ratio < VANISHED:
        return f"**vanishes**, to 1 / {_large(1 / ratio)} of it"
    if ratio > EXPLODED:
        return f"**explodes**, to {_large(ratio)} times as much"
    return f"neither vanishes nor explodes ({ratio:.2g} times as much)"


def _large(number: float) -> str:
    if number < 1e6:
        return f"{number:,.0f}"
    digits, power = f"{number:.0e}".split("e")
    return f"{digits} × 10{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(digit)] for digit in str(int(power)))}"


def who_is_right(batch_norm: bool, initialisation: str) -> str:
    """What is known of this case."""
    if batch_norm:
        return (
            "With batch norm, plain gradients don't vanish at any depth, whatever the weights begin with: the paper's "
            "section 4.1 says so, trained with batch norm, and calls vanishing an unlikely cause. They grow instead: "
            "batch norm itself makes them explode before the first step, and after a few steps no more (Yang et al. "
            "2019; 'in training' shows it). What else harms a deep plain network: its gradients look like white noise "
            "(Balduzzi et al. 2017)."
        )
    if initialisation == "He":
        return (
            "Without batch norm, weights that begin as He's keep a plain network's gradients alive: that is what this "
            "initialisation was made for. Here it is the residual network that suffers: every block adds its own "
            "variance to the shortcut's."
        )
    return (
        "Without batch norm, and with weights that begin too small for ReLU, the article is right: each plain layer "
        "passes on less than it gets, and the shortcuts carry the gradient past that. He's initialisation does so, too."
    )


def gradient_note(depth: int, batch_norm: bool) -> str:
    """What was computed."""
    family = "the paper's networks for ImageNet" if depth in (18, 34) else "the paper's networks for CIFAR-10, 6n + 2"
    norm = " Batch norm uses this one picture's own mean and variance, as in training it uses the batch's." * batch_norm
    return (
        f"Computed now: one backward pass through {depth} layers ({family}; option A, so both have the very same "
        "weights), which have learned nothing; the loss is the cross-entropy against the class that the network holds "
        f"least likely.{norm}"
    )


def logged_sentence(plain: Sequence[Mapping[str, float | None]], residual: Sequence[Mapping[str, float | None]]) -> str:
    """Each network's first convolution's gradient beside its last one's, in the first epoch and in the last."""
    said = []
    for name, log in (("plain", plain), ("residual", residual)):
        for epoch in sorted({1, len(log)}):
            norms = [norm for path, norm in log[epoch - 1].items() if "conv" in path]
            first, last = norms[0], norms[-1]
            how = "diverged" if first is None or last is None else f"{first:.3g} at the first, {last:.3g} at the last"
            said.append(f"{name}, epoch {epoch}: {how}")
    return f"Gradient norms of the convolutions' weights: {'; '.join(said)}."


# --- options A, B and C ------------------------------------------------------

OPTIONS = {
    "A": "zero padding where the shape changes",
    "B": "projection where the shape changes",
    "C": "projection everywhere",
}


def option_sentence(params: int, macs: int, projections: int) -> str:
    """What is on the shortcuts, and what it costs."""
    if not projections:
        return "nothing on the shortcuts has a weight."
    many = "1 projection" if projections == 1 else f"{projections} projections"
    return f"{many} with {params:,} parameters (batch norm's included) and {macs:,} MACs."


def unstrided_sentence(blocks: Sequence[tuple[str, int, int]]) -> str:
    """What speaks against projections for strides alone, with a space behind it; '' where nothing does.

    Args:
        blocks: that project at stride 1, each with the maps that it reads and gives.
    """
    said = " ".join(f"{block}'s, from {into} to {out} maps," for block, into, out in blocks)
    return (
        f"An article says that they are needed where the stride is above 1; {said} is one at stride 1: they are needed "
        "where shapes differ. "
        if said
        else ""
    )


def table_3(errors: Mapping[str, tuple[float, float]], plain: tuple[float, float]) -> str:
    """What the paper got for it."""
    rows = "; ".join(f"**{option}** {top1:.2f} and {top5:.2f}" for option, (top1, top5) in errors.items())
    return (
        f"What it buys, by He et al. 2015, table 3, for 34 layers (top-1 and top-5 error, %): plain {plain[0]:.2f} and "
        f"{plain[1]:.2f}; {rows}. Projections are not what makes depth work: A has none, and gains most of it."
    )


# --- a trained network without a shortcut, or without a block ----------------

LESION_NOTE = (
    "A dropped block passes its input on along its shortcut, a plain one just so, where the shape stays; both maps "
    "have the same colours. Veit, Wilber, Belongie 2016 took single blocks out of residual networks that had learned "
    "CIFAR-10, and hardly any was missed; single layers out of VGG, and only guessing was left."
)


class _Score(Protocol):
    """As `cnnviz.prediction.Score`."""

    @property
    def index(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> float: ...


class _Prediction(Protocol):
    """As `cnnviz.prediction.Prediction`."""

    @property
    def scores(self) -> Sequence[_Score]: ...


def answer(prediction: _Prediction) -> str:
    """The two likeliest classes."""
    return ", ".join(f"{score.name} {100 * score.value:.0f} %" for score in prediction.scores[:2])


def lesion_bars(
    blocks: Sequence[str],
    intact: _Prediction,
    damaged: Mapping[str, Sequence[_Prediction | None]],
    chosen: str,
) -> go.Figure:
    """What is left of the answer with each block damaged: the probability of what the whole network says.

    Args:
        damaged: by the kind of damage, an answer for each block, None where it can't be done.
        chosen: the block that is marked.
    """
    best = intact.scores[0]
    figure = go.Figure()
    for (name, answers), (colour, pattern) in zip(
        damaged.items(), ((STACK, STRIPES), (SINGLE, {}))[-len(damaged) :], strict=True
    ):
        figure.add_bar(
            x=list(blocks),
            y=[None if one is None else _of(one, best.index) for one in answers],
            name=name,
            marker={"color": colour, "pattern": pattern},
            text=["" if one is None else answer(one) for one in answers],
            textposition="none",
            hovertemplate=f"%{{x}}, {name}: %{{y:.2f}}<br>%{{text}}<extra></extra>",
        )
    figure.add_hline(y=best.value, line={"color": QUIET, "width": 2, "dash": "dash"})
    figure.add_vrect(
        x0=list(blocks).index(chosen) - 0.5, x1=list(blocks).index(chosen) + 0.5, fillcolor=QUIET, line={"width": 0}
    )
    figure.update_layout(
        height=235,
        margin={"l": 0, "r": 10, "t": 6, "b": 20},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        xaxis={"tickangle": -60, "tickfont": {"size": 11}},
        yaxis={"title": f"probability of {best.name}", "range": [0, 1.02]},
        bargap=0.2,
        bargroupgap=0,
    )
    return figure


def _of(prediction: _Prediction, index: int) -> float:
    return next(score.value for score in prediction.scores if score.index == index)


def lesion_sentence(network: str, intact: _Prediction, unmoved: Mapping[str, tuple[int, int]]) -> str:
    """How often the answer survives.

    Args:
        unmoved: by the kind of damage, how many blocks leave the answer as it is, of how many that can be damaged.
    """
    said = "; ".join(f"one **{way}**: {same} of {among} times" for way, (same, among) in unmoved.items())
    best = intact.scores[0]
    return f"{network} says {best.name} ({100 * best.value:.0f} %), and still does with {said}."


def _depth(name: str) -> int:
    return int("".join(letter for letter in name if letter.isdigit()))


# --- learning the identity ---------------------------------------------------


def copying_curves(
    steps: Sequence[int], errors: Sequence[tuple[float, float]], weights: Sequence[tuple[float, float]]
) -> go.Figure:
    """What a plain and a residual stack get wrong, and how large their weights are, step by step.

    Args:
        errors: shares of the picture's variance, of the plain stack and the residual one.
        weights: root mean squares, in the same order.
    """
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.12, subplot_titles=("what is wrong", "weights"))
    for panel, values in ((1, errors), (2, weights)):
        for which, (name, colour, dash) in enumerate((("plain", PLAIN, "dash"), ("residual", RESIDUAL, "solid"))):
            figure.add_scatter(
                x=list(steps),
                y=[max(pair[which], 1e-8) if panel == 1 else pair[which] for pair in values],
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2.5},
                name=name,
                legendgroup=name,
                showlegend=panel == 1,
                hovertemplate=f"{name}, step %{{x}}: %{{y:.3g}}<extra></extra>",
                row=1,
                col=panel,
            )
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="share of the variance", type="log", exponentformat="power", row=1, col=1)
    figure.update_yaxes(title="root mean square", rangemode="tozero", row=1, col=2)
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 10, "t": 24, "b": 40},
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
    )
    return figure


def copying_sentence(step: int, errors: tuple[float, float], weights: tuple[float, float], at_first: float) -> str:
    """What the two have come to after some steps; both began with the same weights."""
    said = []
    for name, wrong, size in zip(("plain", "residual"), errors, weights, strict=True):
        share = "under 0.01 %" if wrong < 1e-4 else f"{100 * wrong:,.2g} %" if wrong < 0.1 else f"{100 * wrong:,.0f} %"
        where = "**went to zero**" if size < 0.05 * at_first else f"are {size:.3f}"
        said.append(f"**{name}**: {share} of the variance is wrong, its weights {where}")
    return f"After {step:,} steps, from weights of {at_first:.3f}: {'; '.join(said)}."


def by_hand_sentence(ones: float, diagonal: float) -> str:
    """What comes of an article's recipe for a copy, and of the identity.

    Args:
        ones, diagonal: what is wrong of the copy, as a share of the picture's variance.
    """
    return (
        "An article copies by a plain layer whose weights are all one and whose biases are zero. Each output is then "
        f"the sum of all inputs, and what is wrong is **{ones:,.0f} times** the variance of this picture; with the "
        f"identity's weights, ones on the diagonal and zeros elsewhere, it is **{diagonal:,.3g}**."
    )
