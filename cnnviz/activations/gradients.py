"""Gradients through a followed program: for whoever asks what a number depends on.

Everything that autograd needs to know is said to this thread alone, and no parameter's gradient is written. It
works from within inference mode, too: the pass is run outside it, on a copy of a module that was made in it.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.operations import by_name
from cnnviz.program import Program, Ref
from cnnviz.recorder import follow, name_of, uncompiled


@contextmanager
def differentiable(module: nn.Module, x: Tensor) -> Iterator[tuple[nn.Module, Tensor]]:
    """The module and its input as a gradient can pass through them, on this thread, until the end of the block."""
    with torch.inference_mode(False), torch.enable_grad():
        module = uncompiled(module)
        if any(t.is_inference() for t in (*module.parameters(), *module.buffers())):
            module = copy.deepcopy(module)
        yield module, x.detach().clone()


def followed(module: nn.Module, x: Tensor) -> Program:
    """The program for an input of this shape.

    Raises:
        BadOption: the input has no batch.
        Untraceable, ShapeMismatch: as `trace`.
    """
    if x.dim() < 2:
        raise BadOption(f"The input has shape {tuple(x.shape)}, but a batch is needed: (1, 3, 224, 224), say.")
    return follow(module, tuple(x.shape), x.dtype)


def place_of(program: Program, path: str, module: nn.Module) -> Ref:
    """Where a layer's tensor is.

    Raises:
        UnknownLayer: there is no such layer; names the closest ones.
    """
    if path not in program.places:
        raise UnknownLayer(path, program.places, name_of(module))
    return program.places[path]


def checked(program: Program, path: str, ref: Ref, place: tuple[int, ...]) -> tuple[int, ...]:
    """A place in a layer's output for the first picture of the batch, as an index.

    Raises:
        BadOption: the layer's output has no such place.
    """
    shape = program.steps[ref.step].shapes[ref.index][1:]
    if len(place) != len(shape) or not all(0 <= at < size for at, size in zip(place, shape, strict=True)):
        raise BadOption(f"{path} gives {by_name(shape)}, which has no place {place}: count from 0, one number an axis.")
    return (0, *place)
