"""What a page says while the engine is at work for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


@contextmanager
def waiting(what: str) -> Iterator[Callable[[int], None]]:
    """Says what is done, and how many passes come first; a visitor who goes elsewhere meanwhile leaves the queue.

    Gives the `on_wait` that the engine asks for.
    """
    places: list[DeltaGenerator] = []

    def on_wait(position: int) -> None:
        if not places:
            places.append(st.empty())
        if position:
            places[0].caption(f"{position} {'picture comes' if position == 1 else 'pictures come'} first.")
        else:
            places[0].empty()  # a word to the page all the same, as that is where Streamlit ends a run

    with st.spinner(what, show_time=True):
        try:
            yield on_wait
        finally:
            for place in places:
                place.empty()
