"""A search box for the layers of a network: it shows the selected one, and picks what is found.

Streamlit's own select box would send all layers again at every click.
"""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_search = st.components.v2.component(
    "cnnviz.search",
    html=(_HERE / "search.html").read_text(encoding="utf-8"),
    css=(_HERE / "search.css").read_text(encoding="utf-8"),
    js=(_HERE / "search.js").read_text(encoding="utf-8"),
)


def layer_search(layers: Sequence[tuple[str, str]], *, selection: str, key: str) -> None:
    """Offer layers, each by its path and its title.

    Args:
        selection: name of the selection that it shows, and whose layer it picks.
    """
    _search(key=key, data={"selection": selection, "layers": [list(layer) for layer in layers]})
