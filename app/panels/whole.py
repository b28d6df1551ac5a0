"""What every layer makes of the picture, in one chart: where the signal grows, fades and dies."""

import streamlit as st

from app import cache, state
from app.panels.lecture import show_button
from app.panels.seen import Seen, behind
from app.panels.waiting import waiting
from cnnviz.views import figures
from cnnviz.views.signals import statistics_over_depth


def panel(seen: Seen) -> None:
    """The statistics of all layers, the selected one marked; hidden while they are to be guessed."""
    if seen.subject is None:
        return
    place = (*seen.subject.key,)
    if state.hidden("whole", place):
        st.markdown("**Where does the signal fade, and where does it die?**")
        show_button("whole", place)
        return
    with waiting(f"Running {seen.options.network} …") as on_wait:
        found = cache.shared_studio().statistics(seen.subject, on_wait=on_wait)
    behind(found, "this is what random filters make of the picture.")
    layers = found.value
    chart = statistics_over_depth(layers, seen.path)
    st.plotly_chart(figures.enlarged(chart, state.type_size()), key=seen.selection.key("whole"))
    own = next((layer for layer in layers if layer.path == seen.path), None)
    if own:
        st.markdown(
            f"**{own.path}**: mean {own.mean:.3g}, standard deviation {own.deviation:.3g}, {own.zeros:.1%} zeros, "
            f"{own.dead_share:.1%} of its channels dead."
        )
    st.caption("Dead is a channel with one value everywhere. Each layer is said on hover; select one to mark it.")
