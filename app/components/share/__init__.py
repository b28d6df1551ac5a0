"""A link to this place: as a QR code, small or over the whole screen, and as text that can be copied."""

from app.components import component

_link = component("share")


def share_link(link: str, code: str | None, *, key: str) -> None:
    """Show a link that can be copied, and its QR code where there is one.

    Args:
        code: an SVG; None where no phone could follow the link.
    """
    _link(key=key, data={"link": link, "code": code})
