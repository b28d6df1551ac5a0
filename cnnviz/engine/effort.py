"""What a forward pass takes, and how much of it is refused beforehand."""

from cnnviz.catalogue import Options, describe
from cnnviz.errors import DeviceUnavailable
from cnnviz.networks import card

MOST_BYTES = 2_000_000_000  # of the maps that a pass holds at once; of a network's weights as much again
MOST_MACS = 500_000_000_000  # half a minute on two quiet cores
_FLOAT32 = 4  # bytes


def check_weights(options: Options) -> None:
    """Refuses a network whose weights this machine couldn't hold; one that was brought has them already.

    Raises:
        DeviceUnavailable: with what they would take.
    """
    size = describe(options).totals.params * _FLOAT32
    if size > MOST_BYTES and not card(options.network).brought:
        raise DeviceUnavailable(
            f"{options.network} has {size / 1e9:.1f} GB of weights with these options, more than the "
            f"{MOST_BYTES / 1e9:.0f} GB that are allowed; use fewer classes."
        )


def check_pass(options: Options, layer: str | None = None, *, batch: int = 1, gradient: bool = False) -> None:
    """Refuses a pass that this machine couldn't hold, or would never end.

    Args:
        layer: where it ends, the last one by default.
        batch: how many pictures it has at once.
        gradient: whether a backward pass follows, for which each map is held; on its way a pass holds two.

    Raises:
        UnknownLayer: the network has no such layer.
        DeviceUnavailable: with what it would take.
    """
    graph = describe(options)
    end = graph.layer(layer) if layer else graph.layers[-1]
    upto = graph.layers[: graph.layers.index(end) + 1]
    sizes = sorted(step.activation_bytes for step in upto)
    held = batch * (2 * sum(sizes) if gradient else sum(sizes[-2:]))
    macs = batch * sum(step.macs for step in upto) * (3 if gradient else 1)
    if held > MOST_BYTES or macs > MOST_MACS:
        raise DeviceUnavailable(
            f"Up to {end.path}, {graph.network} at this size takes {held / 1e9:.1f} GB at once and {macs / 1e9:,.0f} "
            f"billion multiply-accumulates, more than the {MOST_BYTES / 1e9:.0f} GB and {MOST_MACS / 1e9:,.0f} billion "
            "that are allowed; use a smaller size."
        )
