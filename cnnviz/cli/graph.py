"""`cnnviz graph NET`."""

import sys
from argparse import Namespace

from cnnviz.catalogue import describe
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, chosen, write
from cnnviz.errors import BadOption
from cnnviz.views.dot import dot
from cnnviz.views.drawing import Unfolded
from cnnviz.views.export import graph_json
from cnnviz.views.layout import render
from cnnviz.views.mermaid import mermaid

FORMATS = {
    ".svg": "svg",
    ".png": "png",
    ".pdf": "pdf",
    ".dot": "dot",
    ".gv": "dot",
    ".json": "json",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
}
SECONDS = 120.0  # nobody else waits for this picture


def run(arguments: Namespace) -> None:
    """Draw the layer graph of a network."""
    form = chosen(arguments.format, arguments.output, FORMATS, "dot")
    if form in ("png", "pdf") and arguments.output is None and sys.stdout.isatty():
        raise BadOption(f"A {form.upper()} is no text for a terminal: name a file for it, as in -o graph.{form}.")
    graph = describe(options_of(arguments))
    unfolded: Unfolded = arguments.unfolded or ()
    match form:
        case "json":
            content: str | bytes = as_json(graph_json(graph))
        case "dot":
            content = dot(graph, unfolded=unfolded)
        case "mermaid":
            content = mermaid(graph, unfolded=unfolded)
        case "svg" | "png" | "pdf":
            content = render(dot(graph, unfolded=unfolded), form, SECONDS)
    write(content, arguments.output)
