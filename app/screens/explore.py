"""Explore: a network's graph and table, and what any of its layers sees in a picture."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.panels import graph, layer, network, picture, table
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.graph import LayerGraph
from cnnviz.networks import card
from cnnviz.views.drawing import Drawing


@st.fragment  # what a click changes: all else on the page is drawn once, and follows by itself
def selected(
    selection: state.Selection, options: Options, layers: LayerGraph, drawn: Drawing | None, seen: Picture | None
) -> None:
    """The layer that is selected, and its card."""
    with st.container(border=True):
        path = layer.control(selection, layers)
        layer.card(selection, options, layers, path, seen)
        layer.link(selection, options, layers, drawn, path)


selection = state.Selection()
selection.say_what_the_url_has_wrong()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    network.controls(selection)
    numbers = st.container(horizontal=True, vertical_alignment="bottom", gap="small", width=state.px(585))
options, layers = network.graph_or_last_good(selection)
with numbers:
    network.totals(layers)
network.card_line(card(options.network))

drawn = seen = None
left, right = st.columns([10, 13], gap="medium")
with left:
    with sentences():
        drawn = graph.panel(selection, options)
    with st.container(border=True), sentences():
        seen = picture.panel(selection, options)
with right:
    with sentences():
        table.panel(selection, options, layers)
    selected(selection, options, layers, drawn, seen)
