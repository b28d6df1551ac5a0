"""`cnnviz predict NET --held-out DIR`."""

import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from cnnviz import networks
from cnnviz.catalogue import as_trained
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, write
from cnnviz.cli.pictures import filled
from cnnviz.engine.local import choose_device
from cnnviz.errors import BadOption
from cnnviz.prediction import class_names
from cnnviz.training.data import DATA, Split
from cnnviz.training.held_out import Answer, answers, sheet_png


def run(arguments: Namespace) -> None:
    """Print what a network says of every picture that its weights never learned from, the wrong answers included."""
    options = options_of(arguments)
    source = networks.source_for(options.network, arguments.weights, **options.chosen)
    training = source.training
    if training is None:
        raise BadOption(
            f"--held-out asks for pictures that the weights never learned from, which is known of bundled weights; "
            f"{options.network} has {source.label}."
        )
    options = as_trained(options, training)
    read = DATA[training.dataset]
    split = read(Path(arguments.held_out).expanduser(), notify=lambda text: print(text, file=sys.stderr)).test
    device, card = choose_device(arguments.device), networks.card(options.network)
    module, _ = filled(options, arguments.weights, device)
    label = source.label
    split = Split(split.images.to(device), split.labels.to(device))
    found = answers(module, split, card, options.size[0] if options.size else None)
    names, right = class_names(card, training), sum(answer.right for answer in found)
    said = f"{right:,} of {len(found):,} held-out pictures of {training.dataset} are recognised"
    if arguments.output:
        title = f"{options.network} with {label}: {said}"
        write(sheet_png(split.images.cpu(), found, names, title), arguments.output)
    if arguments.json:
        facts = {"network": options.network, "weights": label, "dataset": training.dataset, "right": right}
        write(as_json({**facts, "pictures": [asdict(answer) for answer in found]}))
        return
    if not arguments.output:
        write("".join(_line(answer, names) for answer in found))
    write(f"{said}.\n{options.network} with {label}, on {device}.\n")


def _line(answer: Answer, names: tuple[str, ...]) -> str:
    mark, room = "" if answer.right else "  wrong", max(map(len, names))
    truth, said = names[answer.truth], names[answer.answer]
    return f"{answer.index:>5}  {truth:{room}}  taken for {said:{room}} {100 * answer.probability:6.2f} %{mark}\n"
