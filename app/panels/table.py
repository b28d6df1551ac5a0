"""The table of layers."""

import streamlit as st

from app import cache, state
from cnnviz.catalogue import Options
from cnnviz.graph import LayerGraph
from cnnviz.views import tables

NUMBER, TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
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


def panel(options: Options, graph: LayerGraph) -> None:
    """One row a layer; clicking a row selects its layer."""
    key = f"table {options.network}"
    state.mark_row(key, graph)
    st.dataframe(
        cache.table_of(options),
        hide_index=True,
        height=300,
        key=key,
        on_select=lambda: state.pick_row(key, graph),
        selection_mode=["single-row-required", "single-cell"],  # a click anywhere in a row selects it
        row_height=30,
        column_order=list(TABLE_COLUMNS),
        column_config=TABLE_COLUMNS,
    )
    button, note = st.columns([1, 5], vertical_alignment="center")
    button.download_button(
        "CSV",
        lambda: tables.as_csv(graph),
        file_name=f"{options.network}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    note.caption(f"{tables.CONVENTION} An empty receptive field is the whole input, or no fixed window of it.")
