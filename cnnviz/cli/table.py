"""`cnnviz table NET`."""

from argparse import Namespace

from cnnviz.catalogue import construct, graph_of, input_shape
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, chosen, write
from cnnviz.summary import torchinfo_text
from cnnviz.views import export, tables

FORMATS = {".txt": "text", ".json": "json", ".csv": "csv", ".md": "markdown", ".tex": "latex"}


def run(arguments: Namespace) -> None:
    """Print the layers of a network."""
    form = chosen(arguments.format, arguments.output, FORMATS, "text")
    options = options_of(arguments)
    module = construct(options)
    graph = graph_of(module, options)
    match form:
        case "json":
            text = as_json(export.table_json(graph))
        case "torchinfo":
            text = torchinfo_text(module, input_shape(options))
        case "text" | "csv" | "markdown" | "latex":
            text = tables.printed(graph, form)
    write(text, arguments.output)
