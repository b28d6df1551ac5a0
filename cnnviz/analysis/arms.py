"""Which channels of a concatenation come from which of its arms."""

from dataclasses import dataclass

from cnnviz.graph import LayerGraph


@dataclass(frozen=True)
class Arm:
    """One operand of a concatenation along the channels.

    Attributes:
        name: what tells its source's path from those of the other arms.
        source: path of the layer that it ends in.
        first, last: its channels in what is joined, both included.
    """

    name: str
    source: str
    first: int
    last: int


def arms(graph: LayerGraph, path: str) -> tuple[Arm, ...]:
    """The arms that end in a concatenation, in the order of its channels; none for any other layer.

    GoogLeNet's inception3a joins 64, 128, 32 and 32 channels.
    """
    layer, edges = graph.layer(path), graph.incoming(path)
    channels = [edge.shape[0] for edge in edges if edge.shape[1:] == layer.output_shape[1:]]
    if layer.op != "concat" or len(channels) != len(edges) or sum(channels) != layer.output_shape[0]:
        return ()
    found, first = [], 0
    for edge, name, count in zip(edges, _apart([edge.source for edge in edges]), channels, strict=True):
        found.append(Arm(name, edge.source, first, first + count - 1))
        first += count
    return tuple(found)


def _apart(paths: list[str]) -> list[str]:
    """Paths without the blocks that they all lie in."""
    parts = [path.split(".") for path in paths]
    shared = 0
    while all(len(part) > shared + 1 for part in parts) and len({part[shared] for part in parts}) == 1:
        shared += 1
    return [".".join(part[shared:]) for part in parts]
