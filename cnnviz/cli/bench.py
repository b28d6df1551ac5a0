"""`cnnviz bench [PART]`."""

from argparse import Namespace
from importlib import import_module

from cnnviz import bench
from cnnviz.cli.output import as_json, write
from cnnviz.errors import BadOption


def run(arguments: Namespace) -> None:
    """Measure one part, or all of them."""
    if arguments.repetitions < 1:
        raise BadOption(f"--repetitions {arguments.repetitions} was given, but a median needs 1 or more.")
    machine = bench.machine()
    parts = [arguments.part] if arguments.part else list(bench.PARTS)
    measured = {part: import_module(f"cnnviz.bench.{part}").measure(arguments.repetitions) for part in parts}
    if arguments.json:
        write(as_json({"parts": [bench.as_json(part, rows, machine) for part, rows in measured.items()]}))
        return
    write("\n".join(bench.as_text(rows, machine) for rows in measured.values()))
