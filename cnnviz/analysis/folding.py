"""What a reader may take as one: equal blocks in a row, a block, and a convolution with its norm and activation."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from cnnviz.graph import Block, Edge, Layer, LayerGraph
from cnnviz.vocabulary import ACTIVATIONS


@dataclass(frozen=True)
class Fold:
    """Two or more sibling blocks in a row that are equal but for their names.

    Attributes:
        blocks: their paths, in the order of the data.
        repeated: whether it is one module, applied again and again, and not several of equal shape.
    """

    blocks: tuple[str, ...]
    repeated: bool


def folds(graph: LayerGraph) -> tuple[Fold, ...]:
    """The runs of equal blocks of a graph, outer ones before the inner ones that they hold.

    Blocks are equal when their layers are, in relative paths, operations, hyperparameters and shapes, and the
    edges among them; they are in a row when all that leaves one enters the next, and nothing else does.
    ResNet-152's layer3.1 to layer3.35 are 35.
    """
    inside = {block.path: frozenset(block.layers) for block in graph.blocks}
    found = []
    for _, siblings in groupby(sorted(graph.blocks, key=_parent), key=_parent):
        run: list[Block] = []
        for block in siblings:
            if run and not (
                _signature(graph, run[-1]) == _signature(graph, block)
                and _follows(graph, inside[run[-1].path], inside[block.path])
            ):
                found += _fold(run)
                run = []
            run.append(block)
        found += _fold(run)
    order = {block.path: number for number, block in enumerate(graph.blocks)}
    return tuple(sorted(found, key=lambda fold: order[fold.blocks[0]]))


def outline(graph: LayerGraph, most_edges: int = 100) -> tuple[LayerGraph, dict[str, str]]:
    """A graph in which blocks are single layers, for networks too large to be drawn, and where each layer went.

    The innermost blocks are taken if so few edges are left, else those around them, and so on out; layers outside of
    them stay. A block's op is `block`, its hyperparameter `kind` the block's.

    Returns:
        The graph, without blocks, and for each layer that is in one its path.
    """
    homes = _homes(graph)
    levels = range(max(map(len, homes.values()), default=0), 0, -1)
    shown = graph, dict[str, str]()
    for level in levels:
        shown = _contracted(graph, {path: home[level - 1] for path, home in homes.items() if len(home) >= level})
        if len(shown[0].edges) <= most_edges:
            break
    return shown


def _homes(graph: LayerGraph) -> dict[str, list[str]]:
    """The blocks around each layer, outer ones first."""
    homes: dict[str, list[str]] = {layer.path: [] for layer in graph.layers}
    for block in sorted(graph.blocks, key=lambda block: -len(block.layers)):
        for path in block.layers:
            homes[path].append(block.path)
    return homes


def _contracted(graph: LayerGraph, inside: dict[str, str]) -> tuple[LayerGraph, dict[str, str]]:
    # a block's layers follow each other in the forward pass, so that this makes no loop
    parts: dict[str, list[Layer]] = {}
    for layer in graph.layers:
        parts.setdefault(inside.get(layer.path, layer.path), []).append(layer)
    edges: dict[tuple[str, str], Edge] = {}
    for edge in graph.edges:
        source, target = (inside.get(path, path) for path in (edge.source, edge.target))
        if source != target:
            role = "main" if edge.target in inside else edge.role
            edges.setdefault((source, target), Edge(source, target, edge.shape, role))
    kinds = {block.path: block.kind for block in graph.blocks}
    layers = tuple(
        Layer(
            path=path,
            op="block",
            hyperparameters=(("kind", kinds[path]),),
            input_shapes=tuple(edge.shape for (_, target), edge in edges.items() if target == path),
            output_shape=next((e.shape for (source, _), e in edges.items() if source == path), held[-1].output_shape),
            params=sum(layer.params for layer in held),
            trainable_params=sum(layer.trainable_params for layer in held),
            macs=sum(layer.macs for layer in held),
            receptive_field=held[-1].receptive_field,
        )
        if path in kinds
        else held[0]
        for path, held in parts.items()
    )
    return replace(graph, layers=layers, edges=tuple(edges.values()), blocks=()), inside


def chains(graph: LayerGraph) -> Iterator[tuple[Layer, ...]]:
    """The layers of a graph, each with the norm and the activation that follow it alone: (conv, batchnorm, relu).

    A chain stays within one block and has no other way in or out; most are single layers.
    """
    taken: set[str] = set()
    for layer in graph.layers:
        if layer.path in taken:
            continue
        chain = [layer]
        if layer.op in ("conv", "convtranspose", "linear", "add", "batchnorm"):
            for wanted in ({"batchnorm"}, ACTIVATIONS):
                after = graph.outgoing(chain[-1].path)
                if len(after) != 1 or after[0].role != "main":
                    continue
                follower = graph.layer(after[0].target)
                if (
                    follower.op in wanted
                    and len(graph.incoming(follower.path)) == 1
                    and _parent_of(follower.path) == _parent_of(layer.path)
                ):
                    chain.append(follower)
        taken |= {link.path for link in chain}
        yield tuple(chain)


def _fold(run: list[Block]) -> list[Fold]:
    if len(run) < 2:
        return []
    repeated = len({block.path.partition("#")[0] for block in run}) == 1
    return [Fold(tuple(block.path for block in run), repeated)]


def _follows(graph: LayerGraph, first: frozenset[str], second: frozenset[str]) -> bool:
    leaving = [edge.target in second for path in first for edge in graph.outgoing(path) if edge.target not in first]
    entering = [edge.source in first for path in second for edge in graph.incoming(path) if edge.source not in second]
    return all(leaving) and all(entering)


def _signature(graph: LayerGraph, block: Block) -> tuple[object, ...]:
    inside = frozenset(block.layers)
    layers = [graph.layer(path) for path in block.layers]
    start = len(block.path)
    return (
        block.kind,
        tuple(
            (layer.path[start:], layer.op, layer.hyperparameters, layer.input_shapes, layer.output_shape)
            for layer in layers
        ),
        tuple(
            (edge.source[start:], edge.target[start:], edge.shape, edge.role)
            for layer in layers
            for edge in graph.incoming(layer.path)
            if edge.source in inside
        ),
    )


def _parent(block: Block) -> str:
    return _parent_of(block.path)


def _parent_of(path: str) -> str:
    return path.rpartition(".")[0]
