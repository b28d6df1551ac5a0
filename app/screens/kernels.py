"""Kernels: one large kernel beside the stack of 3 x 3 that sees the same window."""

import streamlit as st

from app import state
from cnnviz.analysis.kernels import replicate
from cnnviz.views import figures

st.subheader("Kernel replication")
st.markdown("Two 3 × 3 layers see the same 5 × 5 window as one 5 × 5 layer. **How many weights does that save?**")

with st.container(horizontal=True, vertical_alignment="bottom"):
    kernel = st.select_slider(
        "Kernel K × K", list(range(3, 16, 2)), value=5, key="kernel", bind=state.BOUND, width=state.px(260)
    )
    into, inside, out = (
        st.number_input(
            label, 1, 4096, value, key=key, bind=state.BOUND, width=state.px(150), help=meaning, placeholder="= out"
        )
        for label, key, value, meaning in (
            ("Channels in", "in", 1, "Channels that both read."),
            ("Channels inside", "mid", None, "Channels between the layers of the stack (M); as many as out, if empty."),
            ("Channels out", "out", 1, "Channels that both give."),
        )
    )
    side = st.number_input(
        "Map size",
        1,
        4096,
        56,
        key="map",
        bind=state.BOUND,
        width=state.px(150),
        help="Height and width of the map that both run over, padded so that it keeps its size.",
    )

result = replicate(kernel, into, inside, out, size=(side, side))
with st.container(horizontal=True):
    st.metric("Weights, one layer", f"{result.weights_single:,}", width="content")
    st.metric(f"Weights, {result.stack} × (3 × 3)", f"{result.weights_stack:,}", width="content")
    st.metric("Saving", f"{result.saving_percent:.1f} %", width="content", help="Negative where the stack has more.")
    st.metric(
        "MACs, one layer",
        f"{result.macs_single:,}",
        width="content",
        help="One multiply-accumulate counts 1.",
    )
    st.metric("MACs, stack", f"{result.macs_stack:,}", width="content", help="FLOPs are twice that.")
    seen = result.receptive_field[0]
    st.metric("Receptive field of both", f"{seen} × {seen}", width="content")

picture, bars = st.columns([3, 2], vertical_alignment="center")
with picture:
    windows = figures.enlarged(figures.replication_windows(result), state.type_size())
    st.plotly_chart(windows, key="windows", config={"displayModeBar": False})
with bars:
    weights = figures.enlarged(figures.replication_bars(result), state.type_size())
    st.plotly_chart(weights, key="bars", config={"displayModeBar": False})
st.caption(
    f"Above, one {kernel} × {kernel} kernel turns a {kernel} × {kernel} input of one channel into one value; below, "
    f"{result.stack} layer{'s' if result.stack > 1 else ''} of 3 × 3 do, each with a non-linearity of its own. "
    "Weights are counted without biases. Source: Simonyan and Zisserman 2014, section 2.3."
)
