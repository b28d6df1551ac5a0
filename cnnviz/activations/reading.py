"""One operation of a forward pass with everything that it was given: its arguments, weights, and its inputs' maps."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cnnviz.activations.parts import Place, Values
from cnnviz.errors import BadOption
from cnnviz.graph import Edge, LayerGraph, Shape
from cnnviz.nested import at, mapped
from cnnviz.operations import arguments, function_name
from cnnviz.program import INPUT_DEVICE, Named, Program, Ref, Step

Maps = Mapping[str, Tensor | npt.NDArray[Any]]
"""Captured maps by path, with the batch (of which the first picture counts) or without."""

SPLITS = frozenset({"chunk", "split", "tensor_split", "unbind"})
"""They give several tensors, of which a capture keeps the first; the others are cut again from what they read."""


class Unread(Exception):
    """What was given can't be read; the text is the sentence that says why."""


class Reading:
    """A step of a program, its module, and the maps that it reads.

    Attributes:
        index: the place asked for in the step's output, with the batch.
    """

    def __init__(
        self, module: nn.Module, graph: LayerGraph, program: Program, maps: Maps, path: str, place: Place
    ) -> None:
        self._root, self._graph, self._program, self._maps = module, graph, program, maps
        self.path, self.place = path, place
        ref = program.places[path]
        self.ref = ref
        self.step: Step = program.steps[ref.step]
        self.shape = self.step.shapes[ref.index]
        self.index = (0, *place) if self.shape[:1] == (1,) else place
        self.module: nn.Module | None = None
        if self.step.module is not None:
            self.module = module.get_submodule(self.step.module)
        self.hyper = self.step.operation.hyperparameters
        self._arguments = arguments(self.step.function, self.step.args, self.step.kwargs) if self.step.function else {}

    # --- what it was given -----------------------------------------------------

    @property
    def function(self) -> str:
        """The function's name, '' for a module."""
        return function_name(self.step.function) if self.step.function else ""

    def given(self, name: str, default: Any = None) -> Any:
        """A hyperparameter that the graph doesn't carry: the module's attribute, or the function's argument."""
        return getattr(self.module, name, default) if self.module else self._arguments.get(name, default)

    def axes(self, name: str) -> tuple[int, ...]:
        """A hyperparameter of the graph with one number an axis."""
        value = self.hyper[name]
        assert isinstance(value, tuple)
        return value

    def weight(self, name: str) -> Tensor | None:
        """A parameter, buffer or constant that the operation uses, by the module's or the function's name for it."""
        value = self.given(name)
        if value is None or isinstance(value, Tensor):
            return None if value is None else value.detach()
        if isinstance(value, Ref) and self._program.steps[value.step].live:
            raise Unread(f"{self.path} takes its {name} from another layer, which isn't taken apart.")
        found = self._real(value)
        return found if isinstance(found, Tensor) else torch.as_tensor(found)

    # --- what it reads -----------------------------------------------------------

    @property
    def source(self) -> Ref:
        """The first tensor that it reads of other layers, where it was made."""
        return self._program.origin(self.read)

    @property
    def read(self) -> Ref:
        """The first tensor that it reads of other layers."""
        return next(ref for ref in self.step.inputs if self._program.steps[ref.step].live)

    def operand(self, name: str) -> Any:
        """An argument as it was recorded: a Ref, a Named, a number, or a list of them."""
        return self._arguments.get(name)

    def alive(self, value: Any) -> bool:
        """Whether an argument is another layer's tensor."""
        return isinstance(value, Ref) and self._program.steps[value.step].live

    def path_of(self, ref: Ref) -> str:
        """The layer in the graph that a tensor comes from."""
        return self._program.steps[self._program.origin(ref).step].path

    def edges(self) -> Sequence[Edge]:
        """What arrives, one edge for each tensor of other layers, in order."""
        return self._graph.incoming(self.path)

    def shape_of(self, ref: Ref) -> Shape:
        """A tensor's shape, with the batch."""
        return self._program.steps[ref.step].shapes[ref.index]

    def take(self, ref: Ref, *index: Any) -> Values:
        """Part of a tensor that the layer reads, by an index that covers the batch as well."""
        found = self._map(ref)
        if isinstance(found, Tensor):
            index = tuple(torch.from_numpy(i).to(found.device) if isinstance(i, np.ndarray) else i for i in index)
        return _plain(found[index])

    def number(self, ref: Ref, index: Place) -> float:
        """One number of a tensor that the layer reads."""
        return float(self.take(ref, *index))

    def constant(self, value: Any) -> Values:
        """A number, parameter, or what was made of parameters alone."""
        found = self._real(value)
        return _plain(found) if isinstance(found, Tensor) else np.asarray(found, dtype=np.float64)

    def own(self) -> float:
        """What was captured at the place asked for."""
        return float(_plain(self._held(self.path, self.shape)[self.index]))

    def moved(self, ref: Ref, start: int) -> Tensor:
        """What the operation makes of a tensor that holds start, start + 1, … in place of what it reads."""
        shape = self.shape_of(ref)
        counted = torch.arange(start, start + int(np.prod(shape)), dtype=torch.float64).reshape(shape)

        def real(value: Any) -> Any:
            if isinstance(value, Ref) and value == ref:
                return counted
            if self.alive(value):
                raise Unread(f"{self.path} moves numbers by what another layer gives, which isn't taken apart.")
            found = self._real(value)
            return found.cpu() if isinstance(found, Tensor) else found

        call = self.module if self.module is not None else self.step.function
        assert call is not None
        with torch.no_grad():
            made = call(*mapped(self.step.args, real), **mapped(dict(self.step.kwargs), real))
        return cast(Tensor, at(made, self.ref.index))

    # --- inside ------------------------------------------------------------------

    def _map(self, ref: Ref) -> Any:
        """A tensor that the layer reads, with the batch, in the shape in which it reads it."""
        origin = self._program.origin(ref)
        step, shape = self._program.steps[origin.step], self.shape_of(ref)
        if origin.index == next(iter(step.shapes)):
            found = self._held(step.path, step.shapes[origin.index])
        elif step.operation.op in SPLITS and step.function:
            with torch.no_grad():
                found = at(
                    step.function(*mapped(step.args, self._whole), **mapped(dict(step.kwargs), self._whole)),
                    origin.index,
                )
        else:
            raise Unread(f"{self.path} reads a tensor of {step.path}'s that isn't its first, which isn't recorded.")
        if tuple(found.shape) != shape:  # expanded on its way
            found = found.expand(shape) if isinstance(found, Tensor) else np.broadcast_to(found, shape)
        return found

    def _held(self, path: str, shape: Shape) -> Any:
        if path not in self._maps:
            raise BadOption(
                f"How {self.path} was computed can't be told without the maps of {path}; "
                "needed() names what to capture."
            )
        held = self._maps[path]
        held = held if held.ndim == len(shape) else held[None]
        held = held[:1] if shape[:1] == (1,) else held
        if tuple(held.shape) != tuple(shape):
            raise BadOption(
                f"The maps of {path} have the shape {tuple(held.shape[1:])}, but the graph says {tuple(shape[1:])}: "
                f"give those of an input of {self._graph.input_shape}."
            )
        return held

    def _whole(self, value: Any) -> Any:
        if self.alive(value):
            found = self._map(value)
            return found if isinstance(found, Tensor) else torch.from_numpy(np.ascontiguousarray(found))
        return self._real(value)

    def _real(self, value: Any) -> Any:
        """An argument that doesn't depend on the input, with its tensors."""
        if isinstance(value, Named):
            owner, _, name = value.name.rpartition(".")
            return getattr(self._root.get_submodule(owner), name).detach()
        if isinstance(value, Ref):
            step = self._program.steps[value.step]
            if step.live:  # asked for its shape only, as in zeros_like
                return torch.empty(self.shape_of(value), device=self._device)
            if step.writes or step.operation.op.startswith("rand"):
                raise Unread(f"{self.path} uses {step.path}, which differs from pass to pass, and isn't taken apart.")
            call = self._root.get_submodule(step.module) if step.module is not None else step.function
            assert call is not None
            with torch.no_grad():
                made = call(*mapped(step.args, self._real), **mapped(dict(step.kwargs), self._real))
            return at(made, value.index)
        return self._device if value is INPUT_DEVICE else value

    @property
    def _device(self) -> torch.device:
        parameter = next(self._root.parameters(), None)
        return parameter.device if parameter is not None else torch.device("cpu")


def _plain(values: Any) -> Values:
    if isinstance(values, Tensor):  # to the processor first: not every device has float64
        values = values.detach().cpu().to(torch.float64).numpy()
    return np.asarray(values, dtype=np.float64)
