"""Explore: a network's graph and table, and what any of its layers sees in a picture."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.panels import graph, layer, network, picture, table
from cnnviz.networks import card

selection = state.Selection()
selection.say_what_the_url_has_wrong()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    network.controls(selection)
    numbers = st.container(horizontal=True, vertical_alignment="bottom", gap="small", width=state.px(585))
options, layers = network.graph_or_last_good(selection)
with numbers:
    network.totals(layers)
network.card_line(card(options.network))

left, right = st.columns([10, 13], gap="medium")
with left:
    graph_place, picture_place = st.container(), st.container(border=True)
with right:
    table_place, layer_place = st.container(), st.container(border=True)
with layer_place:
    path = layer.control(selection, layers)
with graph_place, sentences():
    graph.panel(selection, options, path)
with table_place, sentences():
    table.panel(selection, options, layers)
seen = None
with picture_place, sentences():
    seen = picture.panel(options, layers.layer(path))
with layer_place:
    layer.card(selection, options, layers, path, seen)
