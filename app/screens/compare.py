"""Compare: every network's accuracy and cost, computed beside printed."""

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.answer import answers
from app.panels import compare
from cnnviz.against import comparison
from cnnviz.networks import card
from cnnviz.printed.comparison import protocols
from cnnviz.printed.pretrained import published
from cnnviz.views import accuracy, figures, overview

NUMBER, WIDE = st.column_config.NumberColumn, st.column_config.TextColumn(width="large")
COLUMNS = {
    "key": st.column_config.TextColumn("network", pinned=True),
    "year": NUMBER(format="%d"),
    "top-5 %": NUMBER(format="%.2f", help="How each was measured stands in the last column."),
    "parameters": NUMBER(format="localized"),
    "in convolutions": NUMBER(format="localized", help="Parameters of the convolutions alone."),
    "MACs": NUMBER(format="localized"),
    "FLOPs": NUMBER(format="localized"),
    "memory": NUMBER("memory (bytes)", format="localized"),
    "depth": NUMBER(help="Weighted layers on the longest way through."),
    "sees (px)": NUMBER(format="localized", help="Width of the last convolution's receptive field."),
    "ms here": NUMBER(format="%.1f", help="Median of a few passes of one picture on this machine."),
    "idea": WIDE,
    "top-5 by": WIDE,
}

with st.container(horizontal=True):
    st.subheader("Compare", width="content")
    answers()
st.markdown(
    "Each of these networks bought its accuracy with parameters, with arithmetic, or with an idea. "
    "**Which get most for their cost?**"
)
with st.container(horizontal=True, vertical_alignment="bottom"):
    keys = compare.networks()
    summaries = {key: cache.summary_of(key) for key in keys}
    measured = [row for row in published() if row.network in summaries]
    chart = compare.chart(len(measured))

if chart == "Accuracy":
    compare.what_accuracy_costs(summaries)
else:
    figure = figures.enlarged(accuracy.where_parameters_are(summaries), state.type_size())
    st.plotly_chart(figure, key=f"chart {chart}", config={"displayModeBar": False})
    st.markdown(overview.sentence(summaries) or "Parameters of the convolutions, and of all other layers.")

with st.container(horizontal=True, vertical_alignment="center"):
    clicked = st.button(
        "Measure the time per picture here",
        icon=":material/timer:",
        help="Runs each network a few times on this machine's device, one after the other.",
    )
    forms = st.container(horizontal=True, width="content")
if clicked:
    with sentences():
        compare.measure(keys)
milliseconds, machine = compare.measured(keys)
frame = overview.overview([card(key) for key in keys], summaries, milliseconds)
rows = state.px(38 + 35 * min(len(frame), 12))
st.dataframe(
    frame, hide_index=True, height=rows, column_config=COLUMNS, placeholder="", key="networks beside each other"
)
for label, ending, form in (("CSV", "csv", "csv"), ("Markdown", "md", "markdown"), ("LaTeX", "tex", "latex")):
    forms.download_button(
        label,
        lambda form=form: overview.written(frame, form, machine),
        file_name=f"networks.{ending}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
st.caption(overview.noted(machine))

printed = [row for row in comparison() if row.path in summaries]
if printed:
    st.markdown("**What an article prints of them, beside the computed**")
    for column, row in zip(st.columns(len(printed)), printed, strict=True):
        column.markdown(overview.printed_lines(row))
    st.markdown(overview.printed_of_others(protocols()))
