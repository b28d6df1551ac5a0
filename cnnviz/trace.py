"""Any nn.Module and an input shape -> LayerGraph."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import nn

from cnnviz.analysis.cost import multiply_accumulates
from cnnviz.analysis.receptive import receptive_field_after
from cnnviz.analysis.roles import JOINS, arms_of, immediate_dominators, roles
from cnnviz.errors import BadOption
from cnnviz.graph import Block, Edge, Layer, LayerGraph, ReceptiveField, Role, Shape
from cnnviz.operations import Operation
from cnnviz.program import Program, Ref, Sized
from cnnviz.recorder import follow, name_of, resized, uncompiled


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
    return Followed(module, network).at(input_shape)


class Followed:
    """A module that is followed once and described at any input size, in a fraction of the time.

    The module must stay as it is. Can be used from several threads at once.

    Args:
        module, network: as `trace` takes them.
    """

    def __init__(self, module: nn.Module, network: str | None = None) -> None:
        self._module = uncompiled(module)
        self._network = network or name_of(self._module)
        self._skeleton: _Skeleton | None = None

    def at(self, input_shape: Shape) -> LayerGraph:
        """What `trace` gives for an input shape.

        Raises:
            Untraceable, ShapeMismatch: as `trace`.
        """
        if not input_shape or any(not isinstance(n, int) or n < 1 for n in input_shape):
            raise BadOption(
                f"The input shape {tuple(input_shape)} was given, but each of its numbers must be at least 1, "
                f"as in (3, 224, 224)."
            )
        skeleton = self._skeleton
        steps = resized(skeleton.program, self._module, (1, *input_shape)) if skeleton else None
        if skeleton is None or steps is None:
            program = follow(self._module, (1, *input_shape))
            self._skeleton = skeleton = _Skeleton(program, self._module)
            steps = [Sized(step.operation, step.shapes) for step in program.steps]
        return skeleton.graph(steps, self._network)


class _Skeleton:
    """What of a graph doesn't depend on the input's size."""

    def __init__(self, program: Program, module: nn.Module) -> None:
        self.program = program
        self._sources = _visible(program)
        outputs = dict(enumerate(program.outputs, start=len(program.steps)))
        self._paths = {n: outputs[n] if n in outputs else program.steps[n].path for n in self._sources}
        self._ops = {
            path: "output" if n in outputs else program.steps[n].operation.op for n, path in self._paths.items()
        }
        self._homes = {path: "" if n in outputs else program.steps[n].block for n, path in self._paths.items()}
        by_path = {self._paths[n]: [self._paths[ref.step] for ref in refs] for n, refs in self._sources.items()}
        dominators = immediate_dominators(by_path)
        self._arms = {
            path: arms_of(path, dominators[path], by_path, self._ops)
            for path, before in by_path.items()
            if self._ops[path] in JOINS and len(before) > 1
        }
        parameters = dict(module.named_parameters(remove_duplicate=False))
        counted: dict[int, str] = {}  # id of a parameter -> path of the layer that it was counted for
        self._counts: dict[int, _Parameters] = {}
        for number, path in self._paths.items():
            own, shared = [], None
            for name in () if number in outputs else program.steps[number].parameters:
                parameter = parameters.get(name)
                if parameter is None:
                    continue  # a buffer
                shared = shared or counted.get(id(parameter))
                if id(parameter) not in counted:
                    own.append(parameter)
            counted.update({id(p): path for p in own})
            self._counts[number] = _Parameters(
                sum(p.numel() for p in own), sum(p.numel() for p in own if p.requires_grad), shared
            )
        unused: dict[int, tuple[str, int]] = {}  # by the first name of each
        for name, parameter in parameters.items():
            if id(parameter) not in counted:
                unused.setdefault(id(parameter), (name, parameter.numel()))
        self._unused = tuple(unused.values())

    def graph(self, steps: Sequence[Sized], network: str) -> LayerGraph:
        """The graph of the program that this was made of, at any input size."""
        fields: dict[int, ReceptiveField | None] = {}
        layers, edges = [], []
        for number, refs in self._sources.items():
            path = self._paths[number]
            incoming = [_without_batch(steps[ref.step].shapes[ref.index]) for ref in refs]
            if number < len(steps):
                operation, shapes = steps[number]
                given = _without_batch(next(iter(shapes.values())))
            else:
                operation, given = _OUTPUT, incoming[0]
            field = receptive_field_after(
                operation.op, operation.hyperparameters, incoming, given, [fields[ref.step] for ref in refs]
            )
            fields[number] = field
            parameters = self._counts[number]
            layers.append(
                Layer(
                    path=path,
                    op=operation.op,
                    hyperparameters=tuple(operation.hyperparameters.items()),
                    input_shapes=tuple(incoming),
                    output_shape=given,
                    params=parameters.all,
                    trainable_params=parameters.trainable,
                    macs=multiply_accumulates(
                        operation.op, operation.hyperparameters, incoming[0] if incoming else (), given
                    ),
                    receptive_field=field,
                    shared_with=parameters.shared_with,
                )
            )
            arms = self._arms.get(path)
            arriving = roles(operation.op, arms, incoming, given) if arms else _MAIN * len(refs)
            for ref, shape, role in zip(refs, incoming, arriving, strict=True):
                edges.append(Edge(source=self._paths[ref.step], target=path, shape=shape, role=role))
        return LayerGraph(
            network=network,
            input_shape=_without_batch(steps[0].shapes[()]),
            layers=tuple(layers),
            edges=tuple(edges),
            blocks=_blocks(self.program.blocks, self._homes, self._ops, edges),
            unused=self._unused,
        )


class _Parameters(NamedTuple):
    """How many a layer has, and whose they are if it applies another's again."""

    all: int
    trainable: int
    shared_with: str | None


_OUTPUT = Operation("output")
_MAIN: list[Role] = ["main"]


def _visible(program: Program) -> dict[int, list[Ref]]:
    """The steps that a reader would call layers, and what each reads; outputs are numbered after the steps.

    Left out is what no output depends on, what doesn't depend on the input, and what only passes
    a tensor on (detach, contiguous).
    """
    sources: dict[int, list[Ref]] = {}
    ahead: list[int] = []
    for number, ref in enumerate(program.outputs.values(), start=len(program.steps)):
        sources[number] = [program.origin(ref)]
        ahead.append(sources[number][0].step)
    while ahead:
        number = ahead.pop()
        if number in sources:
            continue
        inputs = program.steps[number].inputs
        sources[number] = [program.origin(ref) for ref in inputs if program.steps[ref.step].live]
        ahead += [ref.step for ref in sources[number]]
    return {number: sources[number] for number in sorted(sources)}


def _without_batch(shape: Shape) -> Shape:
    """A shape of the one picture that is followed; where a forward has put other things first, they stay."""
    return tuple(shape[1:]) if shape[:1] == (1,) else tuple(shape)


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
