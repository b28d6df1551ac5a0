"""Work that ends while only a small part of the page is drawn anew for it: what stands around it is told."""

from app.components import component

_ended = component("ended", html="<span hidden></span>")


def when_it_is_over(*, key: str) -> None:
    """Draw anew what this stands in, as soon as `it_is_over` is shown within; see `when_a_stroke_ends`."""
    _ended(key=key, data={"tells": False}, height=1, on_over_change=lambda: None)


def it_is_over(*, key: str) -> None:
    """Say so to what stands around."""
    _ended(key=key, data={"tells": True}, height=1)
