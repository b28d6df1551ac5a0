"""Where a layer stands, in its blocks, on an arm, over the input, and what is particular to it there."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cnnviz.analysis.roles import JOINS, arms_of, immediate_dominators
from cnnviz.graph import Layer, LayerGraph, ReceptiveField, Role, Shape
from cnnviz.views.drawing import by_sign
from cnnviz.views.explain.formula import Formula, with_commas
from cnnviz.views.explain.hyper import concatenated, integer, integers, slides, window_of


@dataclass(frozen=True)
class Arm:
    """An arm of a join: what it begins at, what it brings, and the layers on it."""

    join: Layer
    fork: Layer
    role: Role
    number: int
    of: int
    brings: Shape
    layers: Mapping[str, Layer]

    @property
    def name(self) -> str:
        """'projection arm of `layer2.0.add`', 'branch 2 of 4 of `inception3a.concat`'."""
        which = {
            "main": "main arm",
            "identity": "identity arm",
            "projection": "projection arm",
            "branch": f"branch {self.number} of {self.of}",
            "gate": "gate",
        }[self.role]
        return f"{which} of `{self.join.path}`"

    @property
    def params(self) -> int:
        """Of all layers on it."""
        return sum(layer.params for layer in self.layers.values())

    @property
    def macs(self) -> int:
        """Of all layers on it."""
        return sum(layer.macs for layer in self.layers.values())


def arms_in(graph: LayerGraph) -> list[Arm]:
    """The arms of all joins of a graph."""
    sources = {layer.path: [edge.source for edge in graph.incoming(layer.path)] for layer in graph.layers}
    ops = {layer.path: layer.op for layer in graph.layers}
    dominators = immediate_dominators(sources)
    arms = []
    for join in graph.layers:
        edges = graph.incoming(join.path)
        if join.op not in JOINS or len(edges) < 2:
            continue
        fork = dominators[join.path]
        for number, (edge, arm) in enumerate(zip(edges, arms_of(join.path, fork, sources, ops), strict=True), start=1):
            layers = {path: graph.layer(path) for path in arm.layers}
            arms.append(Arm(join, graph.layer(fork), edge.role, number, len(edges), edge.shape, layers))
    return arms


def innermost(arms: Sequence[Arm], path: str) -> Arm | None:
    """The arm that a layer lies on: of nested ones the inner one counts."""
    around = [arm for arm in arms if path in arm.layers]
    return min(around, key=lambda arm: len(arm.layers), default=None)


def blocks_around(graph: LayerGraph, path: str) -> str:
    """The blocks that hold a layer, innermost first: '`layer2.0` (residual), in `layer2` (stage)'."""
    holding = [block for block in reversed(graph.blocks) if path in block.layers]
    return ", in ".join(f"`{block.path}` ({block.kind})" for block in holding)


def window_seen(field: ReceptiveField | None, shape: Shape) -> str:
    """What a unit with this receptive field sees of an input of `shape`, in a sentence or two."""
    if field is None:
        return "From here on no window of the input is counted: a unit may depend on all of it."
    if field == ReceptiveField((1, 1), (1, 1), (0, 0)):
        return "Each unit sees one pixel of the input."
    larger = len(shape) == 3 and any(size > side for size, side in zip(field.size, shape[1:], strict=True))
    return (
        f"Each unit sees {by_sign(field.size)} pixels of the input"
        f"{', more than there are: beyond the border lies only padding' if larger else ''}. "
        f"From unit to unit the window moves by {_once(field.stride)}; the first begins at {_once(field.start)}."
    )


def notes_on(layer: Layer, arms: Sequence[Arm], formulas: Sequence[Formula]) -> tuple[str, ...]:
    """What is particular to a layer: why a projection, why free, what is not read, whose weights.

    `arms` are all of its graph, `formulas` its own.
    """
    return (
        *_arm_notes(layer, innermost(arms, layer.path)),
        *_join_notes(layer, [arm for arm in arms if arm.join.path == layer.path]),
        *_window_notes(layer),
        *_parameter_notes(layer, formulas),
    )


def _arm_notes(layer: Layer, arm: Arm | None) -> Iterator[str]:
    if arm is None or arm.role != "projection":
        return
    yield _why_projection(arm)
    if layer.op == "conv" and integers(layer, "kernel") == (1, 1):
        into, out = integer(layer, "in_channels"), integer(layer, "out_channels")
        yield f"This 1×1 convolution makes {out} channels of {into}" + (
            f", and its stride brings {by_sign(layer.input_shapes[0][1:])} to {by_sign(layer.output_shape[1:])}."
            if layer.input_shapes[0][1:] != layer.output_shape[1:]
            else "; the height and width stay."
        )


def _join_notes(layer: Layer, arms: Sequence[Arm]) -> Iterator[str]:
    if layer.op not in JOINS:
        return
    if not arms:
        yield "What it is joined with is no layer's output, but a number, a constant or a parameter."
    for arm in arms:
        if arm.role == "identity" and arm.brings == layer.output_shape:
            yield (
                f"The identity arm is free: `{arm.fork.path}` gives {by_sign(arm.brings)}, just what the other arm "
                r"gives, so it is added as it is, y = F(x) + x: no parameters and no MACs (He et al. 2015, "
                f"section 3.2). Only the {'·'.join(map(str, arm.brings))} = {math.prod(arm.brings):,} additions "
                "are left, which aren't counted."
            )
        elif arm.role == "projection":
            yield _why_projection(arm)
        elif arm.role == "gate":
            yield _gate(arm)
    if layer.op == "concat" and arms and concatenated(layer) is not None:
        axis = concatenated(layer) or 0
        brought = ", ".join(f"branch {arm.number} brings {arm.brings[axis]}" for arm in arms)
        agree = "Heights and widths agree" if axis == 0 and len(layer.output_shape) == 3 else "All other sizes agree"
        yield f"{agree}, so what comes in is stacked: {brought}. Nothing is added up or mixed."


def _why_projection(arm: Arm) -> str:
    before, after = arm.fork.output_shape, arm.brings
    if before == after:
        why = (
            f"This arm projects although `{arm.fork.path}` gives {by_sign(before)}, just what is to be added to. "
            "With projections everywhere (option C), He et al. 2015, section 4.1, found results marginally better "
            "than with projections only where shapes differ, put that down to the extra parameters, and found "
            "projections not essential against the degradation of deep networks."
        )
    else:
        why = (
            f"Only equal shapes can be added: `{arm.fork.path}` gives {by_sign(before)}, "
            f"but `{arm.join.path}` needs {by_sign(after)}"
        )
        same_maps = len(before) == len(after) == 3 and before[1:] == after[1:]
        why += (
            f". Only the depths differ, {before[0]} against {after[0]}: what counts is the shape, not the stride."
            if same_maps
            else ", so something on the way has to change it."
        )
        ops = {layer.op for layer in arm.layers.values()}
        if ops <= {"slice", "pad"}:
            return (
                f"{why} This is option A of He et al. 2015, section 3.3: {'pixels are left out, ' * ('slice' in ops)}"
                "maps of zeros are appended, and nothing is learned: 0 parameters, 0 MACs."
            )
    return f"{why} This arm has {arm.params:,} parameters and {arm.macs:,} MACs."


def _gate(arm: Arm) -> str:
    shape = arm.brings
    single = len(shape) == len(arm.join.output_shape) == 3
    each = (
        f"one factor for each of {shape[0]} channels, the same at all places"
        if single and shape[1:] == (1, 1)
        else "one factor for each place, the same in all channels"
        if single and shape[0] == 1
        else "factors"
    )
    return f"Branch {arm.number} is a gate: it brings {by_sign(shape)}, {each}."


def _window_notes(layer: Layer) -> Iterator[str]:
    if not layer.input_shapes or len(layer.input_shapes[0]) != 3 or len(layer.output_shape) != 3:
        return
    before, after = layer.input_shapes[0][1:], layer.output_shape[1:]
    if layer.hyper("output_size"):
        if before == after and before != (1, 1):
            yield f"The output is to be {by_sign(after)}, and so is what comes in: here it changes nothing."
        elif before != after:
            windows = "one window over the whole map" if after == (1, 1) else "windows that are laid out to fit"
            yield f"The output is {by_sign(after)} whatever comes in, here {by_sign(before)}: {windows}."
        return
    if slides(layer) != 2 or layer.op == "convtranspose":
        return
    if layer.hyper("ceil_mode"):
        yield (
            "Rounded up, so that a last window may reach over the edge; one that would begin behind the edge "
            "is left out."
        )
        return
    gaps, unread = [], []
    for axis in (0, 1):
        w = window_of(layer, axis)
        span = w["d"] * (w["k"] - 1) + 1
        gaps.append(w["s"] > span)
        unread.append(max(0, (before[axis] + w["p"] + w["p_after"] - span) % w["s"] - w["p_after"]))
    if any(gaps):
        yield "The stride is larger than the kernel: pixels between the windows are not read at all."
    elif any(unread):
        bottom, right = unread
        yield (
            f"Rounded down: the last of what comes in, {bottom} at the bottom and {right} on the right, "
            "fit no window and are not read."
        )


def _parameter_notes(layer: Layer, formulas: Sequence[Formula]) -> Iterator[str]:
    if layer.shared_with:
        yield (
            f"It applies the weights of `{layer.shared_with}` again. They count there, and "
            f"{f'only {layer.params:,} of its own' if layer.params else '0'} here; its MACs count each time."
        )
    elif layer.params and not any(formula.name == "parameters" for formula in formulas):
        yield f"Parameters of its own: {layer.params:,}."
    elif layer.op == "batchnorm" and not layer.params:
        yield "It only normalises: no scale or shift is learned here."
    if layer.trainable_params < layer.params:
        yield f"{layer.params - layer.trainable_params:,} of its parameters are frozen."


def _once(sizes: Sequence[int]) -> str:
    texts = [with_commas(size) for size in sizes]
    return texts[0] if len(set(texts)) == 1 else " × ".join(texts)
