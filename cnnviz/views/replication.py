"""A K x K layer beside what replaces it, in rows and in words."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from cnnviz.analysis.kernels import Chain, Replication, break_even
from cnnviz.graph import Layer
from cnnviz.views.drawing import memory, rounded

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CONVENTION = "1 multiply-accumulate (MAC) counts 1; FLOPs are twice that."
ACTIVATIONS = (
    "Activations are the maps that the layers give, for one picture in float32; non-linearities work in place."
)


def table(r: Replication) -> list[dict[str, str]]:
    """Texts, one row a quantity, its name in a column without one: of the K x K layer, its stack, and the two lines."""
    shown = {single_name(r): r.single, stack_name(r): r.threes, lines_name(r): r.lines}
    many = max(chain.macs for chain in shown.values()) >= 10**8
    quantities: dict[str, Callable[[Chain], str]] = {
        "channels": _channels,
        "weights": lambda chain: f"{chain.weights:,}",
        "saved": lambda chain: "" if chain is r.single else f"{r.saved_by(chain):.1f} %".replace("-", "−"),
        "MACs": lambda chain: rounded(chain.macs) if many else f"{chain.macs:,}",
        "activations": lambda chain: memory(chain.activation_bytes),
        "non-linearities": lambda chain: str(len(chain.layers)),
        "sees": lambda chain: " × ".join(map(str, chain.field)),
        "every": lambda chain: f"{chain.grid[0]} px",
    }
    return [{"": name} | {of: said(chain) for of, chain in shown.items()} for name, said in quantities.items()]


def numbers(r: Replication) -> dict[str, str]:
    """The first that one asks for: weights of both, what is saved, and what both see."""
    both, sees = r.threes.field == r.single.field, f"{r.single.field[0]} × {r.single.field[0]}"
    return {
        "Weights, one layer": f"{r.weights_single:,}",
        f"Weights, {stack_name(r)}": f"{r.weights_stack:,}",
        "Saving": f"{r.saving_percent:.1f} %".replace("-", "−"),
        "Receptive field of both" if both else "Receptive fields": (
            sees if both else f"{sees}, {r.threes.field[0]} × {r.threes.field[0]}"
        ),
    }


def single_name(r: Replication) -> str:
    """The K x K layer."""
    return f"one {r.kernel} × {r.kernel}"


def stack_name(r: Replication) -> str:
    """The stack of 3 x 3 layers."""
    return f"{r.stack} × (3 × 3)"


def lines_name(r: Replication) -> str:
    """The two lines."""
    return f"1 × {r.kernel}, {r.kernel} × 1"


def sentences(r: Replication) -> str:
    """What the stack saves, at what number of channels it would save nothing, and what a stride does to it."""
    saving = abs(r.saving_percent)
    sees = " × ".join(map(str, r.single.field))
    said = [
        f"{'Both see' if r.same else 'The single layer sees'} {sees}; "
        f"the stack has {saving:.1f} % {'fewer' if r.saving_percent >= 0 else 'more'} weights."
    ]
    even = break_even(r)
    if even is not None:
        most = math.ceil(even) - 1
        known = f"up to {most:,}" if most else "none"
        said.append(f"Break-even: {even:,.1f} channels inside, so that {known} save.")
    if r.stride > 1 and r.stack > 1:
        said.append(stride_sentence(r))
    return " ".join(said)


def stride_sentence(r: Replication) -> str:
    """What the stride does where the stack has it."""
    seen, grid = r.threes.field[0], r.threes.grid[0]
    k, s = r.single.field[0], r.stride
    if r.strided == "last":
        times = r.macs_stack / r.macs_single
        return (
            f"With the stride in its last layer, the stack sees the same window every {s} pixels, but all its other "
            f"layers run over the whole map: {times:,.2f} times the MACs."
        )
    if r.strided == "first":
        return (
            f"With the stride in its first layer, each later 3 × 3 steps {s} pixels a unit: "
            f"the stack sees {seen} × {seen}, not {k} × {k}."
        )
    return (
        f"With the stride in each layer, strides multiply: a unit every {grid} pixels, not every {s}, "
        f"that sees {seen} × {seen}, not {k} × {k}."
    )


def _channels(chain: Chain) -> str:
    channels = (chain.layers[0].before, *(layer.after for layer in chain.layers))
    return " → ".join(map(str, channels if len(channels) <= 7 else (*channels[:3], "…", channels[-1])))


def reached_sentence(supports: Sequence["npt.NDArray[np.bool_]"]) -> str:
    """Which pixels a gradient reaches through the single layer, the stack and the lines."""
    first, *others = supports
    sizes = [" × ".join(map(str, support.shape)) for support in supports]
    if all(first.tolist() == other.tolist() for other in others):
        return (
            f"**The same {int(first.sum()):,} pixels** of {sizes[0]}: the gradient of one unit gets to them through "
            "the one layer, through the stack and through the two lines. In the stack, more ways lead to the middle."
        )
    return f"The gradient reaches {', '.join(sizes)} pixels: not the same."


def composed_sentence(border: int, inside: float, outside: float) -> str:
    """How far a linear stack and its one kernel are apart on a picture, as shares of the largest value."""
    if not border:
        return f"One layer is its own kernel: they differ by {inside:.0e} of the largest value."
    pixels = f"{border} pixel{'s' if border > 1 else ''}"
    return (
        "Without non-linearities the stack **is** one kernel: "
        f"inside, they differ by {inside:.0e} of the largest value, "
        f"which is rounding; within {pixels} of the border by up to {outside:.2f}, as maps between are padded anew."
    )


def fitted_sentence(size: int, found: Sequence[tuple[int, float]]) -> str:
    """What a stack can't be: weights and residual for one channel inside, two, and so on."""
    weights, left = found[0]
    enough = next((at for at, (_, rest) in enumerate(found, start=1) if rest < 0.01), None)
    said = (
        f"What the stack can't be: of a random {size} × {size}, with {size**2} weights, its {weights} weights leave "
        f"**{100 * left:.0f} %**"
    )
    if enough is None or enough == 1:
        return f"{said}."
    return f"{said}; with {enough} channels inside, and {found[enough - 1][0]} weights, nothing is left."


# --- in a network ------------------------------------------------------------


class Swapped(Protocol):
    """A layer of a network, and the stack that replaces it; a `Swap` of the lesson is one."""

    single: Layer
    stack: tuple[Layer, ...]
    kernel: int
    stride: int
    params: int
    macs: int
    sees: tuple[int, int]


def swaps_table(swaps: Sequence[Swapped]) -> list[dict[str, str]]:
    """Texts, one row a replaced layer: its block or itself, its kernel, parameters and MACs before and after."""
    return [
        {
            "replaced": swap.single.path.rpartition(".")[0] or swap.single.path,
            "kernel": f"{swap.kernel} × {swap.kernel}{f' / {swap.stride}' if swap.stride > 1 else ''}",
            "parameters": _arrow(swap.single.params, swap.params),
            "MACs": _arrow(swap.single.macs, swap.macs),
        }
        for swap in swaps
    ]


def _arrow(before: int, after: int) -> str:
    return " → ".join(rounded(number).replace(" ", "\u00a0") for number in (before, after))


def swaps_sentence(swaps: Sequence[Swapped]) -> str:
    """How many layers of each stride got fewer weights, and what a stride did to the stack that took it."""
    fewer = sum(swap.params < swap.single.params for swap in swaps)
    said = [f"**{fewer} of {len(swaps)}** replaced layers have fewer parameters as a stack of 3 × 3."]
    for swap in swaps:
        if swap.stride == 1:
            continue
        name, (own, seen), times = swap.single.path, swap.sees, swap.macs / swap.single.macs
        costs = f"{times:,.1f} times the MACs" if times >= 1 else f"{times:.0%} of the MACs"
        if seen == own:
            said.append(
                f"{name} steps {swap.stride} pixels: its stack does so in its last layer, sees the same {own} × {own}, "
                f"and all its other layers run over every pixel: {costs}."
            )
        else:
            said.append(
                f"{name} steps {swap.stride} pixels: its stack does so in its first layer, for {costs}, but sees "
                f"{seen} × {seen}, not {own} × {own}, and so does all that follows: **the rule needs stride 1**."
            )
    return " ".join(said)
