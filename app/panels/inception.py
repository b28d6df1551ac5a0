"""The inception module in parts: its seven widths as knobs, and what they cost."""

from collections.abc import Callable

import streamlit as st

from app import cache, state
from app.boundary import sentences
from cnnviz.lessons.inception import MOST, places
from cnnviz.networks.inception import Widths
from cnnviz.views import figures, lessons_inception

MY_OWN = "my own"
WIDTHS = {  # name in the URL -> label, most, what it is
    "inputs": ("Input depth", 1024, "How many maps the module reads."),
    "conv1x1": ("1 × 1", 512, "Maps of the 1 × 1 arm."),
    "reduce3x3": ("3 × 3 reduce", 512, "Maps of the 1 × 1 convolution before the 3 × 3; the naive module has none."),
    "conv3x3": ("3 × 3", 512, "Maps of the 3 × 3 arm."),
    "reduce5x5": ("5 × 5 reduce", 512, "Maps of the 1 × 1 convolution before the 5 × 5; the naive module has none."),
    "conv5x5": ("5 × 5", 512, "Maps of the 5 × 5 arm."),
    "pool_proj": (
        "Pool projection",
        512,
        "Maps of the 1 × 1 convolution after the pooling; the naive module has none.",
    ),
}
NUMBER = st.column_config.NumberColumn


@st.fragment
def module() -> None:
    """Seven widths, and what the arms cost with reductions and without."""
    with sentences():
        st.markdown(
            "Kernels of several sizes side by side are dear; 1 × 1 reductions before them make them cheap. "
            "**How much do they save?**"
        )
        knobs, picture = st.columns([4, 9], gap="medium")
        with knobs:
            inputs, side, widths = _widths()
        naive = cache.inception_module(inputs, widths, side, naive=True)
        reduced = cache.inception_module(inputs, widths, side)
        with picture:
            st.markdown(lessons_inception.verdict(naive, reduced))
            bars = figures.enlarged(lessons_inception.cost_of_arms(naive, reduced), state.type_size())
            st.plotly_chart(bars, key="cost of arms", config={"displayModeBar": False})
        frame = lessons_inception.arms(naive, reduced)
        columns = {name: NUMBER(format="localized") for name in frame.columns[1:]}
        st.dataframe(frame, hide_index=True, column_config=columns, key="arms")
        st.caption(
            "Counted from real modules, biases included, one multiply-accumulate as 1. The naive module hands its "
            "pooled maps on as they are, so its depth can only grow. "
            "Source: Szegedy et al. 2014, section 4, figure 2, table 1."
        )


def _widths() -> tuple[int, int, Widths]:
    """The knobs: input depth, side of the maps, and the six widths of table 1."""
    usual = places()["3a"]
    first = {"inputs": usual.inputs, **usual.widths._asdict()}
    now, preset = {}, st.container()  # which row it is, is known below
    columns = st.columns(2, gap="small")
    for number, (name, (label, most, meaning)) in enumerate(WIDTHS.items()):
        with columns[number % 2]:
            now[name] = st.slider(label, 1, most, first[name], key=name, bind=state.BOUND, help=meaning)
    with columns[1]:
        side = st.number_input(
            "Side of the maps", 1, MOST, usual.side, key="side", bind=state.BOUND, help="Their height and width."
        )
    st.session_state["module"] = next((name for name, values in _presets().items() if values == now), MY_OWN)
    preset.selectbox(
        "Module of GoogLeNet",
        [*_presets(), MY_OWN],
        key="module",
        on_change=_take_preset,
        help="A row of the paper's table 1; any knob makes it your own.",
    )
    return now.pop("inputs"), side, Widths(**now)


def _presets() -> dict[str, dict[str, int]]:
    return {name: {"inputs": place.inputs, **place.widths._asdict()} for name, place in places().items()}


def _take_preset() -> None:
    """All knobs as the chosen row of table 1 has them."""
    chosen = st.session_state["module"]
    if chosen != MY_OWN:
        for name, value in _presets()[chosen].items():
            st.session_state[name] = value
        st.session_state["side"] = places()[chosen].side


PARTS: dict[str, Callable[[], None]] = {"Module": module}
