"""One large kernel beside its stack: the knobs, and what each costs."""

from typing import Any

import streamlit as st

from app import state
from app.components.answer import answer, charts, deal
from cnnviz.analysis.kernels import Replication, replicate
from cnnviz.views import lessons_kernels, pieces, replication

Knobs = dict[str, Any]


@st.fragment
def cost() -> None:
    """What one layer, its stack and two lines cost, and what is saved over K and over M."""
    knobs = _knobs()
    deal("kernel", {str(kernel): _pieces(replicate(kernel, **knobs)) for kernel in lessons_kernels.KERNELS})
    _beside_the_kernel(knobs)


def _knobs() -> Knobs:
    """The channels, and how the kernel slides: what `replicate` takes by name."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
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
    return {
        **{"channels_in": into, "mid": inside, "channels_out": out, "size": (side, side)},
        **{"bias": bias, "dilation": dilation, "stride": stride, "strided": strided},
    }


@st.fragment  # of its own, so that no turn of the kernel draws the other knobs anew
def _beside_the_kernel(knobs: Knobs) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        kernel = st.select_slider(
            "Kernel K × K", list(lessons_kernels.KERNELS), value=5, key="kernel", bind=state.BOUND, width=state.px(200)
        )
        numbers, rest = _pieces(replicate(kernel, **knobs))
        answer(numbers, knob="kernel", at=str(kernel))
    answer(rest, knob="kernel", at=str(kernel))


def _pieces(r: Replication) -> tuple[str, str]:
    """What stands beside the kernel's knob, and what below."""
    drawn = (lessons_kernels.windows, lessons_kernels.weight_bars)
    curves = (lessons_kernels.saving_over_kernels, lessons_kernels.weights_over_mid)
    below = (
        charts(
            [draw(r) for draw in (*drawn, *curves)],
            columns="9fr 5.5fr 5.5fr",
            areas=("windows bars bars", "windows kernels mids"),
        ),
        pieces.words(replication.sentences(r)),
        pieces.table(replication.table(r), "The layer and what replaces it, compared"),
        pieces.note(
            f"{lessons_kernels.DASHES} Biases are {'counted' if r.bias else 'left out'}. {replication.CONVENTION} "
            f"{replication.ACTIVATIONS} Source: Simonyan and Zisserman 2014, section 2.3."
        ),
    )
    return pieces.numbers(replication.numbers(r)), "".join(below)
