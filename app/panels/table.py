"""The table of layers."""

import streamlit as st

from app import cache, state
from app.components.table import Column, layer_table
from app.panels.lecture import show_button
from cnnviz.catalogue import Options
from cnnviz.graph import LayerGraph
from cnnviz.views import tables

COLUMNS = (  # in the order of a lecture: what a reader compares stands where no scrolling is needed
    "name",
    "kind",
    "kernel",
    "output",
    "parameters",
    "MACs",
    "receptive field",
    "stride",
    "padding",
    "input",
    "memory (bytes)",
    "receptive field stride",
)
NUMBERS = {"parameters", "MACs", "memory (bytes)"}
AMOUNTS = {"parameters": "parameters", "MACs": "MACs", "memory": "memory (bytes)"}  # what the graph is coloured by
FORMS: tuple[tuple[str, str, tables.Format], ...] = (
    ("CSV", "csv", "csv"),
    ("Markdown", "md", "markdown"),
    ("LaTeX", "tex", "latex"),
)


def columns(bar: str | None = None) -> dict[str, Column]:
    """How each column looks; one may have bars."""
    return {name: Column("bar" if name == bar else "number" if name in NUMBERS else "text") for name in COLUMNS}


def panel(selection: state.Selection, options: Options, graph: LayerGraph) -> None:
    """One row a layer; clicking a row selects its layer."""
    hidden = state.hidden("table", graph)
    bar = None if hidden else AMOUNTS.get(selection.get("colour"))
    layer_table(
        cache.rows_of(options, COLUMNS, hidden),
        columns(bar),
        selection=selection.name,
        key=selection.key("table"),
        height=300,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        show_button("table", graph)
        for label, ending, form in () if hidden else FORMS:
            st.download_button(
                label,
                lambda form=form: tables.printed(graph, form),
                file_name=f"{options.network}.{ending}",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
                key=selection.key(f"take {ending}"),
            )
    st.caption(f"{tables.CONVENTION} An empty receptive field is the whole input, or no fixed window of it.")
