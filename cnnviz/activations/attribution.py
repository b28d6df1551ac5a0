"""Where in a picture the score of a class comes from: Grad-CAM, and occlusion.

The score is what a network gives before its softmax, if it ends in one: shares would say how much a class gains
on the others, and hardly change where it has won by far. Of RBF units it is the negative distance.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cnnviz.activations.gradients import differentiable, followed, place_of
from cnnviz.errors import BadOption
from cnnviz.operations import by_name
from cnnviz.program import Program, Ref
from cnnviz.recorder import name_of, uncompiled

Heat = npt.NDArray[np.float32]


# --- Grad-CAM --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class GradCam:
    """How much each position of a layer's maps speaks for a class.

    Attributes:
        signed: (h, w): the layer's maps, each times the mean gradient of the class's score over it, added up.
        target: the class.
        score: of the class, before any softmax.
    """

    signed: Heat
    target: int
    score: float

    @property
    def heat(self) -> Heat:
        """(h, w): what speaks for the class, as the paper shows it; what speaks against it is 0."""
        return np.maximum(self.signed, 0)


def grad_cam(module: nn.Module, x: Tensor, path: str, target: int | None = None) -> GradCam:
    """Grad-CAM of a layer for a class (Selvaraju et al. 2017, equations 1 and 2).

    Can be called from many threads at once, in inference mode or not; no hook is set and no parameter's gradient
    written. An operation that overwrites the layer's maps in place doesn't change the result.

    Args:
        module: in evaluation mode, as `build` gives it.
        x: (1, C, H, W).
        path: a layer with maps; the last ones before the classifier are the usual choice.
        target: the class's number; the winner by default.

    Raises:
        UnknownLayer: the graph has no such path.
        BadOption: the layer has no maps, the class doesn't depend on it, or there is no such class.
        Untraceable, ShapeMismatch: as `trace`.
    """
    with differentiable(module, x[:1]) as (own, picture):
        program = followed(own, picture)
        ref, scores = place_of(program, path, own), _Scores(program, own)
        shape = program.steps[ref.step].shapes[ref.index]
        if len(shape) != 4:
            raise BadOption(f"Grad-CAM needs a layer with maps, but {path} gives {by_name(shape[1:])}.")
        held: list[Tensor] = []

        def each(number: int, out: Tensor) -> Tensor:
            if number != ref.step or not isinstance(out, Tensor):
                return out
            torch.set_grad_enabled(True)  # nothing before the layer needs to be kept for a gradient
            held.append(out.detach().requires_grad_())
            return held[0].clone()  # which a later step may overwrite

        with torch.no_grad():
            found = scores.of(program.run(own, picture, {scores.ref}, each=each))[0]
            target = scores.chosen(found, target)
            gradient = None
            if held and found.requires_grad:
                gradient = torch.autograd.grad(found[target], held[0], allow_unused=True)[0]
        if gradient is None:
            raise BadOption(
                f"The scores of {name_of(own)}'s classes don't depend on {path}: choose a layer before them."
            )
        signed = (gradient.mean(dim=(2, 3), keepdim=True) * held[0].detach()).sum(dim=1)[0]
    return GradCam(signed.float().cpu().numpy(), target, float(found[target].detach()))


# --- occlusion -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Occlusion:
    """By how much a class's score falls where a part of the picture is covered.

    Attributes:
        drop: (h, w): for a square around the middle of each cell of `stride` x `stride` pixels, the score of the whole
            picture minus that of the covered one; not a number where it was stopped before.
        target: the class.
        score: of the class for the whole picture, before any softmax.
        size: pixels along a side of the square.
        stride: pixels from one to the next.
    """

    drop: Heat
    target: int
    score: float
    size: int
    stride: int

    @property
    def complete(self) -> bool:
        """Whether it was not stopped."""
        return not bool(np.isnan(self.drop).any())


def occlusion(
    module: nn.Module,
    x: Tensor,
    target: int | None = None,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: float = 0.0,
    batch: int = 8,
    on_step: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Occlusion:
    """Slides a square over a picture and sees how the score of a class falls (Zeiler, Fergus 2013, section 4.2).

    Args:
        module: in evaluation mode, as `build` gives it.
        x: (1, C, H, W).
        target: the class's number; the whole picture's winner by default.
        size: of the square, in pixels; a fifth of the shorter side by default, cut at the border.
        stride: from one to the next; half the size by default.
        fill: what covers, in the network's normalisation: 0 is the mean colour, a grey.
        batch: how many covered pictures are in memory at once.
        on_step: called with (squares done, squares to do) after each batch.
        stop: asked before each batch whether to stop; what was done until then is returned.

    Raises:
        BadOption: the network gives no class scores, there is no such class, or a number isn't at least 1.
        Untraceable, ShapeMismatch: as `trace`.
    """
    module = uncompiled(module)
    x = x[:1]
    height, width = x.shape[-2:]
    size = max(1, round(min(height, width) / 5)) if size is None else size
    stride = max(1, size // 2) if stride is None else stride
    for name, number in (("size", size), ("stride", stride), ("batch", batch)):
        if number < 1:
            raise BadOption(f"You gave {name}={number}, but at least 1 is needed.")
    with torch.no_grad():
        program = followed(module, x)
        scores = _Scores(program, module)
        whole = scores.of(program.run(module, x, {scores.ref}))[0]
        target = scores.chosen(whole, target)
        rows, columns = math.ceil(height / stride), math.ceil(width / stride)
        drop = np.full(rows * columns, np.nan, dtype=np.float32)
        programs: dict[int, tuple[Program, _Scores]] = {}  # the last batch may be smaller
        for first in range(0, len(drop), batch):
            if stop and stop():
                break
            squares = range(first, min(first + batch, len(drop)))
            covered = x.repeat(len(squares), *[1] * (x.dim() - 1))
            for number, square in enumerate(squares):
                covered[number, :, *_square(square, columns, size, stride)] = fill
            if len(squares) not in programs:
                followed_so = followed(module, covered)
                programs[len(squares)] = followed_so, _Scores(followed_so, module)
            program, scores = programs[len(squares)]
            found = scores.of(program.run(module, covered, {scores.ref}))[:, target]
            drop[first : first + len(squares)] = (whole[target] - found).float().cpu().numpy()
            if on_step:
                on_step(squares.stop, len(drop))
    return Occlusion(drop.reshape(rows, columns), target, float(whole[target]), size, stride)


def _square(number: int, columns: int, size: int, stride: int) -> tuple[slice, slice]:
    """The rows and columns that are covered: a square around the middle of a cell, cut at the border."""
    starts = [at * stride + (stride - size) // 2 for at in divmod(number, columns)]
    return slice(max(0, starts[0]), starts[0] + size), slice(max(0, starts[1]), starts[1] + size)


# --- scores ----------------------------------------------------------------------------


class _Scores:
    """Where a program has the scores of the classes: its first output, before a softmax."""

    def __init__(self, program: Program, module: nn.Module) -> None:
        ref = program.origin(next(iter(program.outputs.values())))
        step = program.steps[ref.step]
        if step.operation.op in ("softmax", "logsoftmax"):
            ref = program.origin(next(one for one in step.inputs if program.steps[one.step].live))
            step = program.steps[ref.step]
        shape = step.shapes[ref.index]
        if len(shape) != 2 or shape[0] != program.steps[0].shapes[()][0]:
            raise BadOption(f"{name_of(module)} gives no scores of classes, but {by_name(shape[1:])}.")
        self.ref: Ref = ref
        self._sign = -1 if step.operation.op == "rbf" else 1  # of distances, the smallest wins

    def of(self, kept: dict[Ref, Tensor]) -> Tensor:
        """(N, classes): what a run gave, the more the better."""
        return self._sign * kept[self.ref]

    def chosen(self, scores: Tensor, target: int | None) -> int:
        """The class asked for, or the winner."""
        if target is None:
            return int(scores.argmax())
        if not 0 <= target < len(scores):
            raise BadOption(f"You gave class {target}, but there are {len(scores)}, from 0 to {len(scores) - 1}.")
        return target
