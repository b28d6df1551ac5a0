"""What a program's steps are and give for inputs of other shapes, without following the forward again."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from cnnviz.graph import Shape
from cnnviz.nested import at, mapped, tensors
from cnnviz.operations import Operation, describe_function, operation_at, output_shape
from cnnviz.program import INPUT_DEVICE, Named, Program, Ref, Sized, Step
from cnnviz.recorder import META, function_output, layer_output, named_tensors


class Resizer:
    """Says what the steps of a program are for inputs of other shapes, without following the forward again.

    Args:
        module: that was followed; it must stay as it is.
    """

    def __init__(self, program: Program, module: nn.Module) -> None:
        self._program, self._module = program, module

    @cached_property
    def _calls(self) -> list[tuple[Step, nn.Module | None, tuple[Ref, ...]]]:
        layers: dict[str | None, nn.Module] = dict(self._module.named_modules(remove_duplicate=False))
        return [(step, layers.get(step.module), _reads(step)) for step in self._program.steps[1:]]

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        return dict(named_tensors(self._module))

    def at(self, shape: Shape) -> list[Sized] | None:
        """Each step, for an input of a shape (batch included).

        Returns:
            None where the forward has to be followed: it reads sizes, or something in it doesn't fit.
        """
        if self._program.sized:
            return None
        found = [Sized(self._program.steps[0].operation, {(): shape})]
        values: dict[int, Any] = {}  # what steps give, as far as its shape isn't enough
        with torch.inference_mode(False), torch.no_grad():
            for number, (step, layer, reads) in enumerate(self._calls, start=1):
                try:
                    sized = _by_shape(step, layer, [found[ref.step].shapes[ref.index] for ref in reads])
                    if sized is None:
                        operation, values[number] = self._by_tensor(step, layer, found, values)
                        sized = Sized(operation, {index: tuple(t.shape) for index, t in tensors(values[number])})
                except Exception:
                    return None  # following it says what doesn't fit, and where
                if sized.shapes.keys() != step.shapes.keys():
                    return None
                found.append(sized)
        return found

    def _by_tensor(
        self, step: Step, layer: nn.Module | None, found: Sequence[Sized], values: dict[int, Any]
    ) -> tuple[Operation, Any]:
        def real(value: Any) -> Any:
            if isinstance(value, Ref):
                if value.step not in values:
                    values[value.step] = torch.empty(found[value.step].shapes[()], device=META)
                return at(values[value.step], value.index)
            if isinstance(value, Named):
                return self._tensors[value.name].to(META)
            return META if value is INPUT_DEVICE else value

        args, kwargs = mapped(step.args, real), mapped(dict(step.kwargs), real)
        if layer is None:
            assert step.function is not None
            return describe_function(step.function, args, kwargs), function_output(step.function, args, kwargs)
        entering = tuple((*args, *kwargs.values())[0].shape)
        operation = operation_at(layer, step.operation, entering[1:])
        return operation, layer_output(layer, operation, step.path, entering, args, kwargs)


def _reads(step: Step) -> tuple[Ref, ...]:
    """The arguments of a step that takes tensors of other steps alone; else none."""
    return step.args if not step.kwargs and all(isinstance(value, Ref) for value in step.args) else ()


def _by_shape(step: Step, layer: nn.Module | None, entering: Sequence[Shape]) -> Sized | None:
    """What a step is and gives, where a formula says it from the shapes that come in; None where tensors are needed.

    Raises:
        ShapeMismatch: the input doesn't fit.
    """
    if layer is None:
        alike = len(entering) == 2 and entering[0] == entering[1]
        return Sized(step.operation, {(): entering[0]}) if alike and step.operation.op in ("add", "mul") else None
    if len(entering) != 1 or vars(layer).get("return_indices"):
        return None
    shape, own = entering[0], entering[0][1:]
    operation = operation_at(layer, step.operation, own)
    given = output_shape(operation, own, step.path)
    if given is None:
        return None
    return Sized(operation, {(): shape if given is own else (*shape[:1], *given)})
