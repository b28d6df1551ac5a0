"""The window that a unit sees, layer by layer: a slider scrubs it, a button lets it grow."""

from collections.abc import Sequence
from typing import Any

from app.components import component

_grown = component("grown")


def growing_windows(chains: Sequence[dict[str, Any]], *, key: str) -> None:
    """Show what a unit of each chain sees after none of its layers, after one, and so on; at first after all.

    Args:
        chains: as `lessons_kernels.grown` gives them.
    """
    _grown(key=key, data={"chains": list(chains)})
