"""How a page with several views begins: its title, and beside it which view is shown."""

from collections.abc import Sequence

import streamlit as st

from app import state


def view(title: str, offered: Sequence[str], key: str) -> str:
    """The view that is chosen, at first the first one.

    Args:
        key: its name in the URL.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.subheader(title, width="content")
        return st.segmented_control(
            "Show",
            offered,
            default=offered[0],
            required=True,
            key=key,
            bind=state.BOUND,
            label_visibility="collapsed",
        )
