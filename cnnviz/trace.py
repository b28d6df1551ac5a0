"""Any nn.Module and an input shape -> LayerGraph."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from cnnviz.analysis.cost import multiply_accumulates
from cnnviz.analysis.receptive import receptive_field_after
from cnnviz.analysis.roles import JOINS, Arm, arms_of, immediate_dominators, roles
from cnnviz.errors import BadOption
from cnnviz.graph import Block, Edge, Layer, LayerGraph, ReceptiveField, Role, Shape
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
        self._ops = {
            path: "output" if n in outputs else program.steps[n].operation.op for n, path in self._paths.items()
        }
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
            own, shared = [], None
            for name in () if number in outputs else program.steps[number].parameters:
                parameter = parameters.get(name)
                if parameter is None:
                    continue  # a buffer
                shared = shared or counted.get(id(parameter))
                if id(parameter) not in counted:
                    own.append(parameter)
            counted.update({id(p): path for p in own})
            counts[number] = _Parameters(
                sum(p.numel() for p in own), sum(p.numel() for p in own if p.requires_grad), shared
            )
        unused: dict[int, tuple[str, int]] = {}  # by the first name of each
        for name, parameter in parameters.items():
            if id(parameter) not in counted:
                unused.setdefault(id(parameter), (name, parameter.numel()))
        self._unused = tuple(unused.values())
        self._steps = [number for number in self._sources if number not in outputs]
        self._rows = [
            _Row(
                number,
                path,
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
        shapes = {n: {index: _without_batch(shape) for index, shape in steps[n].shapes.items()} for n in self._steps}
        layers, edges = [], []
        for row in self._rows:
            incoming = [shapes[step][index] for step, index, _ in row.reads]
            if row.number < len(steps):
                operation, given = steps[row.number].operation, next(iter(shapes[row.number].values()))
            else:
                operation, given = _OUTPUT, incoming[0]
            op, hyper = operation.op, operation.hyperparameters
            before = [fields[read[0]] for read in row.reads]
            fields[row.number] = field = receptive_field_after(op, hyper, incoming, given, before)
            layers.append(
                Layer(
                    row.path,
                    op,
                    tuple(hyper.items()),
                    tuple(incoming),
                    given,
                    row.parameters.all,
                    row.parameters.trainable,
                    multiply_accumulates(op, hyper, incoming[0] if incoming else (), given),
                    field,
                    row.parameters.shared_with,
                )
            )
            arriving = roles(op, row.arms, incoming, given) if row.arms else _MAIN * len(incoming)
            edges += [
                Edge(read[2], row.path, shape, role)
                for read, shape, role in zip(row.reads, incoming, arriving, strict=True)
            ]
        return LayerGraph(
            network=network,
            input_shape=shapes[0][()],
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
        reads: of each tensor that comes in, the number of its step, where in what that gives, and the step's path.
    """

    number: int
    path: str
    reads: list[tuple[int, tuple[Any, ...], str]]
    arms: list[Arm] | None
    parameters: _Parameters


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
    return shape[1:] if shape and shape[0] == 1 else shape


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
