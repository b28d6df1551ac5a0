"""`cnnviz bench [PART]`."""

import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path

from cnnviz import bench
from cnnviz.cli.output import as_json, write
from cnnviz.errors import BadOption, CnnvizError


def run(arguments: Namespace) -> None:
    """Measure one part, or all of them; where one of all can't be measured here, that is said, and the rest goes on."""
    if arguments.repetitions < 1:
        raise BadOption(f"--repetitions {arguments.repetitions} was given, but a median needs 1 or more.")
    folder = Path(arguments.output) if arguments.output else None
    if folder and not folder.is_dir():
        raise BadOption(f"-o {arguments.output} was given, but it has to be a folder that is there.")
    machine = bench.machine()
    measured: dict[str, list[bench.Row]] = {}
    left_out: dict[str, str] = {}
    for part in bench.PARTS if arguments.part == "all" else [arguments.part]:
        try:
            measured[part] = import_module(f"cnnviz.bench.{part}").measure(arguments.repetitions)
        except CnnvizError as error:
            if arguments.part != "all":
                raise
            left_out[part] = str(error)
            print(f"{part} isn't measured: {error}", file=sys.stderr)
    parts = [bench.as_json(part, rows, machine) for part, rows in measured.items()]
    as_data = as_json({"parts": parts, "left_out": left_out})
    write(as_data if arguments.json else "\n".join(bench.as_text(rows, machine) for rows in measured.values()))
    if folder:
        tables = [bench.as_markdown(part, rows) for part, rows in measured.items()]
        write(as_data, str(folder / "bench.json"))
        write("\n".join([*tables, f"{bench.note(machine)}.", ""]), str(folder / "bench.md"))
