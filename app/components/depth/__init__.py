"""Every layer's statistics over the depth of a network, in one chart: the selected layer is marked, a click picks one.

It is drawn once and sent once: at a pick only its mark moves.
"""

from collections.abc import Iterable

from app.components import component
from cnnviz.activations.statistics import Statistics

_chart = component("depth")


def over_depth(layers: Iterable[Statistics], *, selection: str, key: str) -> None:
    """Draw the spread and the mean of every layer's values, above its shares of zeros and of dead channels.

    The upper axis is logarithmic: a signal that fades or explodes is a line that falls or rises. A layer that gives the
    same value everywhere has no place on it: a cross at the bottom marks it.

    Args:
        layers: in the order of the forward pass.
        selection: name of the selection that it shows, and whose layer a click picks.
    """
    rows = [
        {
            "path": layer.path,
            "what": f"{layer.op}, {' × '.join(map(str, layer.shape))}",
            "mean": _brief(layer.mean),
            "deviation": _brief(layer.deviation),
            "low": _brief(layer.low),
            "high": _brief(layer.high),
            "zeros": _brief(layer.zeros),
            "dead": layer.dead,
            "channels": layer.shape[0] if layer.shape else 1,
        }
        for layer in layers
    ]
    _chart(key=key, data={"selection": selection, "layers": rows})


def _brief(value: float) -> float:
    """No more digits than a chart shows."""
    return float(f"{value:.3g}")
