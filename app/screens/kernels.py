"""Kernels: one large kernel beside the stack of 3 x 3 that sees the same window."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.components.answer import answers
from app.panels import in_threes, kernels, proof

VIEWS = {"cost": kernels.cost, "proof": proof.proof, "network": in_threes.network}

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader("Kernel replication")
    view = st.segmented_control(
        "Show", VIEWS, default="cost", required=True, key="show", bind=state.BOUND, label_visibility="collapsed"
    )
    answers()
st.markdown("Two 3 × 3 layers see the same 5 × 5 window as one 5 × 5 layer. **How many weights does that save?**")
with sentences():
    VIEWS[view]()
