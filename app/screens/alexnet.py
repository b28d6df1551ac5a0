"""AlexNet: its ideas one by one, on the picture, and what they are worth."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.panels import alexnet

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.subheader("AlexNet's ideas", width="content")
    idea = st.segmented_control(
        "Idea",
        list(alexnet.IDEAS),
        default="ReLU",
        required=True,
        key="idea",
        bind=state.BOUND,
        label_visibility="collapsed",
    )
with sentences():
    alexnet.IDEAS[idea]()
