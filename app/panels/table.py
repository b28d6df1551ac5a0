"""The table of layers."""

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from app import cache, state
from app.panels.lecture import show_button
from cnnviz.catalogue import Options
from cnnviz.graph import LayerGraph
from cnnviz.views import tables

BAR, NUMBER, TEXT = st.column_config.ProgressColumn, st.column_config.NumberColumn, st.column_config.TextColumn
TABLE_COLUMNS = {  # in the order of a lecture: what a reader compares stands where no scrolling is needed
    "name": TEXT(width=122, pinned=True),
    "kind": TEXT(width=78),
    "kernel": TEXT(width=48),
    "output": TEXT(width=104),
    "parameters": NUMBER(width=88, format="localized"),
    "MACs": NUMBER(width=104, format="localized"),
    "receptive field": TEXT(width=100),
    "stride": TEXT(width=48),
    "padding": TEXT(width=58),
    "input": TEXT(width=104),
    "memory (bytes)": NUMBER(width=104, format="localized"),
    "receptive field stride": TEXT(width=130),
}
AMOUNTS = {"parameters": "parameters", "MACs": "MACs", "memory": "memory (bytes)"}  # what the graph is coloured by
FORMS: tuple[tuple[str, str, tables.Format], ...] = (
    ("CSV", "csv", "csv"),
    ("Markdown", "md", "markdown"),
    ("LaTeX", "tex", "latex"),
)


def panel(selection: state.Selection, options: Options, graph: LayerGraph) -> None:
    """One row a layer; clicking a row selects its layer."""
    key, hidden = f"{selection.key('table')} {options.network}", state.hidden("table", graph)
    selection.mark_row(key, graph)
    frame = cache.table_of(options)
    columns = {name: column_of(name, hidden) for name in TABLE_COLUMNS}
    if hidden:
        frame = tables.asked(frame)
    elif amount := AMOUNTS.get(selection.get("colour")):
        most = int(frame[amount].max())
        columns[amount] = BAR(width=state.px(142), format="localized", min_value=0, max_value=most)
    st.dataframe(
        frame,
        hide_index=True,
        height=state.px(300),
        key=key,
        on_select=lambda: selection.pick_row(key, graph),
        selection_mode=["single-row-required", "single-cell"],  # a click anywhere in a row selects it
        row_height=state.px(30),
        column_order=list(columns),
        column_config=columns,
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


def column_of(name: str, hidden: bool) -> ColumnConfig:
    """How a column looks; a question mark is text also where a number was."""
    column = TABLE_COLUMNS[name]
    asked = TEXT() if hidden and name in tables.COMPUTED else {}
    return column | asked | {"width": state.px(column["width"])}
