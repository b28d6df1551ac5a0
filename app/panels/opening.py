"""How a lesson begins: its title, and beside it which of its views is shown."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.components.answer import answers


def view(title: str, offered: Sequence[str], key: str) -> str:
    """The view that is chosen, at first the first one.

    Args:
        key: its name in the URL.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.subheader(title, width="content")
        chosen = st.segmented_control(
            "Show",
            offered,
            default=offered[0],
            required=True,
            key=key,
            bind=state.BOUND,
            label_visibility="collapsed",
        )
        answers()
    return chosen
