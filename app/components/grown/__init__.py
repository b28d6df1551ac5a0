"""The window that a unit sees, layer by layer: a slider scrubs it, a button lets it grow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_grown = st.components.v2.component(
    "cnnviz.grown",
    html=(_HERE / "grown.html").read_text(encoding="utf-8"),
    css=(_HERE / "grown.css").read_text(encoding="utf-8"),
    js=(_HERE / "grown.js").read_text(encoding="utf-8"),
)


def growing_windows(chains: Sequence[dict[str, Any]], *, key: str) -> None:
    """Show what a unit of each chain sees after none of its layers, after one, and so on; at first after all.

    Args:
        chains: as `lessons_kernels.grown` gives them.
    """
    _grown(key=key, data={"chains": list(chains)})
