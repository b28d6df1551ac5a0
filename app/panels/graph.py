"""The layer graph, and what one may take along of it."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from app import cache, state
from app.components.graph import layer_graph
from cnnviz.catalogue import Options
from cnnviz.networks import card
from cnnviz.views.dot import AMOUNTS, Colour, Direction
from cnnviz.views.drawing import Drawing, Unfolded, legend
from cnnviz.views.notebook import View, notebook, script

TOO_LARGE: dict[Unfolded, str] = {
    (): "Unfolded, this graph is too large to be laid out here: its equal blocks stay folded.",
    "outline": "This graph is too large to be laid out here: each block is one node. The table has every layer.",
}


def panel(selection: state.Selection, options: Options, height: int | None = None) -> Drawing:
    """The layer graph; equal blocks in a row are folded until one opens them. `height` is as `layer_graph` takes it.

    Returns:
        What is drawn.
    """
    graph = cache.graph_of(options)
    runs = {run.blocks[0]: run.blocks for run in cache.folds_of(options)}
    firsts = list(runs)
    opened = selection.opened(options.network, firsts)
    numbers = not state.hidden("table", graph)  # on the nodes stands what stands in the table

    def fold() -> None:
        selection.toggle_fold(options.network, firsts, selection.get("graph").fold)

    def back() -> None:
        selection.one_level_back(options.network, runs, graph)

    controls = st.container(horizontal=True, vertical_alignment="center")
    with controls:
        fold_place = st.container(width="content")
        colour: Colour = st.selectbox(
            "Colour by",
            ["kind", *AMOUNTS],
            key=selection.key("colour"),
            bind=state.BOUND,
            label_visibility="collapsed",
            width=state.px(130),
            help="What the nodes' colours tell.",
        )
        across = st.toggle(
            "Across", key=selection.key("across"), bind=state.BOUND, help="The data runs from left to right."
        )
        direction: Direction = "LR" if across else "TB"
    look = cache.Look(opened, direction, colour, numbers)
    shown, svg = cache.svg_of(options, look)
    with controls:
        take_along(selection, options, replace(look, unfolded=shown))
    if shown != opened:
        st.caption(f":material/info: {TOO_LARGE[shown]}")
        selection.unfold(options.network, [])  # said once; the button offers it again
    picture = cache.drawing_of(options, shown)
    if firsts and shown != cache.OUTLINE:
        everything = len(shown) == len(firsts)
        fold_place.button(
            "Fold" if everything else "Unfold",
            icon=":material/unfold_less:" if everything else ":material/unfold_more:",
            key=selection.key("unfold"),
            on_click=selection.unfold,
            args=(options.network, [] if everything else firsts),
            help="Equal blocks in a row; or click the name of one such run in the graph.",
        )
    layer_graph(
        svg,
        selection=selection.name,
        key=selection.key("graph"),
        on_fold=fold,
        on_back=back,
        runs=runs,
        direction=direction,
        projector=state.projector(),
        height=height,
        steps=cache.steps_of(options, shown, numbers),
    )
    if colour != "kind":
        st.caption(f"The more {colour} a node has, the deeper its colour and the thicker its border: square roots.")
    st.caption(legend(picture, numbers))
    return picture


def take_along(selection: state.Selection, options: Options, look: cache.Look) -> None:
    """The picture just as it is shown, and the whole graph as text."""
    box = st.popover("Export", icon=":material/download:", on_change="rerun", key=selection.key("export"))
    if not box.open:  # what nobody looks at is neither made nor sent
        return

    def download(ending: str, data: Callable[[], str | bytes], label: str = "") -> None:
        st.download_button(  # makes the file when it is pressed, and not before
            label or ending.upper(),
            data,
            file_name=f"{options.network}.{ending}",
            on_click="ignore",
            key=selection.key(f"take {ending}"),
        )

    with box:
        st.caption("The picture as it is shown:")
        with st.container(horizontal=True):
            for form in ("svg", "pdf", "png"):
                download(form, lambda form=form: cache.picture_file(options, look, form))
            download("dot", lambda: cache.dot_text(options, look))
        st.caption("The graph as text:")
        with st.container(horizontal=True):
            download("mmd", lambda: cache.mermaid_text(options, look), "Mermaid")
            download("json", lambda: cache.json_text(options))
        view = View(
            cache.graph_of(options),
            options.chosen,
            selection.layer_in(cache.graph_of(options)),
            picture=state.picture_name(),
            fit=state.fit(),
            zoom=state.zoom(),
            unfolded=look.unfolded,
            direction=look.direction,
            colour=look.colour,
            card=card(options.network),
        )
        st.caption("The same in Python:")
        download("ipynb", lambda: notebook(view, st.context.url or ""), "Notebook")
        st.code(script(view), language="python", wrap_lines=True)
