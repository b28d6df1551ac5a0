"""One large kernel beside its stack: the knobs, and what each costs."""

import streamlit as st

from app import state
from app.components.chart import charts
from cnnviz.analysis.kernels import Replication, replicate
from cnnviz.views import lessons_kernels, replication


def knobs() -> Replication:
    """The kernel, its channels, and how it slides."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kernel = st.select_slider(
            "Kernel K × K", list(lessons_kernels.KERNELS), value=5, key="kernel", bind=state.BOUND, width=state.px(170)
        )
        into, inside, out = (
            st.number_input(
                label, 1, 4096, value, key=key, bind=state.BOUND, width=state.px(112), help=meaning, placeholder="= out"
            )
            for label, key, value, meaning in (
                ("Channels in", "in", 1, "Channels that all read."),
                ("inside", "mid", None, "Channels between the layers (M); as many as out, if empty."),
                ("out", "out", 1, "Channels that all give."),
            )
        )
        side, dilation, stride = (
            st.number_input(label, 1, most, value, key=key, bind=state.BOUND, width=state.px(98), help=meaning)
            for label, key, value, most, meaning in (
                (
                    "Map size",
                    "map",
                    56,
                    4096,
                    "Height and width of the map that all run over, padded to keep its size.",
                ),
                ("Dilation", "dilation", 1, 8, "Pixels from one weight of a kernel to the next, in every layer."),
                ("Stride", "stride", 1, 4, "Pixels from one place of the K × K kernel to the next."),
            )
        )
        strided = "last"
        if stride > 1:
            strided = st.selectbox(
                "in layer",
                ["last", "first", "each"],
                key="strided",
                bind=state.BOUND,
                width=state.px(92),
                help="Which layers of the stack have the stride.",
            )
        bias = st.toggle("Bias", key="bias", bind=state.BOUND, help="Counts the biases as well.")
    return replicate(
        kernel, into, inside, out, (side, side), bias=bias, dilation=dilation, stride=stride, strided=strided
    )


@st.fragment
def cost() -> None:
    """What one layer, its stack and two lines cost, and what is saved over K and over M."""
    r = knobs()
    _numbers(r)
    drawn = (lessons_kernels.windows, lessons_kernels.weight_bars)
    curves = (lessons_kernels.saving_over_kernels, lessons_kernels.weights_over_mid)
    charts(
        [draw(r) for draw in (*drawn, *curves)],
        columns="9fr 5.5fr 5.5fr",
        areas=("windows bars bars", "windows kernels mids"),
        key="charts",
    )
    st.markdown(replication.sentences(r))
    st.table(
        replication.table(r),
        border="horizontal",
        hide_index=True,
        alt="The layer and what replaces it, compared",
    )
    st.caption(
        f"{lessons_kernels.DASHES} Biases are {'counted' if r.bias else 'left out'}. {replication.CONVENTION} "
        f"{replication.ACTIVATIONS} Source: Simonyan and Zisserman 2014, section 2.3."
    )


def _numbers(r: Replication) -> None:
    with st.container(horizontal=True, gap="small"):
        st.metric("Weights, one layer", f"{r.weights_single:,}", width="content")
        st.metric(f"Weights, {r.stack} × (3 × 3)", f"{r.weights_stack:,}", width="content")
        st.metric("Saving", f"{r.saving_percent:.1f} %", width="content", help="Negative where the stack has more.")
        both, sees = r.threes.field == r.single.field, f"{r.single.field[0]} × {r.single.field[0]}"
        st.metric(
            "Receptive field of both" if both else "Receptive fields",
            sees if both else f"{sees}, {r.threes.field[0]} × {r.threes.field[0]}",
            width="content",
        )
