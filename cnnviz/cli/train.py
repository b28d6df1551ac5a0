"""`cnnviz train RECIPE --data DIR`."""

import json
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from cnnviz.cli.output import write
from cnnviz.engine.local import choose_device
from cnnviz.errors import BadOption
from cnnviz.training.data import DATA
from cnnviz.training.loop import Epoch, train
from cnnviz.training.recipes import recipe
from cnnviz.weights import cache_folder


def run(arguments: Namespace) -> None:
    """Follow a recipe: a line an epoch, then where weights and log are."""
    chosen = recipe(arguments.recipe)
    device = choose_device(arguments.device)
    folder = Path(arguments.output or f"runs/{chosen.name}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOption(f"The folder '{folder}' can't be made: {error.strerror or error}.") from error
    place = Path(arguments.data).expanduser() if arguments.data else cache_folder() / "data"
    data = DATA[chosen.dataset](place, notify=lambda text: print(text, file=sys.stderr))

    with tqdm(leave=False, unit="step", disable=not sys.stderr.isatty()) as bar:

        def on_step(epoch: int, done: int, steps: int) -> None:
            if done == 1:
                bar.reset(steps)
                bar.set_description(f"epoch {epoch} of {chosen.epochs}")
            bar.update(1)

        def on_epoch(line: Epoch) -> None:
            bar.clear()
            write(json.dumps(asdict(line)) + "\n" if arguments.json else _text(line, chosen.epochs))
            sys.stdout.flush()

        done = train(
            chosen,
            data,
            folder,
            seed=arguments.seed,
            epochs=arguments.epochs,
            device=device,
            on_step=on_step,
            on_epoch=on_epoch,
        )
    if not arguments.json:
        epochs, reached = len(done.epochs), done.epochs[-1].test_accuracy
        write(
            f"After {epochs} epoch{'s' if epochs > 1 else ''} {reached:.2f} % of the {len(data.test.labels):,} "
            f"test pictures are recognised.\nWeights: {done.weights}\nLog:     {done.log}\n"
        )


def _text(line: Epoch, epochs: int) -> str:
    loss = "diverged" if line.loss is None else f"{line.loss:.4f}"
    return (
        f"epoch {line.epoch:>{len(str(epochs))}} of {epochs}: loss {loss}, training {line.train_accuracy:.2f} %, "
        f"test {line.test_accuracy:.2f} %, {line.seconds:.1f} s\n"
    )
