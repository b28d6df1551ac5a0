"""The layer graph, and what one may take along of it."""

from collections.abc import Callable

import streamlit as st

from app import cache, state
from app.components.graph import layer_graph
from cnnviz.catalogue import Options
from cnnviz.views.dot import AMOUNTS, Colour, Direction
from cnnviz.views.drawing import Unfolded, legend
from cnnviz.views.export import python_lines


def panel(options: Options, path: str) -> None:
    """The layer graph; equal blocks in a row are folded until one opens them."""
    runs = {run.blocks[0]: run.blocks for run in cache.folds_of(options)}
    firsts = list(runs)
    opened = state.opened(options.network, firsts)
    picture = cache.drawing_of(options, opened)

    def fold() -> None:
        state.toggle_fold(options.network, firsts, st.session_state["graph"].fold)

    def back() -> None:
        state.one_level_back(options.network, runs, path, cache.graph_of(options))

    with st.container(horizontal=True, vertical_alignment="center"):
        if firsts:
            everything = len(opened) == len(firsts)
            st.button(
                "Fold" if everything else "Unfold",
                icon=":material/unfold_less:" if everything else ":material/unfold_more:",
                on_click=state.unfold,
                args=(options.network, [] if everything else firsts),
                help="Equal blocks in a row; or click the name of one such run in the graph.",
            )
        colour: Colour = st.selectbox(
            "Colour by",
            ["kind", *AMOUNTS],
            key="colour",
            bind=state.BOUND,
            label_visibility="collapsed",
            width=130,
            help="What the nodes' colours tell.",
        )
        across = st.toggle("Across", key="across", bind=state.BOUND, help="The data runs from left to right.")
        direction: Direction = "LR" if across else "TB"
        take_along(options, opened, direction, colour, path)
    layer_graph(
        cache.svg_of(options, opened, direction, colour),
        lit=picture.node_of(path),
        key="graph",
        on_pick=state.picked("graph"),
        on_fold=fold,
        on_back=back,
        runs=runs,
        direction=direction,
    )
    if colour != "kind":
        st.caption(f"The more {colour} a node has, the deeper its colour and the thicker its border: square roots.")
    st.caption(legend(picture))


def take_along(options: Options, opened: Unfolded, direction: Direction, colour: Colour, path: str) -> None:
    """The picture just as it is shown, and the whole graph as text."""
    with st.popover("Export", icon=":material/download:"):
        st.caption("The picture as it is shown:")
        with st.container(horizontal=True):
            for form in ("svg", "pdf", "png"):
                download(options, form, lambda form=form: cache.picture_file(options, opened, direction, colour, form))
            download(options, "dot", lambda: cache.dot_text(options, opened, direction, colour))
        st.caption("The graph as text:")
        with st.container(horizontal=True):
            download(options, "mmd", lambda: cache.mermaid_text(options, opened, direction), "Mermaid")
            download(options, "json", lambda: cache.json_text(options))
        st.caption("The same in Python:")
        st.code(python_lines(cache.graph_of(options), path, options.chosen), language="python")


def download(options: Options, ending: str, data: Callable[[], str | bytes], label: str = "") -> None:
    """A button that makes the file when it is pressed, and not before."""
    st.download_button(
        label or ending.upper(), data, file_name=f"{options.network}.{ending}", on_click="ignore", key=f"take {ending}"
    )
