"""`cnnviz receptive-field NET LAYER`."""

from argparse import Namespace

from cnnviz.catalogue import describe
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, write
from cnnviz.views.export import receptive_field_json


def run(arguments: Namespace) -> None:
    """Print size, stride and start of a layer's receptive field."""
    graph = describe(options_of(arguments))
    inside = {block.path: block.layers for block in graph.blocks}
    layer = graph.layer(inside.get(arguments.layer, (arguments.layer,))[-1])  # a block sees what its end sees
    field = layer.receptive_field
    if arguments.json:
        write(as_json(receptive_field_json(graph, layer)))
    elif field is None:
        write(f"A unit of {graph.network}'s {layer.path} sees the whole input, or no fixed window of it.\n")
    else:
        write(
            f"size    {field.size[0]} × {field.size[1]}\n"
            f"stride  {field.stride[0]} × {field.stride[1]}\n"
            f"start   {field.start[0]}, {field.start[1]}\n"
            f"Height and width in pixels of the input: unit i of an axis of {graph.network}'s {layer.path} "
            f"sees `size` pixels from start + i × stride on.\n"
        )
