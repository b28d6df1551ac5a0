"""`cnnviz predict NET PICTURE`."""

from argparse import Namespace

from cnnviz import networks
from cnnviz.catalogue import as_trained, describe
from cnnviz.cli import held_out
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, write
from cnnviz.cli.pictures import enough_memory, filled, read, received
from cnnviz.engine.local import choose_device
from cnnviz.errors import BadOption
from cnnviz.prediction import Prediction, class_names, predict
from cnnviz.views.export import plain


def run(arguments: Namespace) -> None:
    """Print the classes that a network finds likeliest, the margin, and the weights behind them."""
    if arguments.top < 1:
        raise BadOption(f"--top {arguments.top} was given, but at least 1 class has to be shown.")
    if (arguments.picture is None) == (arguments.held_out is None):
        raise BadOption("One of the two is needed: a PICTURE, or --held-out DIR for all of a data set's.")
    if arguments.held_out:
        held_out.run(arguments)
        return
    if arguments.output:
        raise BadOption(f"-o {arguments.output} was given, but a sheet is made of --held-out pictures only.")
    options = options_of(arguments)
    picture = read(arguments.picture)
    card = networks.card(options.network)
    training = networks.source_for(options.network, arguments.weights, **options.chosen).training
    options = as_trained(options, training)
    graph, names = describe(options), class_names(card, training)
    x = received(picture, card, graph, arguments)
    device = choose_device(arguments.device)
    module, source = filled(options, arguments.weights, device)
    with enough_memory(graph.network, device):
        answer = predict(module, x.to(device), graph, names)

    if arguments.json:
        said = {"network": graph.network, "input_shape": list(graph.input_shape), "weights": source.label}
        classes = [
            {"index": score.index, "name": score.name, "score": plain(score.value)}
            for score in answer.scores[: arguments.top]
        ]
        found = {"measure": answer.measure, "classes": classes, "margin": plain(answer.margin)}
        write(as_json({**said, "trained": source.trained, "device": str(device), **found}))
        return
    write(_text(answer, arguments.top))
    meaning = " They have learned nothing: the answer means nothing." if source.trained is False else ""
    write(f"{graph.network} with {source.label}, on {device}.{meaning}\n")


def _text(answer: Prediction, top: int) -> str:
    shown = answer.scores[:top]
    values = [answer.said(score.value) for score in shown]
    names, room = max(len(score.name) for score in shown), max(map(len, values))
    lines = [f"{score.name:{names}}  {value:>{room}}" for score, value in zip(shown, values, strict=True)]
    if len(answer.scores) > 1:
        lines.append(answer.verdict)
    return "\n".join(lines) + "\n"
