"""What the selected layer sees in the picture: all its channels, and one of them large."""

import streamlit as st

from app import cache, state
from app.components.maps import map_grid
from app.panels import one
from app.panels.seen import Seen, behind
from app.panels.waiting import waiting
from cnnviz.activations.channels import dead, ordered
from cnnviz.activations.files import npz
from cnnviz.activations.pictures import Maps, grid_png, quantise_within
from cnnviz.analysis.arms import arms
from cnnviz.engine.local import Result
from cnnviz.networks import card
from cnnviz.views import figures
from cnnviz.views.drawing import by_sign, title
from cnnviz.views.notebook import View, layer_script


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
        save = st.container(width="content")
    drawn = scaled(seen, result, scale)
    with save:
        take_along(seen, result, scale, order)
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


def take_along(seen: Seen, result: Result, scale: str, order: str) -> None:
    """What the grid shows, as a picture, as numbers, and as the lines of Python that make it."""
    selection = seen.selection
    box = st.popover("Save", icon=":material/download:", on_change="rerun", key=selection.key("save"))
    if not box.open:  # what nobody looks at is neither made nor sent
        return

    def png() -> bytes:
        within = cache.shared_studio().largest(seen.subject) if scale == "network" else None
        each = "channel" if scale == "channel" else "layer"
        title = f"{seen.path}, {result.weights}"
        return grid_png(result.maps, title=title, scale=each, within=within, order=ordered(result.maps, order))

    with box:
        with st.container(horizontal=True):
            for ending, data in (("png", png), ("npz", lambda: npz({seen.path: result.maps}))):
                st.download_button(  # makes the file when it is pressed, and not before
                    ending.upper(),
                    data,
                    file_name=f"{seen.options.network}-{seen.path}.{ending}",
                    on_click="ignore",
                    key=selection.key(f"save {ending}"),
                )
        view = View(
            seen.graph,
            seen.options.chosen,
            seen.path,
            picture=state.picture_name(),
            fit=state.fit(),
            zoom=state.zoom(),
            card=card(seen.options.network),
            weights=own_name(seen),
            scale=scale,
            order=order,
        )
        st.caption("The same in Python:")
        st.code(layer_script(view), language="python", wrap_lines=True)


def own_name(seen: Seen) -> str:
    """The weights as a script names them: a visitor's own file has no path there that means anything."""
    return "weights.safetensors" if seen.selection.get("weights") == state.OWN else seen.weights
