"""`cnnviz replicate K`."""

import re
from argparse import Namespace

from cnnviz.analysis.kernels import replicate
from cnnviz.cli.output import as_json, write
from cnnviz.errors import BadOption
from cnnviz.views import replication
from cnnviz.views.export import replicate_json


def run(arguments: Namespace) -> None:
    """Print what a stack of 3 x 3 layers saves, and two lines."""
    size = re.fullmatch(r"\s*(-?\d{1,9})\s*,\s*(-?\d{1,9})\s*", arguments.map)
    if size is None:
        raise BadOption(f"The map '{arguments.map[:40]}' was given, but height,width are needed, as in 56,56.")
    r = replicate(
        arguments.kernel,
        arguments.channels_in,
        arguments.mid,
        arguments.channels_out,
        (int(size[1]), int(size[2])),
        bias=arguments.bias,
        dilation=arguments.dilation,
        stride=arguments.stride,
        strided=arguments.strided,
    )
    if arguments.json:
        write(as_json(replicate_json(r)))
        return
    rows = replication.table(r)
    columns = [[name, *(row[name] for row in rows)] for name in rows[0]]
    widths = [max(map(len, column)) for column in columns]
    for line in zip(*columns, strict=True):
        cells = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        write("  ".join([line[0].ljust(widths[0]), *cells]) + "\n")
    biases = f"Biases are {'counted' if r.bias else 'left out'}."
    write(f"\n{replication.sentences(r)} {biases}\n{replication.ACTIVATIONS}\n{replication.CONVENTION}\n")
