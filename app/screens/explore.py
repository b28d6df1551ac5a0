"""Explore: a network's graph and table, and what any of its layers sees in a picture."""

import streamlit as st

from app import cache, early, state
from app.boundary import sentences
from app.panels import graph, layer, network, picture, table
from cnnviz.catalogue import Options
from cnnviz.networks import card

selection = state.Selection()
selection.open_link()
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
    above, below = st.container(), st.container()
    if state.draws(options):  # a pad is drawn on; the graph is looked at
        above, below = below, above
    with above, sentences():
        drawn = graph.panel(selection, options)
    with below, st.container(border=True), sentences():
        seen = picture.panel(selection, options)
with right:
    with sentences():
        table.panel(selection, options, layers)
    layer.panel(selection, options, layers, drawn, seen)

if options == Options(options.network) and not card(options.network).brought:
    plain = cache.Look(unfolded=(), direction="TB", colour="kind", numbers=True)
    early.keep(
        options.network,
        table.columns(),
        lambda: (cache.svg_of(options, plain)[1], cache.rows_of(options, table.COLUMNS, asked=False)),
    )
