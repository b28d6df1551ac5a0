"""Kernels: one large kernel beside the stack of 3 x 3 that sees the same window."""

import streamlit as st

from app.boundary import sentences
from app.panels import in_threes, kernels, opening, proof

VIEWS = {
    "cost": (
        kernels.cost,
        "Two 3 × 3 layers see the same 5 × 5 window as one 5 × 5 layer. **How many weights does that save?**",
    ),
    "proof": (
        proof.proof,
        "With nothing between them, layers of 3 × 3 are one large kernel. **Do they see no more and no less, and can "
        "they be any kernel of that size?**",
    ),
    "network": (
        in_threes.network,
        "In a real network, stacks of 3 × 3 take the place of all larger kernels. **Do they save there as well?**",
    ),
}

shown = opening.view("Kernel replication", list(VIEWS), "show")
draw, question = VIEWS[shown]
st.markdown(question)
with sentences():
    draw()
