"""Kernels: one large kernel beside the stack of 3 x 3 that sees the same window."""

import streamlit as st

from app.boundary import sentences
from app.panels import kernels

st.subheader("Kernel replication")
st.markdown("Two 3 × 3 layers see the same 5 × 5 window as one 5 × 5 layer. **How many weights does that save?**")
with sentences():
    kernels.cost()
