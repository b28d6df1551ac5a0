"""What a lecturer does with a page beyond looking; it is the same on every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import streamlit as st

from app import state
from app.components.lecture import CORNER, corner, type_size
from app.components.share import share_link
from cnnviz.addresses import is_loopback, link, own_addresses
from cnnviz.views.qr import qr_code


@contextmanager
def controls(page: str) -> Iterator[None]:
    """The popover in the header, around the page: the link to its place is known when it is finished.

    Args:
        page: its path in the URL, "" for the first.
    """
    state.come_to(page)
    corner()
    with st.container(key=CORNER, horizontal=True):
        popover = st.popover(
            "Lecture", icon=":material/co_present:", type="tertiary", key="lecture popover", on_change="rerun"
        )
        with popover:
            projector = st.toggle("Projector", key="projector", bind=state.BOUND, help="Larger type, on every page.")
            if page == "":
                st.toggle(
                    "What do you expect?",
                    key="expect",
                    bind=state.BOUND,
                    on_change=state.hide_all,
                    help="Hides what is computed: totals, table and graph, each layer's card. A button shows each.",
                )
        size = type_size(state.PROJECTOR if projector else 1)  # outside, as what is closed isn't there
    st.session_state["type size"] = size
    with st.container(key=f"page at {size:g}"):  # another one: what has measured the page's type is made anew
        yield
    if popover.open:  # a code takes a moment, and nobody sees it before
        with popover.container(width=state.px(320)):
            share(page)


def share(page: str) -> None:
    """The link to just this place, and its QR code for the room's phones."""
    url = st.context.url
    if not url:
        return
    address, why_not = address_for_phones(url)
    shown = link(url, state.place(page), address)
    share_link(shown, None if why_not else qr_code(shown), key="share")
    if why_not:
        st.caption(f"No phone can open it: {why_not}")
    if page == "" and state.own():
        st.caption(f"Your own picture doesn't travel along: others see '{state.sample()}'.")
    if state.own_weights_on(page):
        st.caption("Your own weights don't travel along: others see what they have.")


def address_for_phones(url: str) -> tuple[str | None, str]:
    """What has to stand in a URL instead of localhost (None: nothing), and why no phone can open it ("": it can)."""
    if not is_loopback(urlsplit(url).hostname or ""):
        return None, ""
    if is_loopback(st.get_option("server.address") or ""):
        return None, "this server answers on this machine only. 'cnnviz app' starts one for all."
    known = own_addresses()
    if not known:
        return None, "this machine has no address in a network. Connect it to the room's Wi-Fi."
    if len(known) == 1:
        return known[0], ""
    return st.selectbox("This machine's address in the room's network", known, key="address"), ""


def show_button(place: str, what: object) -> None:
    """The button that shows the numbers of a place on the page, where they are hidden."""
    if state.hidden(place, what):
        st.button(
            "Show",
            icon=":material/visibility:",
            key=f"show {place}",
            on_click=state.reveal,
            args=(place, what),
            help="What is computed here.",
        )
