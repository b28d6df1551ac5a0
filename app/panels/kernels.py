"""One large kernel beside its stack: the knobs, and what each costs."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.boundary import sentences
from app.components.answer import charts
from app.components.knobs import Choice, Number, Switch
from app.panels.knobs import Lesson
from cnnviz.analysis.kernels import replicate
from cnnviz.views import lessons_kernels, pieces, replication

KNOBS = (
    Choice("kernel", "Kernel K × K", 5, lessons_kernels.KERNELS, slider=True, wide=True),
    Number("in", "Channels in", 1, 1, 4096, help="Channels that all read.", slider=False),
    Number(
        *("mid", "inside", None, 1, 4096),
        help="Channels between the layers (M); as many as out, if empty.",
        blank="= out",
        slider=False,
    ),
    Number("out", "out", 1, 1, 4096, help="Channels that all give.", slider=False),
    Number(
        *("map", "Map size", 56, 1, 4096),
        help="Height and width of the map that all run over, padded to keep its size.",
        slider=False,
    ),
    Number(
        *("dilation", "Dilation", 1, 1, 8),
        help="Pixels from one weight of a kernel to the next, in every layer.",
        slider=False,
    ),
    Number("stride", "Stride", 1, 1, 4, help="Pixels from one place of the K × K kernel to the next.", slider=False),
    Choice(
        *("strided", "in layer", "last", ("last", "first", "each")),
        help="Which layers of the stack have the stride.",
        wide=True,
        unless=("stride", 1),
    ),
    Switch("bias", "Bias", help="Counts the biases as well."),
)


def _costs(**knobs: Any) -> Sequence[str]:
    """What one layer, its stack and two lines cost, and what is saved over K and over M."""
    r = replicate(
        knobs["kernel"],
        channels_in=knobs["in"],
        mid=knobs["mid"],
        channels_out=knobs["out"],
        size=(knobs["map"], knobs["map"]),
        **{name: knobs[name] for name in ("bias", "dilation", "stride", "strided")},
    )
    drawn = (lessons_kernels.windows, lessons_kernels.weight_bars)
    curves = (lessons_kernels.saving_over_kernels, lessons_kernels.weights_over_mid)
    return (
        pieces.numbers(replication.numbers(r)),
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


COST = Lesson("cost", KNOBS, _costs)


@st.fragment
def cost() -> None:
    """The knobs, and what comes of them."""
    with sentences():
        COST.draw(least=6.5)
