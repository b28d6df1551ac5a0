"""A K x K layer beside what replaces it, in rows and in words."""

import math

from cnnviz.analysis.kernels import Chain, Replication, break_even

CONVENTION = "1 multiply-accumulate (MAC) counts 1; FLOPs are twice that."
ACTIVATIONS = (
    "Activations are the maps that the layers give, for one picture in float32; non-linearities work in place."
)


def rows(r: Replication) -> list[dict[str, str]]:
    """The K x K layer, its stack of 3 x 3 layers, and two lines, one row each; all of one set of columns."""
    ends = (r.channels_in, r.channels_out)
    return [
        _row(name, r, chain, channels)
        for name, chain, channels in (
            (single_name(r), r.single, ends),
            (stack_name(r), r.threes, r.channels),
            (lines_name(r), r.lines, (r.channels_in, r.mid, r.channels_out)),
        )
    ]


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


def _row(name: str, r: Replication, chain: Chain, channels: tuple[int, ...]) -> dict[str, str]:
    kept = channels if len(channels) <= 7 else (*channels[:3], "…", channels[-1])
    return {
        "": name,
        "channels": " → ".join(map(str, kept)),
        "weights": f"{chain.weights:,}",
        "saved": "" if chain is r.single else f"{r.saved_by(chain):.1f} %".replace("-", "−"),
        "MACs": f"{chain.macs:,}",
        "activations": f"{chain.activation_bytes:,} B",
        "non-linearities": str(len(chain.layers)),
        "sees": " × ".join(map(str, chain.field)),
        "every": f"{chain.grid[0]} px",
    }
