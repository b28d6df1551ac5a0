"""What every layer makes of the picture, in one chart: where the signal grows, fades and dies."""

import streamlit as st

from app import cache, state
from app.components.depth import over_depth
from app.panels.lecture import show_button
from app.panels.seen import Seen, behind
from app.panels.waiting import waiting


def panel(seen: Seen) -> None:
    """The statistics of all layers; hidden while they are to be guessed."""
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
    over_depth(found.value, selection=seen.selection.name, key=seen.selection.key("whole"))
    st.caption("Dead is a channel with one value everywhere.")
