"""What the selected layer sees in the picture: all its channels, and one of them large."""

import streamlit as st

from app import cache, state
from app.components.maps import map_grid
from app.panels import one
from app.panels.seen import Seen, behind
from app.panels.waiting import waiting
from cnnviz.activations.channels import dead, ordered
from cnnviz.activations.pictures import Maps, quantise_within
from cnnviz.analysis.arms import arms
from cnnviz.engine.local import Result
from cnnviz.views import figures
from cnnviz.views.drawing import by_sign, title


def panel(seen: Seen) -> None:
    """What the layer gives for the picture."""
    if seen.picture is None:
        return
    with waiting(f"Running {seen.options.network} …") as on_wait:
        result = cache.shared_engine().maps(
            seen.options, seen.picture, seen.path, weights=seen.weights, fit=state.fit(), on_wait=on_wait
        )
    behind(result, "these maps show what random filters see.")
    if result.maps.ndim == 3:
        channels(seen, result)
    else:
        units(seen, result)


def units(seen: Seen, result: Result) -> None:
    """The values of a vector, and how one of them was computed."""
    selection = seen.selection
    chart = figures.vector(result.maps.reshape(-1).tolist())
    st.plotly_chart(figures.enlarged(chart, state.type_size()), key=selection.key("units"))
    if result.maps.ndim != 1:
        return
    unit = selection.channel_of(seen.layer)
    unit = unit if unit is not None and unit < len(result.maps) else None
    selection.set("unit", unit)
    st.number_input(
        f"How a unit was computed, 0 to {len(result.maps) - 1:,}",
        min_value=0,
        max_value=len(result.maps) - 1,
        placeholder="which",
        key=selection.key("unit"),
        on_change=lambda: selection.choose_channel(selection.get("unit")),
        width=state.px(260),
    )
    if unit is not None:
        one.number(seen, (unit,))


def channels(seen: Seen, result: Result) -> None:
    """All channels, and the selected one large."""
    selection, layer = seen.selection, seen.layer
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scale = st.segmented_control(
            "One colour scale for each",
            ["layer", "channel", "network"],
            default="layer",
            required=True,
            key=selection.key("scale"),
            bind=state.BOUND,
            help="`layer` keeps channels comparable, `network` layers too; `channel` shows the faint ones.",
        )
        order = st.segmented_control(
            "In the order of",
            ["channel", "activity"],
            default="channel",
            required=True,
            key=selection.key("order"),
            bind=state.BOUND,
            help="Activity: the mean absolute value, most first.",
        )
    drawn = scaled(seen, result, scale)
    channel = selection.channel_of(layer)
    if channel is not None:
        one.channel_large(seen, result, drawn, channel)
    gone = dead(result.maps)
    shrunk = f", each pixel the mean of {drawn.shrunk} × {drawn.shrunk}" if drawn.shrunk > 1 else ""
    gives = "" if seen.guessed else f", gives {by_sign(layer.output_shape)}{shrunk}"
    st.caption(f"{seen.path}, {title(layer)}{gives}. Click a channel to enlarge it.")
    if gone:
        st.caption(
            f":material/close: {len(gone)} of {len(result.maps)} channels {'are' if len(gone) > 1 else 'is'} dead: "
            "one value everywhere, whatever the picture shows there."
        )
    map_grid(
        drawn,
        name=seen.path,
        scale=scale,
        key=selection.key("maps"),
        selection=selection.name,
        layer=seen.path,
        order=ordered(result.maps, order) if order != "channel" else (),
        dead=gone,
        arms=arms(seen.graph, seen.path),
        on_pick=lambda: selection.pick_channel(selection.get("maps").pick),
    )


def scaled(seen: Seen, result: Result, scale: str) -> Maps:
    """The maps in the colours of the scale that was chosen."""
    if scale != "network":
        return result.drawn(scale)
    with waiting("Comparing all layers …") as on_wait:
        most = cache.shared_studio().largest(seen.subject, on_wait=on_wait)
    return quantise_within(result.maps, most)
