"""Any nn.Module and an input shape -> LayerGraph."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from cnnviz.analysis.cost import multiply_accumulates
from cnnviz.analysis.receptive import receptive_field_after
from cnnviz.analysis.roles import JOINS, Arm, arms_of, immediate_dominators, roles
from cnnviz.errors import BadOption
from cnnviz.graph import Block, Edge, Layer, LayerGraph, ReceptiveField, Role, Shape, Value
from cnnviz.operations import Operation
from cnnviz.program import Program, Ref, Sized
from cnnviz.recorder import follow, name_of, uncompiled
from cnnviz.resizing import Resizer


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
        self._known: tuple[Resizer, _Skeleton] | None = None

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
        if self._known is not None:
            resizer, skeleton = self._known
            steps = resizer.at((1, *input_shape))
            if steps is not None:
                return skeleton.graph(steps, self._network)
        program = follow(self._module, (1, *input_shape))
        skeleton = _Skeleton(program, self._module)
        self._known = Resizer(program, self._module), skeleton
        return skeleton.graph([Sized(step.operation, step.shapes) for step in program.steps], self._network)


class _Skeleton:
    """What of a graph doesn't depend on the input's size."""

    def __init__(self, program: Program, module: nn.Module) -> None:
        self.program = program
        self._sources = _visible(program)
        outputs = dict(enumerate(program.outputs, start=len(program.steps)))
        self._paths = {n: outputs[n] if n in outputs else program.steps[n].path for n in self._sources}
        operations = {n: _OUTPUT if n in outputs else program.steps[n].operation for n in self._sources}
        self._ops = {path: operations[n].op for n, path in self._paths.items()}
        self._homes = {path: "" if n in outputs else program.steps[n].block for n, path in self._paths.items()}
        by_path = {self._paths[n]: [self._paths[ref.step] for ref in refs] for n, refs in self._sources.items()}
        dominators = immediate_dominators(by_path)
        arms = {
            path: arms_of(path, dominators[path], by_path, self._ops)
            for path, before in by_path.items()
            if self._ops[path] in JOINS and len(before) > 1
        }
        parameters = {
            f"{name}.{own}" if name else own: parameter
            for name, child in module.named_modules(remove_duplicate=False)
            for own, parameter in child._parameters.items()
            if parameter is not None
        }
        counted: dict[int, str] = {}  # id of a parameter -> path of the layer that it was counted for
        counts: dict[int, _Parameters] = {}
        for number, path in self._paths.items():
            names = () if number in outputs else program.steps[number].parameters
            if not names:
                counts[number] = _NONE
                continue
            total, trainable, shared = 0, 0, None
            for name in names:
                parameter = parameters.get(name)
                if parameter is None:
                    continue  # a buffer
                user = counted.get(id(parameter))
                if user is None:
                    counted[id(parameter)] = path
                    total += parameter.numel()
                    trainable += parameter.numel() if parameter.requires_grad else 0
                elif user != path:
                    shared = shared or user
            counts[number] = _Parameters(total, trainable, shared)
        unused: dict[int, tuple[str, int]] = {}  # by the first name of each
        for name, parameter in parameters.items():
            if id(parameter) not in counted:
                unused.setdefault(id(parameter), (name, parameter.numel()))
        self._unused = tuple(unused.values())
        self._rows = [
            _Row(
                number,
                path,
                operations[number],
                tuple(operations[number].hyperparameters.items()),
                [(ref.step, ref.index, self._paths[ref.step]) for ref in self._sources[number]],
                arms.get(path),
                counts[number],
            )
            for number, path in self._paths.items()
        ]
        self._known: tuple[list[Role], tuple[Block, ...]] | None = None

    def graph(self, steps: Sequence[Sized], network: str) -> LayerGraph:
        """The graph of the program that this was made of, at any input size."""
        fields: dict[int, ReceptiveField | None] = {}
        layers, edges = [], []
        for number, path, usual, hyperparameters, reads, arms, (params, trainable, shared_with) in self._rows:
            incoming = tuple([_without_batch(steps[step].shapes[index]) for step, index, _ in reads])
            if number < len(steps):
                operation, shapes = steps[number]
                given = _without_batch(next(iter(shapes.values())))
            else:
                operation, given = usual, incoming[0]
            op, hyper = operation.op, operation.hyperparameters
            pairs = hyperparameters if operation is usual else tuple(hyper.items())
            before = [fields[step] for step, _, _ in reads]
            fields[number] = field = receptive_field_after(op, hyper, incoming, given, before)
            macs = multiply_accumulates(op, hyper, incoming[0] if incoming else (), given)
            layers.append(Layer(path, op, pairs, incoming, given, params, trainable, macs, field, shared_with))
            if arms:
                arriving = roles(op, arms, incoming, given)
                edges += [Edge(reads[n][2], path, incoming[n], role) for n, role in enumerate(arriving)]
            else:
                edges += [Edge(reads[n][2], path, shape) for n, shape in enumerate(incoming)]
        return LayerGraph(
            network=network,
            input_shape=_without_batch(steps[0].shapes[()]),
            layers=tuple(layers),
            edges=tuple(edges),
            blocks=self._blocks(edges),
            unused=self._unused,
        )

    def _blocks(self, edges: list[Edge]) -> tuple[Block, ...]:
        """They depend on what the arms are, and that hardly ever on the size."""
        arriving, known = [edge.role for edge in edges], self._known
        if known is None or known[0] != arriving:
            self._known = known = (arriving, _blocks(self.program.blocks, self._homes, self._ops, edges))
        return known[1]


class _Parameters(NamedTuple):
    """How many a layer has, and whose they are if it applies another's again."""

    all: int
    trainable: int
    shared_with: str | None


class _Row(NamedTuple):
    """A layer, as far as it is the same at any size.

    Attributes:
        number: of its step; the outputs' follow after the steps.
        operation, hyperparameters: what it is, unless that follows its input.
        reads: of each tensor that comes in, the number of its step, where in what that gives, and the step's path.
    """

    number: int
    path: str
    operation: Operation
    hyperparameters: tuple[tuple[str, Value], ...]
    reads: list[tuple[int, tuple[Any, ...], str]]
    arms: list[Arm] | None
    parameters: _Parameters


_NONE = _Parameters(0, 0, None)
_OUTPUT = Operation("output")


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
    return shape[1:] if shape and shape[0] == 1 else shape


def _blocks(
    called: list[str], homes: Mapping[str, str], ops: Mapping[str, str], edges: list[Edge]
) -> tuple[Block, ...]:
    """The modules that were followed into and hold visible layers, outermost first, with their kind."""
    held: dict[str, list[str]] = defaultdict(list)
    joins: dict[str, list[str]] = defaultdict(list)
    known = set(called)
    around = {path: _parent(path, known) for path in called}
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
            block = around[block]

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
