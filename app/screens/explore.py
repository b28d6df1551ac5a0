"""Explore: a network's graph and table, and what any of its layers sees in a picture."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.panels import graph, layer, network, picture, table
from cnnviz.networks import card

state.say_what_the_url_has_wrong()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    network.controls()
    numbers = st.container(horizontal=True, gap="small", width=585)
options, layers = network.graph_or_last_good(state.options())
with numbers:
    network.totals(layers)
network.card_line(card(options.network))

left, right = st.columns([10, 13], gap="medium")
with left:
    graph_place, picture_place = st.container(), st.container(border=True)
with right:
    table_place, layer_place = st.container(), st.container(border=True)
with layer_place:
    path = layer.control(layers)
    sees_place, numbers_place = st.tabs(["What it sees", "Its numbers"])
with graph_place, sentences():
    graph.panel(options, path)
with table_place, sentences():
    table.panel(options, layers)
with picture_place, sentences():
    seen = picture.panel(options)
    with sees_place, sentences():
        layer.maps(options, layers, path, seen)
with numbers_place, sentences():
    layer.numbers(layers, path)
