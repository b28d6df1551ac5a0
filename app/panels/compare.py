"""Which networks are compared, by what, and how long they take here."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.answer import charts
from app.components.knobs import Choice
from app.panels.knobs import Lesson
from cnnviz.analysis.comparison import Summary
from cnnviz.catalogue import Options
from cnnviz.networks import card
from cnnviz.printed.comparison import KEYS
from cnnviz.printed.pretrained import PROTOCOL, Published, published
from cnnviz.views import pieces
from cnnviz.views.accuracy import COSTS, FRONT, GAINS, Accuracy, Cost, accuracy_against_cost, left_out

MY_OWN = "My own"
About = tuple[Sequence[Published], Mapping[str, Summary]]  # accuracies, and what the networks cost
CHOICES: dict[str, Callable[[str], bool]] = {  # by what they are called: whether a network is among them
    "All": lambda key: True,
    "Published weights": lambda key: key in {row.network for row in published()},
    "The article's four": lambda key: key in KEYS.values(),
    "VGG-16 and AlexNet": lambda key: key in ("vgg16", "alexnet"),
    "Residual and plain": lambda key: (
        card(key).paper.link == card(state.FIRST_NETWORK).paper.link and card(key).classes > 10
    ),
    "CIFAR-10": lambda key: card(key).input_shape == (3, 32, 32),
}


def networks() -> tuple[str, ...]:
    """The controls for the networks that are compared: a ready-made choice, or one's own."""
    usual = MY_OWN if st.query_params.get("networks") else "All"
    names = [*CHOICES, MY_OWN]
    choice = st.selectbox(
        "Networks",
        names,
        index=names.index(usual),
        key="choice",
        bind=state.BOUND,
        width=state.px(210),
        on_change=_choice_changed,
    )
    # at least one, as a table of nothing says nothing
    if choice != MY_OWN:
        return tuple(key for key in state.offered() if CHOICES[choice](key)) or state.offered()
    usual_ones = [key for key in KEYS.values() if key in state.offered()]
    chosen = st.multiselect(
        "My own", state.offered(), default=usual_ones, key="networks", bind=state.BOUND, width=state.px(265)
    )
    return tuple(chosen) or (state.first_network(),)


def chart(published_ones: int) -> str:
    """The control for what is drawn: usually accuracy, where at least two networks have a published one."""
    return str(
        st.segmented_control(
            "Chart",
            ["Accuracy", "Parameters"],
            default="Accuracy" if published_ones > 1 else "Parameters",
            required=True,
            key="chart",
            bind=state.BOUND,
        )
    )


def _bubbles(about: About, cost: Cost, accuracy: Accuracy) -> Sequence[str]:
    measured, summaries = about
    return (
        charts([accuracy_against_cost(measured, summaries, cost, accuracy)], columns="1fr", areas=("accuracy",)),
        pieces.words(f"{FRONT} {left_out(len(measured), len(summaries))}One protocol for all: {PROTOCOL}."),
    )


ACCURACY = Lesson(
    "accuracy", (Choice("cost", "Cost", "MACs", COSTS), Choice("accuracy", "Accuracy", "top-5", GAINS)), _bubbles, True
)


@st.fragment
def what_accuracy_costs(summaries: Mapping[str, Summary]) -> None:
    """Accuracy over cost, of the networks that have a published one."""
    measured = [row for row in published() if row.network in summaries]
    with sentences():
        ACCURACY.draw((("summaries", *summaries), (measured, summaries)), beside=(2, 7), least=14)


def _choice_changed() -> None:
    st.session_state.pop("chart", None)  # each choice has a chart of its own to begin with


def measure(keys: Sequence[str]) -> None:
    """Time each network on the engine's thread, and say how far it is.

    Raises:
        CnnvizError: a network can't be run here.
    """
    bar = st.progress(0.0)
    for number, key in enumerate(keys):
        bar.progress(number / len(keys), f"{key}, {number + 1} of {len(keys)}")
        timing = cache.shared_engine().timing(Options(key))
        known = st.session_state.get("timings", {})
        st.session_state["timings"] = {**known, key: timing}
    bar.empty()


def measured(keys: Sequence[str]) -> tuple[dict[str, float], str]:
    """Milliseconds by key, of those that were timed in this session, and on which device."""
    known = {key: timing for key, timing in st.session_state.get("timings", {}).items() if key in keys}
    where = next((timing.where for timing in known.values()), "")
    return {key: 1000 * timing.seconds for key, timing in known.items()}, where
