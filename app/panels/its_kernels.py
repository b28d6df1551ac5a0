"""The kernels of a convolution as pictures."""

import streamlit as st

from app import cache, state
from app.components.maps import map_grid
from app.panels.seen import Seen, behind
from app.panels.waiting import waiting
from cnnviz.activations.kernels import kernel_maps
from cnnviz.engine.studio import Kernels
from cnnviz.views.drawing import by_sign


def panel(seen: Seen) -> None:
    """The kernels of the selected layer; of one output channel where it reads many maps."""
    selection, layer = seen.selection, seen.layer
    if layer.op != "conv":
        before = seen.graph.nearest_before(seen.path, "conv")
        st.info(f"{seen.path} has no kernels" + (f"; the convolution before it is {before}." if before else "."))
        return
    channel = selection.channel_of(layer) or 0
    with waiting("Fetching the kernels …") as on_wait:
        found = cache.shared_studio().kernels(seen.options, seen.path, channel, weights=seen.weights, on_wait=on_wait)
    kernels = found.value
    behind(found, "these kernels have learned nothing.")
    colour = kernels.weights.ndim == 4
    size = by_sign(kernels.weights.shape[-2:])
    if kernels.of is None:
        read = "red, green and blue" if colour else "a single map"
        st.caption(f"Kernels of {size} over {read}, one for each output channel. Click one to choose its channel.")
    else:
        choose(seen, kernels)
        st.caption(f"Kernels of {size} with which output channel {kernels.of} reads its input channels, one for each.")
    map_grid(
        kernel_maps(kernels.weights),
        name=seen.path if kernels.of is None else f"output channel {kernels.of} of {seen.path}",
        scale="",
        key=selection.key("kernels"),
        selection=selection.name if kernels.of is None else "",
        layer=seen.path,
        planes=3 if colour else 1,
        what="kernels",
        on_pick=lambda: selection.pick_channel(selection.get("kernels").pick) if kernels.of is None else None,
    )


def choose(seen: Seen, kernels: Kernels) -> None:
    """Which output channel's kernels are shown; it is the channel of the maps as well."""
    selection = seen.selection
    selection.set("output channel", kernels.of)
    st.number_input(
        "Output channel",
        min_value=0,
        max_value=kernels.channels - 1,
        step=1,
        key=selection.key("output channel"),
        on_change=lambda: selection.choose_channel(selection.get("output channel")),
        width=state.px(160),
    )
