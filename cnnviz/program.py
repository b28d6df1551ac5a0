"""A forward pass as a list of steps that can be run again."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from cnnviz.graph import Shape
from cnnviz.nested import at, mapped
from cnnviz.operations import PASSES_ON, Operation


@dataclass(frozen=True)
class Ref:
    """A tensor that a step made: the step's number, and where in its output if that holds several."""

    step: int
    index: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Named:
    """A parameter or buffer, by its qualified name."""

    name: str


class _InputDevice:
    """Stands for the device of the input: the one that a `device=x.device` in a forward means."""


INPUT_DEVICE = _InputDevice()


@dataclass
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
    """

    steps: list[Step]
    outputs: dict[str, Ref]
    blocks: list[str]

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
        """Runs the steps on real data up to the last one to be kept.

        All state is local: one module can be run from many threads at once, and a forward that writes into a buffer
        (to count its calls, say) finds it as it was.

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
        stop = max((ref.step for ref in keep), default=-1) + 1
        wanted: dict[int, list[Ref]] = defaultdict(list)
        for ref in keep:
            wanted[ref.step].append(ref)
        overwritten = self._overwritten_after(stop)
        last_use = {ref.step: number for number, step in enumerate(self.steps[:stop]) for ref in step.inputs}
        dying: dict[int, list[int]] = defaultdict(list)
        for used, user in last_use.items():
            dying[user].append(used)
        named: dict[str, Tensor] = dict(module.named_buffers(remove_duplicate=False))
        named.update(module.named_parameters(remove_duplicate=False))
        for step in self.steps[:stop]:
            if step.writes and step.args and isinstance(written := step.args[0], Named):
                named[written.name] = named[written.name].clone()
        modules = dict(module.named_modules(remove_duplicate=False))
        values: dict[int, Any] = {}
        kept: dict[Ref, Tensor] = {}

        def real(value: Any) -> Any:
            if isinstance(value, Ref):
                return at(values[value.step], value.index)
            if isinstance(value, Named):
                return named[value.name]
            return x.device if value is INPUT_DEVICE else value

        for number, step in enumerate(self.steps[:stop]):
            if number == 0:
                # the network may write into its input; the caller's tensor stays as it is
                out: Any = x.clone() if step.storage in overwritten else x
            else:
                args, kwargs = mapped(step.args, real), mapped(dict(step.kwargs), real)
                call = modules[step.module] if step.module is not None else step.function
                assert call is not None
                out = call(*args, **kwargs)
            values[number] = out = each(number, out) if each else out
            for ref in wanted[number]:
                tensor = at(out, ref.index)
                kept[ref] = tensor.clone() if overwritten.get(step.storage, -1) > number else tensor
            for used in dying[number]:
                values.pop(used, None)
            if on_step:
                on_step(number + 1, stop)
        return kept

    def _overwritten_after(self, stop: int) -> dict[int, int]:
        """The last step before `stop` that writes into each storage."""
        return {step.storage: number for number, step in enumerate(self.steps[:stop]) if step.writes}
