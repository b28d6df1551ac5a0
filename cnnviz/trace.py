"""Any nn.Module and an input shape -> LayerGraph."""

from collections import defaultdict
from collections.abc import Mapping

from torch import nn

from cnnviz.analysis.cost import multiply_accumulates
from cnnviz.analysis.receptive import receptive_field_after
from cnnviz.analysis.roles import JOINS, arms_of, immediate_dominators, roles
from cnnviz.errors import BadOption
from cnnviz.graph import Block, Edge, Layer, LayerGraph, ReceptiveField, Role, Shape
from cnnviz.operations import Operation
from cnnviz.program import Program, Ref
from cnnviz.recorder import follow, name_of, uncompiled


def trace(module: nn.Module, input_shape: Shape, *, network: str | None = None) -> LayerGraph:
    """The layer graph of a module for one input size, without computing or holding a single value.

    Follows the module's own forward, so that it holds for any module whose control flow depends at
    most on shapes. Can be called from several threads at once, beside running forward passes.

    Args:
        module: on any device, the meta device included; it is not changed.
        input_shape: (channels, height, width), without the batch.
        network: the name in the graph; by default the catalogue's, or the class's.

    Raises:
        Untraceable: the forward can't be followed; says where and why.
        ShapeMismatch: the input doesn't fit a layer; says which, what it got, what it needs.
    """
    if not input_shape or any(not isinstance(n, int) or n < 1 for n in input_shape):
        raise BadOption(
            f"The input shape {tuple(input_shape)} was given, but each of its numbers must be at least 1, "
            f"as in (3, 224, 224)."
        )
    module = uncompiled(module)
    program = follow(module, (1, *input_shape))
    return _assembled(program, module, tuple(input_shape), network or name_of(module))


def _assembled(program: Program, module: nn.Module, input_shape: Shape, network: str) -> LayerGraph:
    nodes, sources = _visible(program)
    paths = {number: path for number, (path, _) in nodes.items()}
    ops = {path: operation.op for path, operation in nodes.values()}
    shapes = {
        number: _without_batch(next(iter(program.steps[number].shapes.values())))
        if number < len(program.steps)
        else _shape(program, sources[number][0])
        for number in nodes
    }
    by_path = {paths[number]: [paths[ref.step] for ref in refs] for number, refs in sources.items()}
    dominators = immediate_dominators(by_path)

    parameters = dict(module.named_parameters(remove_duplicate=False))
    counted: dict[int, str] = {}  # id of a parameter -> path of the layer that it was counted for
    fields: dict[int, ReceptiveField | None] = {}
    layers, edges = [], []
    for number, (path, operation) in nodes.items():
        incoming = [_shape(program, ref) for ref in sources[number]]
        fields[number] = receptive_field_after(
            operation.op,
            operation.hyperparameters,
            incoming,
            shapes[number],
            [fields[ref.step] for ref in sources[number]],
        )
        own, shared = [], None
        for name in program.steps[number].parameters if number < len(program.steps) else ():
            if name not in parameters:
                continue  # a buffer
            shared = shared or counted.get(id(parameters[name]))
            if id(parameters[name]) not in counted:
                own.append(parameters[name])
        counted.update({id(p): path for p in own})
        layers.append(
            Layer(
                path=path,
                op=operation.op,
                hyperparameters=tuple(operation.hyperparameters.items()),
                input_shapes=tuple(incoming),
                output_shape=shapes[number],
                params=sum(p.numel() for p in own),
                trainable_params=sum(p.numel() for p in own if p.requires_grad),
                macs=multiply_accumulates(
                    operation.op,
                    operation.hyperparameters,
                    incoming[0] if incoming else (),
                    shapes[number],
                ),
                receptive_field=fields[number],
                shared_with=shared,
            )
        )
        arriving: list[Role] = ["main"] * len(incoming)
        if operation.op in JOINS and len(incoming) > 1:
            arms = arms_of(path, dominators[path], by_path, ops)
            arriving = roles(operation.op, arms, incoming, shapes[number])
        edges += [
            Edge(source=paths[ref.step], target=path, shape=shape, role=role)
            for ref, shape, role in zip(sources[number], incoming, arriving, strict=True)
        ]
    homes = {paths[number]: _home(program, number) for number in nodes}
    return LayerGraph(
        network=network,
        input_shape=input_shape,
        layers=tuple(layers),
        edges=tuple(edges),
        blocks=_blocks(program.blocks, homes, ops, edges),
        unused=tuple((name, p.numel()) for name, p in module.named_parameters() if id(p) not in counted),
    )


def _visible(program: Program) -> tuple[dict[int, tuple[str, Operation]], dict[int, list[Ref]]]:
    """The steps that a reader would call layers, and what each reads; outputs are numbered after the steps.

    Left out is what no output depends on, what doesn't depend on the input, and what only passes
    a tensor on (detach, contiguous).
    """

    nodes: dict[int, tuple[str, Operation]] = {}
    sources: dict[int, list[Ref]] = {}
    ahead: list[int] = []
    for number, (path, ref) in enumerate(program.outputs.items(), start=len(program.steps)):
        nodes[number] = (path, Operation("output"))
        sources[number] = [program.origin(ref)]
        ahead.append(program.origin(ref).step)
    while ahead:
        number = ahead.pop()
        if number in nodes:
            continue
        step = program.steps[number]
        nodes[number] = (step.path, step.operation)
        sources[number] = [program.origin(ref) for ref in step.inputs if program.steps[ref.step].live]
        ahead += [ref.step for ref in sources[number]]
    return dict(sorted(nodes.items())), {number: sources[number] for number in sorted(nodes)}


def _shape(program: Program, ref: Ref) -> Shape:
    return _without_batch(program.steps[ref.step].shapes[ref.index])


def _without_batch(shape: Shape) -> Shape:
    """A shape of the one picture that is followed; where a forward has put other things first, they stay."""
    return tuple(shape[1:]) if shape[:1] == (1,) else tuple(shape)


def _home(program: Program, number: int) -> str:
    return program.steps[number].block if number < len(program.steps) else ""


def _blocks(
    called: list[str], homes: Mapping[str, str], ops: Mapping[str, str], edges: list[Edge]
) -> tuple[Block, ...]:
    """The modules that were followed into and hold visible layers, outermost first, with their kind."""
    held: dict[str, list[str]] = defaultdict(list)
    joins: dict[str, list[str]] = defaultdict(list)
    known = set(called)
    arriving: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        arriving[edge.target].append(edge)
    for path, home in homes.items():
        join = ops[path] in JOINS and len(arriving[path]) > 1
        block = home
        while block:
            held[block].append(path)
            if join:
                joins[block].append(path)
            block = _parent(block, known)

    def kind(block: str) -> str:
        own = [path for path in joins[block] if homes[path] == block]
        if any(edge.role in ("identity", "projection") for path in own for edge in arriving[path]):
            return "residual"
        concats = [path for path in own if ops[path] == "concat"]
        if concats:
            inside = set(held[block])
            passed = any(edge.source not in inside for path in concats for edge in arriving[path])
            return "dense" if passed else "inception"
        if any(edge.role == "gate" for path in own for edge in arriving[path]):
            return "gated"
        return "stage" if joins[block] else "sequence"

    return tuple(Block(path=block, kind=kind(block), layers=tuple(held[block])) for block in called if held[block])


def _parent(path: str, known: set[str]) -> str:
    while path:
        path = path.rpartition(".")[0]
        if path in known:
            return path
    return ""
