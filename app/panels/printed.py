"""Which printed table is looked at, and which of its cells."""

import streamlit as st

from app import state
from cnnviz.against import tables
from cnnviz.networks import card

FIRST_TABLE = "googlenet"  # the one with most to find


def network() -> str:
    """The control for the network whose printed table is shown: the selection's, where it has one."""
    known = list(tables())
    asked, now = st.query_params.get("network"), st.session_state.get("network")
    if asked and asked not in known and not now:
        st.warning(f"No table of '{asked[:60]}' is printed; there are those of {', '.join(known)}.")
    if now and now not in known:
        usual = card(now).printed
        st.session_state.network = usual if usual in known else FIRST_TABLE
        state.Selection().network_changed()
    return str(
        st.segmented_control(
            "Network",
            known,
            default=FIRST_TABLE,
            required=True,
            key="network",
            bind=state.BOUND,
            on_change=_table_changed,
        )
    )


def _table_changed() -> None:
    state.Selection().network_changed()
    st.query_params.pop("cell", None)


def pick_cell(cell: str | None) -> None:
    """Have the URL name a cell of a printed table."""
    if cell:
        st.query_params["cell"] = cell


def only_differing() -> bool:
    """Whether only rows that differ are shown, as the URL says where that is news."""
    return show_only_differing(str(state.followed("differing")).lower() == "true")


def show_only_differing(only: object) -> bool:
    """Have session and URL say whether they are."""
    only = st.session_state["differing"] = only is True
    state.write("differing", only or None)
    return only


def picked_at_first(place: str) -> str | None:
    """The cell that the URL named when a table was first shown; later ones are marked where they are picked."""
    if st.session_state.get("printed at") != place:
        st.session_state["printed at"] = place
        st.session_state["cell at first"] = st.query_params.get("cell")
    return st.session_state["cell at first"]
