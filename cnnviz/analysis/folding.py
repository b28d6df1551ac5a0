"""What a reader may take as one: equal blocks in a row, and a convolution with its norm and activation."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from cnnviz.graph import Block, Layer, LayerGraph
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
