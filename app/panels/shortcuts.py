"""The parts of the page on shortcuts: each a question, its knobs, and what comes of them."""

import streamlit as st

from app import cache, state
from cnnviz.lessons import shortcuts as lesson
from cnnviz.views import figures
from cnnviz.views import lessons_shortcuts as views


def training() -> None:
    """Plain and residual networks as they have learned here, beside the paper's."""
    st.markdown(
        "Without shortcuts, the deeper network is the worse one, on the very pictures that it learns from. "
        "**Do shortcuts turn that round?**"
    )
    norm = st.toggle("Batch norm", True, key="norm", bind=state.BOUND, help="Without it, one epoch was recorded.")
    found = cache.training_curves(norm)
    figure = views.training_curves(
        [(curve.network, curve.training, curve.held_out) for curve in found],
        lesson.TABLE_6 if norm else {},
        lesson.PAPER_EPOCHS,
    )
    _chart(figure, "training")
    st.markdown(views.training_sentence([(c.network, c.training[-1], c.held_out[-1], c.diverged) for c in found]))
    st.caption(views.training_note(norm, lesson.PAPER_EPOCHS))
    st.markdown(views.paper_tables(lesson.TABLE_6, lesson.TABLE_2))


def _chart(figure: views.Figure, key: str) -> None:
    st.plotly_chart(figures.enlarged(figure, state.type_size()), key=key, config={"displayModeBar": False})
