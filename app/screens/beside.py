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
    selection.open_link()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        network.controls(selection, usual)
    return network.graph_or_last_good(selection)


def column(selection: state.Selection, options: Options, layers: LayerGraph, seen: Picture, together: bool) -> None:
    """One network's graph, how it receives the picture, and its selected layer."""
    st.markdown(network.heading(card(options.network)))
    seen = picture.scaled(options, seen)
    drawn = None
    with sentences():
        drawn = graph.panel(selection, options, HEIGHT)
    with sentences():
        picture.received(selection, options, seen, 160)
    layer.panel(selection, options, layers, drawn, seen, alone=not together)


first, second = state.Selection(), state.Selection("2")
left, right = st.columns(2, gap="medium")
with left:
    options, layers = controls(first, state.first_network())
with right:
    options2, layers2 = controls(second, state.usual_partner(first, second))

told = tables.comparison_sentence(layers, layers2)
st.markdown(f"{told} **Where do they differ, and what does each see?**".strip())
left, right = st.columns(2, gap="medium")
with left:
    table = tables.comparison(layers, layers2)
    st.table(table, border="horizontal", hide_index=True, alt="The two networks' totals, compared")
with right:
    st.caption(tables.COMPARISON_NOTE)
    seen = picture.choice(options, options2)
    row = st.container(horizontal=True, vertical_alignment="center")
    with row.popover("Fit and scale", icon=":material/aspect_ratio:"):
        picture.adjustments(options, options2)
    together = row.toggle("Together", key="together", bind=state.BOUND, help="A layer picked in one is picked in both.")

state.keep_together(together, (first, second), (layers, layers2))
left, right = st.columns(2, gap="medium")
with left:
    column(first, options, layers, seen, together)
with right:
    column(second, options2, layers2, seen, together)
