"""Shortcuts: what a residual network's ways around its blocks do, and what they don't."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.panels import shortcuts

PARTS = {
    "Training": shortcuts.training,
    "Gradients": shortcuts.gradients,
    "Options A, B, C": shortcuts.options,
    "Cut": shortcuts.cut,
}

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader("Shortcuts")
    about = st.segmented_control(
        "About",
        list(PARTS),
        default=next(iter(PARTS)),
        required=True,
        key="about",
        bind=state.BOUND,
        label_visibility="collapsed",
    )
with sentences():
    PARTS[about]()
