"""The training loop: a recipe, data and a seed -> weights, and a log of how they came about.

Every epoch starts from a random state of its own, made of the seed and the epoch's number, and a
checkpoint is written after each: a run that was stopped goes on to the same bits as one that wasn't.
"""

import hashlib
import json
import math
import os
import pickle
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from cnnviz import networks
from cnnviz.errors import BadData, BadOption
from cnnviz.images import margin
from cnnviz.networks.card import Card
from cnnviz.networks.meta import Unfilled
from cnnviz.training.data import Data, Split
from cnnviz.training.recipes import Recipe
from cnnviz.weights import initialise

CHECKPOINT = "checkpoint.pt"
TEST_BATCH = 500


@dataclass(frozen=True)
class Epoch:
    """One line of the log.

    Attributes:
        loss: cross-entropy, the mean over the epoch's pictures as they were learned from: augmented, and
            each by the weights of its moment. `train_accuracy`, in percent, likewise.
        test_loss, test_accuracy: on the whole test split, by the weights at the epoch's end.
        rate: the last step's learning rate.
        seconds: of training and testing.
        gradient_norms: for each layer with parameters, the L2 norm of the loss's gradient with respect to
            all of them, the mean over the epoch's steps.
    """

    epoch: int
    loss: float | None
    train_accuracy: float
    test_loss: float | None
    test_accuracy: float
    rate: float
    seconds: float
    gradient_norms: dict[str, float | None]


@dataclass(frozen=True)
class Run:
    """Where a training stands, and its files.

    Attributes:
        epochs: the log so far.
        weights, log: the files; the weights are those after the last epoch, whatever came before.
    """

    epochs: list[Epoch]
    weights: Path
    log: Path


def train(
    recipe: Recipe,
    data: Data,
    folder: Path,
    *,
    seed: int = 0,
    epochs: int | None = None,
    device: torch.device | str = "cpu",
    on_step: Callable[[int, int, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Run:
    """Follow a recipe, from the start or from where the folder's checkpoint ends.

    Args:
        folder: gets the checkpoint, the log (RECIPE.jsonl, JSON, an epoch a line) and the weights
            (NETWORK.safetensors).
        seed: of the initial weights, the order of the pictures and their augmentation.
        epochs: stop after so many of the recipe's epochs; its schedule stays the same, a later call
            goes on, and a folder that has more already keeps them.
        on_step: is told epoch (from 1), steps done in it, and steps of an epoch.
        on_epoch: is told each new line of the log.

    Raises:
        BadOption: more epochs than the recipe has, or fewer than 1.
        BadData: the folder's checkpoint is damaged, or another recipe's, seed's or data set's.
    """
    last = recipe.epochs if epochs is None else epochs
    if not 1 <= last <= recipe.epochs:
        raise BadOption(f"{last} epochs were asked for, but {recipe.name} has 1 to {recipe.epochs}.")
    place = torch.device(device)
    run = Run([], folder / f"{recipe.network}.safetensors", folder / f"{recipe.name}.jsonl")
    card = networks.card(recipe.network)
    with Unfilled():
        module = card.build(**recipe.options, **recipe.variant)
    initialise(module, seed)
    module.to(place)
    if recipe.bfloat16:
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(
        module.parameters(),
        recipe.rate,
        recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )
    identity = f"{recipe}, seed {seed}, {data.name} {len(data.train.labels)} + {len(data.test.labels)}"
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists():
        _resume(checkpoint, identity, module, optimiser, run.epochs)
    train_split, test_split = (_on(place, split) for split in (data.train, data.test))
    folder.mkdir(parents=True, exist_ok=True)
    while len(run.epochs) < last and not _reached(recipe, run.epochs):
        line = _epoch(recipe, card, module, optimiser, train_split, test_split, seed, len(run.epochs), on_step)
        run.epochs.append(line)
        _save(checkpoint, identity, module, optimiser, run.epochs)
        write_log(run.log, run.epochs)
        if on_epoch:
            on_epoch(line)
    facts = {"recipe": recipe.name, "dataset": data.name, "seed": seed, "epochs": len(run.epochs)}
    facts |= {"size": recipe.size or card.input_shape[1], **recipe.options, **recipe.variant}
    facts |= {"test_accuracy": run.epochs[-1].test_accuracy, "torch": torch.__version__}
    if recipe.float16:
        module.half()
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    save_file(state, run.weights, {"training": json.dumps(facts)})  # one entry, as safetensors keeps no order
    return run


def prepare(images: Tensor, card: Card) -> Tensor:
    """Pictures of a data set as `images.as_received` shows one to the network, in 0..1.

    Args:
        images: (N, C, h, w), uint8, of the size that the card's border leaves of its input.

    Returns:
        (N, C, H, W), float32, not normalised yet.
    """
    return functional.pad(images.float() / 255, (card.border,) * 4, mode="replicate")


def enlarged(x: Tensor, card: Card, size: int | None) -> Tensor:
    """Pictures at the size that a recipe asks for, as `images.as_received` enlarges one: its middle, bilinear.

    Args:
        x: (N, C, h, w), square.
        size: of the network's input; None leaves the pictures as they are.

    Returns:
        (N, C, size, size).
    """
    if size is None:
        return x
    whole = round(size * margin(card))
    lead = round((whole - size) / 2)
    y = functional.interpolate(x, (whole, whole), mode="bilinear", antialias=True)
    return y[..., lead : lead + size, lead : lead + size]


def logits(module: nn.Module) -> nn.Module:
    """The network up to its class scores: without the softmax that it may end in, with the same parameters.

    Cross-entropy takes the logarithm of the softmax in one, by subtracting the largest score first. The
    logarithm of a softmax that was computed before would be that of 0 where a class has lost by far.
    """
    if isinstance(module, nn.Sequential) and isinstance(module[-1], nn.Softmax):
        return nn.Sequential(*list(module)[:-1])
    return module


def evaluate(module: nn.Module, split: Split, card: Card, size: int | None = None) -> tuple[float, float]:
    """Mean cross-entropy, and accuracy in percent, of a network that gives class scores or probabilities.

    The split lies on the module's device; `size` is as in `enlarged`.
    """
    scores = scores_of(module, split, card, size)
    correct = int((scores.argmax(1) == split.labels).sum())
    return float(functional.cross_entropy(scores, split.labels)), 100 * correct / len(split.labels)


def scores_of(module: nn.Module, split: Split, card: Card, size: int | None = None) -> Tensor:
    """(N, classes): the class scores, before any softmax, of every picture of a split; as `evaluate`."""
    plain = logits(module).eval()
    with torch.inference_mode():
        batches = torch.split(split.images, TEST_BATCH)
        return torch.cat([plain(_normalised(enlarged(prepare(part, card), card, size), card)) for part in batches])


def write_log(file: Path, epochs: list[Epoch]) -> None:
    """The log as JSON, an epoch a line; a number that is none (a training that diverged) is null."""
    _replace(file, "".join(json.dumps(asdict(line), allow_nan=False) + "\n" for line in epochs).encode())


def read_log(file: Path) -> list[Epoch]:
    """What `write_log` wrote."""
    return [Epoch(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]


# --- one epoch ---------------------------------------------------------------


def _epoch(
    recipe: Recipe,
    card: Card,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    train: Split,
    test: Split,
    seed: int,
    number: int,
    on_step: Callable[[int, int, int], None] | None,
) -> Epoch:
    start, rate = time.perf_counter(), 0.0
    place, n = train.labels.device, len(train.labels)
    state = int.from_bytes(hashlib.sha256(f"{seed} epoch {number}".encode()).digest()[:8], "big") >> 1
    generator = torch.Generator().manual_seed(state)
    layers = {path: own for path, child in module.named_modules() if (own := list(child.parameters(recurse=False)))}
    norms = {path: torch.zeros((), device=place) for path in layers}
    loss_sum, correct = torch.zeros((), device=place), torch.zeros((), dtype=torch.int64, device=place)
    learning = logits(module).train()
    order = torch.randperm(n, generator=generator).to(place)
    steps = math.ceil(n / recipe.batch)
    with torch.random.fork_rng():
        torch.manual_seed(state)  # dropout draws from the global state
        for step, chosen in enumerate(torch.split(order, recipe.batch)):
            rate = recipe.rate * recipe.schedule((number * steps + step) / (recipe.epochs * steps))
            optimiser.param_groups[0]["lr"] = rate
            x, labels = prepare(train.images[chosen], card), train.labels[chosen]
            if recipe.augmentation:
                x = recipe.augmentation(x, generator)
            with torch.autocast(place.type, torch.bfloat16) if recipe.bfloat16 else nullcontext():
                scores = learning(_normalised(enlarged(x, card, recipe.size), card))
            loss = functional.cross_entropy(scores.float(), labels)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            for path, own in layers.items():
                norms[path] += nn.utils.get_total_norm([p.grad for p in own if p.grad is not None])
            optimiser.step()
            loss_sum += loss.detach() * len(labels)
            correct += (scores.argmax(1) == labels).sum()
            if on_step:
                on_step(number + 1, step + 1, steps)
    test_loss, test_accuracy = evaluate(module, test, card, recipe.size)
    return Epoch(
        epoch=number + 1,
        loss=_number(float(loss_sum) / n),
        train_accuracy=round(100 * int(correct) / n, 4),
        test_loss=_number(test_loss),
        test_accuracy=round(test_accuracy, 4),
        rate=float(f"{rate:.6g}"),
        seconds=round(time.perf_counter() - start, 1),
        gradient_norms={path: _number(float(norm) / steps) for path, norm in norms.items()},
    )


def _reached(recipe: Recipe, epochs: list[Epoch]) -> bool:
    return bool(recipe.until and epochs and epochs[-1].train_accuracy >= recipe.until)


def _normalised(x: Tensor, card: Card) -> Tensor:
    mean, std = (x.new_tensor(values)[:, None, None] for values in (card.normalisation.mean, card.normalisation.std))
    return (x - mean) / std


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _on(place: torch.device, split: Split) -> Split:
    return Split(split.images.to(place), split.labels.to(place))


# --- files -------------------------------------------------------------------


def _save(file: Path, identity: str, module: nn.Module, optimiser: torch.optim.Optimizer, epochs: list[Epoch]) -> None:
    part = file.with_suffix(".part")
    torch.save(
        {
            "identity": identity,
            "module": module.state_dict(),
            "optimiser": optimiser.state_dict(),
            "epochs": [asdict(line) for line in epochs],
        },
        part,
    )
    os.replace(part, file)


def _resume(
    file: Path, identity: str, module: nn.Module, optimiser: torch.optim.Optimizer, epochs: list[Epoch]
) -> None:
    try:
        saved = torch.load(file, "cpu", weights_only=True)
        known = saved["identity"]
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise BadData(f"The checkpoint '{file}' is damaged: delete it to start anew.") from error
    if known != identity:
        raise BadData(f"The checkpoint '{file}' is of another recipe, seed or data: choose another folder with -o.")
    module.load_state_dict(saved["module"])
    optimiser.load_state_dict(saved["optimiser"])
    epochs += [Epoch(**line) for line in saved["epochs"]]


def _replace(file: Path, content: bytes) -> None:
    part = file.with_name(file.name + ".part")
    part.write_bytes(content)
    os.replace(part, file)
