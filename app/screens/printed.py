"""Printed against computed: a table of the article, every cell beside what the network has."""

import streamlit as st

from app import state
from app.components.printed import printed_table
from app.panels import printed
from cnnviz.against import beside, papers_input
from cnnviz.against import printed as held_against
from cnnviz.views import accuracy, against, figures

LIST = {
    name: st.column_config.TextColumn(width=width)
    for name, width in (("where", 125), ("column", 95), ("printed", 80), ("computed", 80), ("why", 740))
}

st.subheader("Printed against computed")
st.markdown(
    "An article prints these layers; each cell is held against the network itself. "
    "**Which printed numbers are wrong, and why?**"
)
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    key = printed.network()
    held = held_against(key)
    total = "none" if held.printed_total is None else f"{held.printed_total:,}"
    st.metric("Parameters, printed", total, width="content")
    st.metric("computed", f"{held.computed_total:,}", width="content")
    st.metric("Cells that differ", f"{len(held.differing)} of {held.compared:,}", width="content")

place = f"printed {key}"
printed_table(
    against.table(held),
    hint=against.hint(held),
    picked=printed.picked_at_first(place),
    differing=printed.only_differing(),
    key=place,
    on_pick=lambda: printed.pick_cell(st.session_state[place].pick),
    on_differing=lambda: printed.show_only_differing(st.session_state[place].differing),
)
st.markdown(" ".join([against.totals(held), *beside(key), papers_input(key)]))

if held.lacking:
    lacking = figures.enlarged(accuracy.lacking_parameters(held), state.type_size())
    st.plotly_chart(lacking, key="lacking", config={"displayModeBar": False})
if held.differing:
    st.markdown("**Every cell that differs, and why**")
    st.dataframe(
        against.differences(held),
        hide_index=True,
        column_config=LIST,
        height=min(state.px(420), state.px(38 + 35 * len(held.differing))),
    )
with st.container(horizontal=True, vertical_alignment="center"):
    for label, ending, make in (("Text", "txt", against.text), ("JSON", "json", against.as_json)):
        st.download_button(
            label,
            lambda make=make: make(held),
            file_name=f"{key}-printed.{ending}",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )
st.caption(
    "Green: as printed. Orange, with ≠: printed ≠ computed. Blank: nothing is printed. Italic: computed alone. Why a "
    "cell differs is found by rules that look at the numbers: rows above, depths, pads."
)
