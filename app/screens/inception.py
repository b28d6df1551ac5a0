"""Inception: what a module's arms cost, what each sees in the picture, and what GoogLeNet's extra heads cost."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.components.answer import answers
from app.panels import inception

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.subheader("Inception", width="content")
    shown = st.segmented_control(
        "Show",
        list(inception.PARTS),
        default="Module",
        required=True,
        key="about",
        bind=state.BOUND,
        label_visibility="collapsed",
    )
    answers()
with sentences():
    inception.PARTS[shown]()
