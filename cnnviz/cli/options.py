"""The options that change a network, from a command line."""

import sys
from argparse import Namespace
from pathlib import Path

from cnnviz.catalogue import Options, is_foreign, parse_input, parse_size
from cnnviz.errors import BadOption


def options_of(arguments: Namespace) -> Options:
    """What a command line says of its network.

    Raises:
        BadOption: --input or --size isn't written as it should be, or they contradict each other.
    """
    channels, size = None, None
    if arguments.input is not None:
        channels, *sides = parse_input(arguments.input)
        size = (sides[0], sides[1])
    if (given := getattr(arguments, "size", None)) is not None:
        if size not in (None, parse_size(given)):
            raise BadOption(f"--input {arguments.input} and --size {given} contradict each other: leave one out.")
        size = parse_size(given)
    here = str(Path.cwd())
    if is_foreign(arguments.network) and here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` has it: nets:MyNet is nets.py of this folder
    return Options(
        network=arguments.network,
        size=size,
        channels=channels,
        classes=arguments.classes,
        shortcut=arguments.shortcut,
        heads=arguments.heads,
    )
