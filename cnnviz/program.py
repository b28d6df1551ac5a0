"""A forward pass as a list of steps that can be run again."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cnnviz.graph import Shape
from cnnviz.nested import at, mapped
from cnnviz.operations import PASSES_ON, Operation


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor that a step made: the step's number, and where in its output if that holds several."""

    step: int
    index: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A parameter or buffer, by its qualified name."""

    name: str


class _InputDevice:
    """Stands for the device of the input: the one that a `device=x.device` in a forward means."""


INPUT_DEVICE = _InputDevice()


class Sized(NamedTuple):
    """What a step is and gives at an input size: `Step.operation` and `Step.shapes`."""

    operation: Operation
    shapes: dict[tuple[Any, ...], Shape]


@dataclass(slots=True)
class Step:
    """One call of a forward pass.

    Attributes:
        path: unique name, see `cnnviz.graph.Layer.path`.
        block: path of the module whose forward made the call, '' for the network itself.
        module: qualified name of the module called, None for a function.
        function: the function called, None for a module or the input.
        args, kwargs: the arguments, tensors replaced by Ref and Named.
        inputs: the tensors that come from other steps, in order.
        shapes: shape of each output tensor, with the batch, by its index.
        parameters: names of the parameters that it reads.
        storage: number of the memory that the (first) output lies in; views share it.
        writes: whether it overwrites its first input.
        live: whether its output depends on the network's input.
    """

    path: str
    block: str
    operation: Operation
    module: str | None = None
    function: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Ref, ...] = ()
    shapes: dict[tuple[Any, ...], Shape] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    storage: int = 0
    writes: bool = False
    live: bool = True


@dataclass
class Program:
    """A forward pass at one input shape: its steps in order, and what it returns.

    Attributes:
        outputs: the tensors returned, by path: `output`, or `output.NAME` for each of several.
        blocks: paths of the modules that were followed into, in the order of their calls.
        sized: whether the forward has asked for a size, so that it might do something else at another.
    """

    steps: list[Step]
    outputs: dict[str, Ref]
    blocks: list[str]
    sized: bool = True

    @cached_property
    def places(self) -> dict[str, Ref]:
        """Where each path's tensor is: of steps that depend on the input their first, in order, then the outputs."""
        steps = {step.path: Ref(n, next(iter(step.shapes))) for n, step in enumerate(self.steps) if step.live}
        return steps | self.outputs

    def origin(self, ref: Ref) -> Ref:
        """Where a tensor comes from, past the steps that only pass it on (detach, contiguous)."""
        step = self.steps[ref.step]
        while step.operation.op in PASSES_ON and step.inputs:
            ref = step.inputs[0]
            step = self.steps[ref.step]
        return ref

    def run(
        self,
        module: nn.Module,
        x: Tensor,
        keep: Collection[Ref],
        on_step: Callable[[int, int], None] | None = None,
        each: Callable[[int, Any], Any] | None = None,
    ) -> dict[Ref, Tensor]:
        """Runs the steps on real data up to the last one to be kept; `Pass` says how.

        Args:
            module: the module that was followed.
            x: its input, of the shape that was followed.
            keep: the tensors that are wanted.
            on_step: called with (steps done, steps to do) after each.
            each: called with each step's number and what it gave, which a later step may overwrite; the pass goes on
                with what it returns.

        Returns:
            The tensors wanted. None of them is overwritten by a later in-place operation.
        """
        return Pass(self, module, keep).run(module, x, on_step, each=each)


class _Call(NamedTuple):
    """A step made ready: what is called with which values, and what happens to its output.

    Attributes:
        call: a module or function; None for the network itself, which a pass doesn't hold, and for the input.
        sources: numbers of the steps whose outputs are all its arguments, None where it takes anything else.
        keep: the tensors of its output that are wanted, and cloned: whether in memory of their own.
        dying: numbers of the outputs that nobody needs any more.
    """

    call: Callable[..., Any] | None
    sources: tuple[int, ...] | None
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    keep: tuple[Ref, ...]
    cloned: bool
    dying: tuple[int, ...]


class Pass:
    """A program made ready for a module and what is to be kept, to be run any number of times.

    All state of a run is local: one pass can run in many threads at once, and a forward that writes into a buffer (to
    count its calls, say) finds it as it was. The module that was followed is given at each run and not held on to.
    """

    def __init__(self, program: Program, module: nn.Module, keep: Collection[Ref]) -> None:
        self.steps = max((ref.step for ref in keep), default=-1) + 1
        steps = program.steps[: self.steps]
        modules = dict(module.named_modules(remove_duplicate=False))
        wanted: dict[int, list[Ref]] = defaultdict(list)
        for ref in keep:
            wanted[ref.step].append(ref)
        memory, apart = _memory(steps, modules, wanted)
        overwritten = {memory[n]: n for n, step in enumerate(steps) if step.writes and n not in apart}
        last_use = {ref.step: number for number, step in enumerate(steps) for ref in step.inputs}
        dying: dict[int, list[int]] = defaultdict(list)
        for used, user in last_use.items():
            dying[user].append(used)
        self._copies_input = bool(steps) and memory[0] in overwritten
        self._written = {step.args[0].name for step in steps if step.writes and step.args and _is_named(step.args[0])}
        self._named = any(_holds_named((step.args, dict(step.kwargs))) for step in steps)
        self._calls = []
        for number, step in enumerate(steps):
            found = step.function if step.module is None else modules[step.module]
            found = torch.relu if number in apart else found
            plain = not step.kwargs and all(isinstance(value, Ref) and not value.index for value in step.args)
            self._calls.append(
                _Call(
                    call=None if found is module else found,
                    sources=tuple(ref.step for ref in step.args) if plain else None,
                    args=step.args,
                    kwargs=dict(step.kwargs),
                    keep=tuple(wanted.get(number, ())),
                    cloned=overwritten.get(memory[number], -1) > number,
                    dying=tuple(dying[number]),
                )
            )

    def run(
        self,
        module: nn.Module,
        x: Tensor,
        on_step: Callable[[int, int], None] | None = None,
        on_kept: Callable[[Ref, Tensor], None] | None = None,
        each: Callable[[int, Any], Any] | None = None,
    ) -> dict[Ref, Tensor]:
        """What was to be kept; the arguments are as `Program.run` has them.

        Args:
            on_kept: called with each tensor that is wanted as soon as it is there.
        """
        if self.steps == 0:
            return {}
        named = self._parameters(module)
        values: list[Any] = [None] * self.steps
        kept: dict[Ref, Tensor] = {}

        def real(value: Any) -> Any:
            if isinstance(value, Ref):
                return at(values[value.step], value.index)
            if isinstance(value, Named):
                return named[value.name]
            return x.device if value is INPUT_DEVICE else value

        for number, step in enumerate(self._calls):
            call, sources, args, kwargs, keep, cloned, dying = step
            call = module if call is None else call  # an empty Sequential is false
            if number == 0:
                # the network may write into its input; the caller's tensor stays as it is
                out: Any = x.clone() if self._copies_input else x
            elif sources is None:
                out = call(*mapped(args, real), **mapped(kwargs, real))
            elif len(sources) == 1:
                out = call(values[sources[0]])
            else:
                out = call(*[values[source] for source in sources])
            values[number] = out = each(number, out) if each else out
            for ref in keep:
                tensor = at(out, ref.index)
                kept[ref] = tensor = tensor.clone() if cloned else tensor
                if on_kept:
                    on_kept(ref, tensor)
            for used in dying:
                values[used] = None
            if on_step:
                on_step(number + 1, self.steps)
        return kept

    def _parameters(self, module: nn.Module) -> dict[str, Tensor]:
        """Those that functions take, as they are now; what is written into, as copies."""
        if not self._named:
            return {}
        named: dict[str, Tensor] = dict(module.named_buffers(remove_duplicate=False))
        named.update(module.named_parameters(remove_duplicate=False))
        return named | {name: named[name].clone() for name in self._written}


def _memory(
    steps: Sequence[Step], modules: Mapping[str, nn.Module], keep: Collection[int]
) -> tuple[list[tuple[int, int]], set[int]]:
    """The memory that each step's output lies in, and which in-place steps leave their input alone.

    Those are the ReLUs that would overwrite what is to be kept: memory of their own is cheaper than a copy. Whatever
    reads the overwritten memory later reads it from them.
    """
    owner: dict[int, int] = defaultdict(int)
    held: set[int] = set()
    apart: set[int] = set()
    found = []
    for number, step in enumerate(steps):
        if step.storage in held and step.writes and _is_bare_relu(step, modules):
            held.remove(step.storage)
            apart.add(number)
            owner[step.storage] = number
        if number in keep:
            held.add(step.storage)
        found.append((step.storage, owner[step.storage]))
    return found, apart


def _is_bare_relu(step: Step, modules: Mapping[str, nn.Module]) -> bool:
    relu = None if step.module is None else modules[step.module]
    return type(relu) is nn.ReLU and not any(hooks for name, hooks in vars(relu).items() if name.endswith("_hooks"))


def _is_named(value: Any) -> bool:
    return isinstance(value, Named)


def _holds_named(value: Any) -> bool:
    found = []
    mapped(value, lambda item: found.append(item) if isinstance(item, Named) else None)
    return bool(found)
