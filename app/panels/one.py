"""One channel large, over the picture; and of one of its places, what it sees and how its number was computed."""

import streamlit as st

from app import cache, state
from app.components.card import worked_number
from app.components.over import over_picture
from app.panels.lecture import show_button
from app.panels.seen import Seen
from app.panels.waiting import waiting
from cnnviz.activations.field import FAINT, extent
from cnnviz.activations.overlay import Heat, channel_over, shares
from cnnviz.activations.pictures import Maps
from cnnviz.engine.local import Result
from cnnviz.views import tables
from cnnviz.views.drawing import by_sign
from cnnviz.views.worked import worked


def channel_large(seen: Seen, result: Result, drawn: Maps, channel: int) -> None:
    """The channel over the picture beside its numbers, and below what is known of the place that is chosen."""
    selection = seen.selection
    at = selection.place_of(seen.layer)
    place = (channel, *at) if at else None
    large, beside = st.columns([1, 1] if state.projector() else [3, 2])
    with beside:
        st.markdown(f"**Channel {channel}**")
        st.dataframe(tables.statistics(result.maps[channel]), hide_index=True)
        heat = effective_field(seen, place)
    with large:
        over_picture(
            channel_over(result.maps, drawn, channel, seen.graph.laid_over(seen.path)),
            size=seen.size,
            name=f"channel {channel} of {seen.path} over the picture",
            selection=selection.name,
            layer=seen.path,
            heat=heat,
            key=selection.key("large"),
            on_place=lambda: selection.pick_place(selection.get("large").place),
        )
    if place:
        number(seen, place)
    else:
        st.caption("Click a place in it to see how its number was computed.")


def effective_field(seen: Seen, place: tuple[int, int, int] | None) -> Heat | None:
    """What the place sees of the picture, in words; and how much each pixel weighs, where that is asked for."""
    if place is None or seen.guessed:
        return None
    window = seen.graph.seen_by(seen.path, place)
    field = seen.layer.receptive_field
    inside = by_sign((window[2] - window[0], window[3] - window[1]))
    whole = f"{by_sign(field.size)} pixels" if field else "the whole picture"
    clipped = f", {inside} of them within the picture" if field and field.size != _sides(window) else ""
    st.caption(f"It sees {whole}{clipped}: the frame.")
    if not st.toggle("Effective field", key=seen.selection.key("effective"), help="How much each pixel weighs in it."):
        return None
    with waiting("Following the gradient back …") as on_wait:
        strength = cache.shared_studio().field(seen.subject, seen.path, place, on_wait=on_wait).value
    sides = by_sign(_sides(extent(strength)))
    st.caption(
        f"What weighs more than {100 * FAINT:.1f} % of the strongest pixel lies within {sides}."
        if strength.any()
        else "No pixel weighs anything: a ReLU on the way is off."
    )
    return shares(strength)


def _sides(window: tuple[int, int, int, int]) -> tuple[int, int]:
    return window[2] - window[0], window[3] - window[1]


def number(seen: Seen, place: tuple[int, ...]) -> None:
    """How a number came about."""
    where = f"channel {place[0]}, row {place[1]}, column {place[2]}" if len(place) == 3 else f"unit {place[0]}"
    with waiting("Taking it apart …") as on_wait:
        computed = cache.shared_studio().number(seen.subject, seen.path, place, on_wait=on_wait).value
    value = f"{computed.captured:.6g}".replace("-", "−")
    st.markdown(f"**{value}** at {where} of {seen.path}: how it was computed")
    if seen.guessed:
        show_button("layer", (seen.graph, seen.path))
        return
    worked_number(worked(computed), key=seen.selection.key("worked"))
