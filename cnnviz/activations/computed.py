"""How one number of a feature map was computed."""

from collections.abc import Sequence

from torch import Tensor, nn

from cnnviz.activations.apart import parts_of
from cnnviz.activations.capture import capture
from cnnviz.activations.parts import Computed, Moved, Parts
from cnnviz.activations.reading import SPLITS, Maps, Reading
from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.graph import LayerGraph
from cnnviz.operations import by_name
from cnnviz.program import Program
from cnnviz.recorder import follow, uncompiled
from cnnviz.trace import trace


def needed(graph: LayerGraph, path: str) -> tuple[str, ...]:
    """The layers whose maps `computed` reads for one layer: itself and what enters it, in the order of the pass.

    Raises:
        UnknownLayer: the graph has no such path.
    """
    wanted = {graph.layer(path).path}
    for edge in graph.incoming(path):
        wanted.add(edge.source)
        if graph.layer(edge.source).op in SPLITS:  # of what it gives only the first part is recorded
            wanted |= {before.source for before in graph.incoming(edge.source)}
    return tuple(layer.path for layer in graph.layers if layer.path in wanted)


def computed(
    module: nn.Module, graph: LayerGraph, maps: Maps, path: str, place: Sequence[int], program: Program | None = None
) -> Computed:
    """How a layer came to one number of its output, from maps that were captured; no forward pass is run.

    Args:
        module: in the mode and with the weights that the maps were captured with.
        graph: the module's, at the size of the maps.
        maps: those of `needed(graph, path)` at least, as tensors or arrays, with the batch or without.
        path: the layer.
        place: (channel, row, column), or (unit,) of a vector.
        program: of `follow(module, (1, *graph.input_shape))`, where it is at hand; it takes up to 40 ms.

    Returns:
        The number and its parts; `parts.Closed` for an operation that isn't taken apart, and says why.

    Raises:
        UnknownLayer: the graph has no such path.
        BadOption: the place lies outside the layer's output, or maps are missing or of another size.
    """
    layer = graph.layer(path)
    place = tuple(int(at) for at in place)
    shape = layer.output_shape
    if len(place) != len(shape) or not all(0 <= at < size for at, size in zip(place, shape, strict=True)):
        raise BadOption(f"{path} gives {by_name(shape)}, which has no place {place}: count from 0, one number an axis.")
    module = uncompiled(module)
    program = program or follow(module, (1, *graph.input_shape))
    if path not in program.places:
        raise UnknownLayer(path, program.places)
    reading = Reading(module, graph, program, maps, path, place)
    parts: Parts
    if layer.op == "output":
        parts = Moved(graph.incoming(path)[0].source, place, reading.number(reading.ref, reading.index))
    else:
        parts = parts_of(reading)
    return Computed(path, layer.op, place, reading.own(), parts)


def computed_for(module: nn.Module, x: Tensor, path: str, place: Sequence[int]) -> Computed:
    """As `computed`, for an input (1, C, H, W): runs the forward pass up to the layer.

    Raises:
        Untraceable, ShapeMismatch: as `trace`; and as `computed`.
    """
    graph = trace(module, tuple(x.shape[1:]))
    return computed(module, graph, capture(module, x, needed(graph, path)), path, place)
