"""Side by side: two networks, each with its own selection, and their totals compared."""

import streamlit as st

from app import state
from app.boundary import sentences
from app.panels import graph, layer, network, picture
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.graph import LayerGraph
from cnnviz.networks import card
from cnnviz.views import tables

HEIGHT = 440  # of both graphs, in pixels, whichever way their data runs


def controls(selection: state.Selection, usual: str) -> tuple[Options, LayerGraph]:
    """Which network, with which options."""
    selection.say_what_the_url_has_wrong()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        network.controls(selection, usual)
    return network.graph_or_last_good(selection)


def column(selection: state.Selection, options: Options, layers: LayerGraph, seen: Picture) -> None:
    """One network's graph, and its selected layer."""
    st.markdown(network.heading(card(options.network)))
    graph_place = st.container()
    with st.container(border=True):
        path = layer.control(selection, layers)
        seen = picture.scaled(options, seen)
        layer.card(selection, options, layers, path, seen)
        with sentences():
            picture.received(options, seen, layers.layer(path), 160)
    with graph_place, sentences():
        graph.panel(selection, options, path, HEIGHT)


first, second = state.Selection(), state.Selection("2")
left, right = st.columns(2, gap="medium")
with left:
    options, layers = controls(first, state.first_network())
with right:
    options2, layers2 = controls(second, state.usual_partner(first, second))

left, right = st.columns(2, gap="medium")
with left:
    table = tables.comparison(layers, layers2)
    st.table(table, border="horizontal", hide_index=True, alt="The two networks' totals, compared")
with right:
    st.markdown(tables.comparison_sentence(layers, layers2))
    st.caption(tables.COMPARISON_NOTE)
    seen = picture.choice(options, options2)
    row = st.container(horizontal=True, vertical_alignment="center")
    with row.popover("Fit and scale", icon=":material/aspect_ratio:"):
        picture.adjustments(options, options2)
    together = row.toggle("Together", key="together", bind=state.BOUND, help="A layer picked in one is picked in both.")

state.keep_together(together, (first, second), (layers, layers2))
# a click within a column draws that column alone, unless the other is to follow it
draw = column if together else st.fragment(column)
left, right = st.columns(2, gap="medium")
with left:
    draw(first, options, layers, seen)
with right:
    draw(second, options2, layers2, seen)
