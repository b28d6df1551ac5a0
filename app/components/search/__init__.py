"""A search box for the layers of a network: it shows the selected one, and picks what is found.

Streamlit's own select box would send all layers again at every click.
"""

from collections.abc import Sequence

from app.components import component

_search = component("search")


def layer_search(layers: Sequence[tuple[str, str]], *, selection: str, key: str) -> None:
    """Offer layers, each by its path and its title.

    Args:
        selection: name of the selection that it shows, and whose layer it picks.
    """
    _search(key=key, data={"selection": selection, "layers": [list(layer) for layer in layers]})
