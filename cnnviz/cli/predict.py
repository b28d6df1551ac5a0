"""`cnnviz predict NET PICTURE`."""

from argparse import Namespace

import torch

from cnnviz import catalogue
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, write
from cnnviz.cli.pictures import enough_memory, filled, foreign_module, read
from cnnviz.engine.local import choose_device
from cnnviz.errors import BadOption
from cnnviz.images import as_mnist, to_input
from cnnviz.networks.lenet import MNIST
from cnnviz.prediction import Prediction, class_names, predict
from cnnviz.views.export import plain


def run(arguments: Namespace) -> None:
    """Print the classes that a network finds likeliest, the margin, and the weights behind them."""
    if arguments.top < 1:
        raise BadOption(f"--top {arguments.top} was given, but at least 1 class has to be shown.")
    options = options_of(arguments)
    picture = read(arguments.picture)
    card = catalogue.card_of(options, foreign=True)
    foreign = foreign_module(options)
    if foreign is None:
        graph = catalogue.describe(options)
    else:
        graph = catalogue.graph_of(foreign, options, foreign=True)
    if card.normalisation == MNIST:
        picture = as_mnist(picture)
    x = torch.from_numpy(to_input(picture, card, (graph.input_shape[1], graph.input_shape[2])))
    device = choose_device(arguments.device)
    module, label, trained = filled(options, foreign, arguments.weights, device)
    with enough_memory(graph.network, device):
        answer = predict(module, x.to(device), graph, class_names(card) if foreign is None else ())

    if arguments.json:
        said = {"network": graph.network, "input_shape": list(graph.input_shape), "weights": label}
        classes = [
            {"index": score.index, "name": score.name, "score": plain(score.value)}
            for score in answer.scores[: arguments.top]
        ]
        found = {"measure": answer.measure, "classes": classes, "margin": plain(answer.margin)}
        write(as_json({**said, "trained": trained, "device": str(device), **found}))
        return
    write(_text(answer, arguments.top))
    meaning = " They have learned nothing: the answer means nothing." if trained is False else ""
    write(f"{graph.network} with {label}, on {device}.{meaning}\n")


def _text(answer: Prediction, top: int) -> str:
    shown = answer.scores[:top]
    distances = answer.measure == "squared distance"
    values = [f"{score.value:.3f}" if distances else f"{100 * score.value:.2f} %" for score in shown]
    names, room = max(len(score.name) for score in shown), max(map(len, values))
    lines = [f"{score.name:{names}}  {value:>{room}}" for score, value in zip(shown, values, strict=True)]
    if len(answer.scores) > 1:
        ahead = f"{answer.margin:.3f}" if distances else f"{100 * answer.margin:.2f} percentage points"
        lines.append(f"{shown[0].name} is ahead by {ahead}{'; the smallest distance wins' if distances else ''}.")
    return "\n".join(lines) + "\n"
