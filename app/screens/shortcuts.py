"""Shortcuts: what a residual network's ways around its blocks do, and what they don't."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.components.answer import answers
from app.panels import copying, shortcuts

PARTS = {
    "Training": shortcuts.training,
    "Gradients": shortcuts.gradients,
    "Options A, B, C": shortcuts.options,
    "Cut": shortcuts.cut,
    "Identity": copying.identity,
}

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader("Shortcuts")
    point = st.segmented_control(
        "Point",
        list(PARTS),
        default=next(iter(PARTS)),
        required=True,
        key="point",
        bind=state.BOUND,
        label_visibility="collapsed",
    )
    answers()
with sentences():
    PARTS[point]()
