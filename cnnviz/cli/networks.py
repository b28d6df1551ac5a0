"""`cnnviz networks`."""

from argparse import Namespace

from cnnviz.catalogue import Options, describe
from cnnviz.cli.output import as_json, write
from cnnviz.networks import cards
from cnnviz.views import export, tables


def run(arguments: Namespace) -> None:
    """List the catalogue, each network at its own input size."""
    known = cards()
    totals = {key: describe(Options(key)).totals for key in known}
    if arguments.json:
        write(as_json(export.networks_json(known.values(), totals)))
    else:
        write(tables.networks_text(tables.networks(known.values(), totals)))
