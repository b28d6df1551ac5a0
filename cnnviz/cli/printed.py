"""`cnnviz printed NET`."""

from argparse import Namespace

from cnnviz.against import beside, papers_input, printed
from cnnviz.cli.output import as_json, write
from cnnviz.views import against
from cnnviz.views.export import printed_json


def run(arguments: Namespace) -> None:
    """Print a printed table beside the computed one."""
    held = printed(arguments.network)
    if arguments.json:
        write(as_json(printed_json(held)))
        return
    write(against.text(held))
    write(
        "".join(
            f"{sentence}\n" for sentence in (*beside(arguments.network), papers_input(arguments.network)) if sentence
        )
    )
