"""`cnnviz replicate K`."""

import re
from argparse import Namespace

from cnnviz.analysis.kernels import replicate
from cnnviz.cli.output import as_json, write
from cnnviz.errors import BadOption
from cnnviz.views.export import replicate_json


def run(arguments: Namespace) -> None:
    """Print what a stack of 3 x 3 layers saves."""
    size = re.fullmatch(r"\s*(-?\d{1,9})\s*,\s*(-?\d{1,9})\s*", arguments.map)
    if size is None:
        raise BadOption(f"The map '{arguments.map[:40]}' was given, but height,width are needed, as in 56,56.")
    r = replicate(
        arguments.kernel,
        arguments.channels_in,
        arguments.mid,
        arguments.channels_out,
        (int(size[1]), int(size[2])),
    )
    if arguments.json:
        write(as_json(replicate_json(r)))
        return
    k, side = r.kernel, r.receptive_field[0]
    rows = (
        ("", "channels", "weights", "MACs"),
        (
            f"1 layer of {k} × {k}",
            f"{r.channels[0]} → {r.channels[-1]}",
            f"{r.weights_single:,}",
            f"{r.macs_single:,}",
        ),
        (f"{r.stack} of 3 × 3", _channels(r.channels), f"{r.weights_stack:,}", f"{r.macs_stack:,}"),
    )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        write("  ".join([row[0].ljust(widths[0]), *cells]) + "\n")
    saving = abs(r.saving_percent)
    compared = f"{saving:.1f} % {'fewer' if r.saving_percent >= 0 else 'more'} weights"
    write(
        f"Both see {side} × {side}; the stack has {compared}.\n"
        "Biases are left out. 1 multiply-accumulate (MAC) counts 1; FLOPs are twice that.\n"
    )


def _channels(channels: tuple[int, ...]) -> str:
    shown = channels if len(channels) <= 7 else (*channels[:3], "…", channels[-1])
    return " → ".join(map(str, shown))
