"""The inception module in parts: its seven widths as knobs, and what they cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import cache, state
from app.boundary import sentences
from app.components.answer import charts
from app.components.knobs import Choice, Number
from app.components.maps import map_grid
from app.panels import picture
from app.panels.knobs import Lesson
from app.panels.waiting import waiting
from cnnviz.activations.pictures import quantise
from cnnviz.catalogue import Options
from cnnviz.engine.results import Outcome
from cnnviz.lessons.inception import (
    MOST,
    Module,
    correlation,
    heads,
    modules,
    normalised,
    places,
    seen,
    silenced,
    sizes,
    sizes_at_start,
)
from cnnviz.lessons.pictures import as_input
from cnnviz.networks.inception import Widths
from cnnviz.views import figures, lessons_inception, pieces

NUMBER = st.column_config.NumberColumn


def _widths() -> Sequence[Number]:
    """The knobs of a module: input depth, the six widths of table 1, and the side of the maps."""
    usual = _rows()["3a"]
    none = "the naive module has none."
    meant = {
        "inputs": ("Input depth", 1024, "How many maps the module reads."),
        "conv1x1": ("1 × 1", 512, "Maps of the 1 × 1 arm."),
        "reduce3x3": ("3 × 3 reduce", 512, f"Maps of the 1 × 1 convolution before the 3 × 3; {none}"),
        "conv3x3": ("3 × 3", 512, "Maps of the 3 × 3 arm."),
        "reduce5x5": ("5 × 5 reduce", 512, f"Maps of the 1 × 1 convolution before the 5 × 5; {none}"),
        "conv5x5": ("5 × 5", 512, "Maps of the 5 × 5 arm."),
        "pool_proj": ("Pool projection", 512, f"Maps of the 1 × 1 convolution after the pooling; {none}"),
        "side": ("Side of the maps", MOST, "Their height and width."),
    }
    return [
        Number(name, label, usual[name], 1, most, help=meaning, slider=name != "side")
        for name, (label, most, meaning) in meant.items()
    ]


def _rows() -> dict[str, dict[str, int]]:
    """Where all knobs stand for each row of table 1."""
    return {name: {"inputs": row.inputs, **row.widths._asdict(), "side": row.side} for name, row in places().items()}


def _costs(inputs: int, side: int, **widths: int) -> Sequence[str]:
    naive, reduced = (cache.inception_module(inputs, Widths(**widths), side, naive=naive) for naive in (True, False))
    return (
        pieces.words(lessons_inception.verdict(naive, reduced)),
        charts(lessons_inception.cost_of_arms(naive, reduced), columns="1fr", areas=("channels", "params", "macs")),
        pieces.table(lessons_inception.arms(naive, reduced), "The arms, with reductions and without", figures=True),
        pieces.note(
            "Counted from real modules, biases included, one multiply-accumulate as 1. The naive module hands its "
            "pooled maps on as they are, so its depth can only grow. "
            "Source: Szegedy et al. 2014, section 4, figure 2, table 1."
        ),
    )


MODULE = Lesson("module", _widths(), _costs)


@st.fragment
def module() -> None:
    """Seven widths, and what the arms cost with reductions and without."""
    st.markdown(
        "Kernels of several sizes side by side are dear; 1 × 1 reductions before them make them cheap. "
        "**How much do they save?**"
    )
    with sentences():
        MODULE.draw(beside=(4, 9), presets=_rows(), preset_label="Module of GoogLeNet")


# --- in a whole network ----------------------------------------------------------


def on_a_picture() -> None:
    """What the arms give for the picture, and the answer when one of them is silent."""
    st.markdown(
        "What one arm misses, another may see. **Which arm says most of this picture, and what becomes of the answer "
        "without it?**"
    )
    controls, which, where = st.columns([6, 2, 1], vertical_alignment="bottom")
    options = _network(which)
    found = {_short(one): one for one in modules(cache.graph_of(options))}
    with where:
        name = st.selectbox("Module", list(found), key="place", bind=state.BOUND)
    with controls:
        looked_at = picture.choice(options)
    one = found[name]
    with waiting(f"Running {options.network} …") as on_wait:
        given = cache.run(
            ("arms", looked_at.digest),
            lambda module, device, _: seen(module, as_input(looked_at.image, options, device), list(found.values())),
            options,
            on_wait,
        )
        answers = cache.run(
            ("silenced", looked_at.digest, name),
            lambda module, device, step: silenced(module, as_input(looked_at.image, options, device), one.arms, step),
            options,
            on_wait,
        )
    arms = [arm.name for arm in one.arms]
    shares = {short: given.value.energy(each.join) for short, each in found.items()}
    left, right = st.columns([1, 1], gap="medium")
    with left:
        st.markdown("**Each arm's share of the energy after the concat**")
        _chart(lessons_inception.energies(shares, arms, name), "energies")
    with right:
        st.markdown(f"**The answer with an arm of {name} silenced**")
        _chart(lessons_inception.without_arms(cache.classes_of(options.network), answers.value, arms), "without arms")
    _behind(given)
    together = quantise(given.value.together(one.join))
    first = 0
    for column, arm, share in zip(st.columns(len(arms), gap="small"), one.arms, shares[name], strict=True):
        part = slice(first, first + arm.channels)
        first += arm.channels
        own = replace(together, values=together.values[part], low=together.low[part], high=together.high[part])
        with column:
            st.caption(
                f"**{arm.name}**: {arm.channels} of {one.channels} channels ({arm.channels / one.channels:.0%}), "
                f"{share:.0%} of the energy"
            )
            map_grid(own, name=f"{name}, {arm.name}", scale="layer", key=f"arm {arm.name}")
    st.caption("Energy: the sum of squares. All four arms have one colour scale.")


class Weighed(NamedTuple):
    """Mean absolute weights of the last convolution of each of the `arms`, by module: now, and at the start."""

    arms: Sequence[str]
    now: Mapping[str, Sequence[float]]
    start: Mapping[str, Sequence[float]]


def _sizes(about: Weighed, against: str) -> Sequence[str]:
    relative = against == START
    shown = {
        module: [value / (first or 1.0) for value, first in zip(values, about.start[module], strict=True)]
        if relative
        else values
        for module, values in about.now.items()
    }
    return (charts([lessons_inception.weight_sizes(shown, about.arms, relative)], columns="1fr", areas=("sizes",)),)


START = "against its start"
SIZES = Lesson(
    "sizes",
    (
        Choice(
            "against",
            "Mean |weight| of each arm's last convolution",
            "as it is",
            ("as it is", START),
            "Its start: untrained weights, whose size is √(2 / inputs of a unit), whatever the data.",
        ),
    ),
    _sizes,
    about=True,
)


def weights() -> None:
    """How large the weights of each arm's last convolution are, in every module."""
    st.markdown(
        "An article reads a branch's importance from the size of its trained weights. "
        "**Does it tell what the data needed, or how many inputs a kernel has?**"
    )
    options = _network(st.columns([2, 5])[0])
    graph = cache.graph_of(options)
    found = modules(graph)
    with waiting(f"Reading {options.network} …") as on_wait:
        now = cache.run(("sizes",), lambda module, _, __: sizes(module, found), options, on_wait)
        start = cache.run(("start",), lambda _, __, ___: sizes_at_start(options.network, found), options, on_wait)
    about = Weighed(
        [arm.name for arm in found[0].arms],
        {_short(one): now.value[one.join] for one in found},
        {_short(one): start.value[one.join] for one in found},
    )

    @st.fragment
    def answered() -> None:
        with sentences():
            SIZES.draw((("sizes", options), about))

    answered()
    _behind(now)
    if normalised(graph, found[0].arms[0]):
        st.markdown(
            "**Batch norm follows every convolution here**: it divides by the size of what the weights give, so their "
            "size says little, whatever they have learned."
        )
    elif not now.trained:
        st.markdown(
            "**Random weights can't tell**: they are as large as they were drawn, the smaller the more inputs a unit "
            "has. Every line lies at 1 of its start."
        )
    else:
        st.markdown(
            f"{lessons_inception.change(now.value, start.value)} A kernel with fewer inputs *begins* with larger "
            "weights, and what this chart shows is mostly that: sizes now and at the start are correlated by "
            f"**{correlation(now.value, start.value):.3f}**. What the answer loses without an arm is a better "
            "measure: see *On a picture*."
        )


def auxiliary() -> None:
    """Where the auxiliary heads sit, and what they cost."""
    st.markdown(
        "While it is trained, GoogLeNet answers at two places half way as well, so that a gradient arrives there. "
        "**What do the two heads cost, and where are their parameters?**"
    )
    plain, both = (cache.graph_of(Options("googlenet", heads=on)).totals for on in (None, True))
    known = heads()
    with st.container(horizontal=True):
        for label, number in (
            ("Without heads", plain.params),
            ("With both heads", both.params),
            ("The heads", both.params - plain.params),
            ("MACs of the heads", both.macs - plain.macs),
        ):
            st.metric(label, f"{number:,}", width="content")
    short = [replace(head, after=_short_path(head.after)) for head in known]
    names = [_short(one) for one in modules(cache.graph_of(Options("googlenet")))]
    _chart(lessons_inception.trunk_and_heads(names, short, plain.params), "heads")
    frame = lessons_inception.head_rows(known)
    columns = {name: NUMBER(format="localized") for name in frame.columns[3:]}
    st.dataframe(frame, hide_index=True, column_config=columns, key="head rows")
    st.caption(
        "Their losses count 0.3 each while training; afterwards they are thrown away (Szegedy et al. 2014, section 5). "
        "Nearly half of all parameters for half a percent of the arithmetic: they sit in fully connected layers."
    )


def _network(place: DeltaGenerator) -> Options:
    """The network that is looked at."""
    key = place.selectbox("Network", ("googlenet", "googlenet-bn"), key="of", bind=state.BOUND)
    return cache.as_learned(key)


def _short(one: Module) -> str:
    return _short_path(one.join)


def _short_path(path: str) -> str:
    return path.partition(".")[0].removeprefix("inception")


def _behind(found: Outcome[Any]) -> None:
    """With which weights something was found; random ones can't tell what the data needed."""
    if found.trained is False:
        st.warning(
            f"Made with **{found.weights}**, on {found.device}: random weights can't tell what a picture needs.",
            icon=":material/casino:",
        )
    else:
        st.caption(f":material/neurology: With {found.weights}, on {found.device}.")


def _chart(figure: Any, key: str) -> None:
    st.plotly_chart(figures.enlarged(figure, state.type_size()), key=f"chart {key}", config={"displayModeBar": False})


PARTS: dict[str, Callable[[], None]] = {
    "Module": module,
    "On a picture": on_a_picture,
    "Weights": weights,
    "Heads": auxiliary,
}
