"""Networks, and the options that change them, from a command line."""

import sys
from argparse import Namespace
from pathlib import Path

from cnnviz import networks
from cnnviz.catalogue import Options, describe, parse_input, parse_size
from cnnviz.errors import BadOption
from cnnviz.networks.foreign import is_foreign

CHANGES = ("classes", "shortcut", "heads", "batch_norm")


def brought(arguments: Namespace) -> tuple[str, ...]:
    """The keys of the networks that `cnnviz app` was given; those of the user's own are brought, and followed once.

    Raises:
        CnnvizError: a key that isn't there, a network that can't be had or followed, or options without one.
    """
    keys: tuple[str, ...] = tuple(dict.fromkeys(arguments.networks))
    for key in keys:
        if is_foreign(key):
            describe(options_of(Namespace(**vars(arguments), network=key)))
        networks.card(key)
    given = [name.replace("_", "-") for name in ("input", *CHANGES) if getattr(arguments, name) is not None]
    if given and not any(map(is_foreign, keys)):
        raise BadOption(f"--{given[0]} is for networks of your own, but none is named; the page sets it for ours.")
    return keys


def options_of(arguments: Namespace) -> Options:
    """What a command line says of its network; one of the user's own is brought into the catalogue.

    Raises:
        BadOption: --input or --size isn't written as it should be, or they contradict each other; a network of the
            user's own can't be had.
    """
    shape = None if arguments.input is None else parse_input(arguments.input)
    size = None if shape is None else shape[1:]
    if (given := getattr(arguments, "size", None)) is not None:
        if size not in (None, parse_size(given)):
            raise BadOption(f"--input {arguments.input} and --size {given} contradict each other: leave one out.")
        size = parse_size(given)
    chosen = {name: getattr(arguments, name) for name in CHANGES}
    if not is_foreign(arguments.network):
        return Options(arguments.network, size=size, channels=None if shape is None else shape[0], **chosen)
    folder = str(Path(getattr(arguments, "folder", ".")).resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python -m` has it: nets:MyNet is nets.py of this folder
    networks.bring(arguments.network, shape or (3, 224, 224), **chosen)
    return Options(arguments.network, size=size)
