"""A link to this place: as a QR code, small or over the whole screen, and as text that can be copied."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_link = st.components.v2.component(
    "cnnviz.share",
    html=(_HERE / "share.html").read_text(encoding="utf-8"),
    css=(_HERE / "share.css").read_text(encoding="utf-8"),
    js=(_HERE / "share.js").read_text(encoding="utf-8"),
)


def share_link(link: str, code: str | None, *, key: str) -> None:
    """Show a link that can be copied, and its QR code where there is one.

    Args:
        code: an SVG; None where no phone could follow the link.
    """
    _link(key=key, data={"link": link, "code": code})
