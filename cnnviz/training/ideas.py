"""What AlexNet's ideas are worth on the small AlexNet: each left out in turn, measured over seeds, out of the logs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from cnnviz.training.loop import read_log

IDEAS = {
    "lrn": "local response normalisation",
    "dropout": "dropout",
    "overlap": "overlapping pooling",
    "augmentation": "augmentation",
}
"""What a recipe `alexnet-cifar10-without-…` leaves out, and how one says it."""

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Measured:
    """One recipe, a value a seed, in percent, of the last epoch.

    Attributes:
        left_out: a key of IDEAS, or '' where all four are there.
        errors: of training, as it was: on augmented photographs, with units dropped, where the recipe does so.
        accuracies: on the held-out photographs.
    """

    left_out: str
    errors: tuple[float, ...]
    accuracies: tuple[float, ...]


def measured(logs: Path) -> list[Measured]:
    """All four ideas, then each left out, out of a folder of logs: NAME.jsonl of seed 0, NAME-seed1.jsonl, …"""
    return [_measured(logs, left_out) for left_out in ("", *IDEAS)]


def differences(row: Measured, whole: Measured) -> list[float]:
    """What the held-out accuracy gains or loses without the idea, in percentage points, for each seed.

    The same seed draws the same initial weights, which have the same shapes throughout, and the same order.
    """
    return [less - more for less, more in zip(row.accuracies, whole.accuracies, strict=True)]


def epochs_to_its_error(logs: Path, left_out: str) -> list[tuple[int, int | None]]:
    """After how many epochs the training error is what it ends at with all four ideas: with them, and without the one.

    A pair a seed; None where it isn't reached.
    """
    pairs = []
    for seed in SEEDS:
        whole, less = (read_log(_file(logs, idea, seed)) for idea in ("", left_out))
        wanted = whole[-1].train_accuracy
        first, sooner = (
            next((line.epoch for line in log if line.train_accuracy >= wanted), None) for log in (whole, less)
        )
        assert first is not None
        pairs.append((first, sooner))
    return pairs


def table(rows: Sequence[Measured]) -> str:
    """The table in Markdown; the first row is what the others are held against."""
    head = (
        "idea left out",
        "training error",
        "held-out accuracy, mean (from, to)",
        "difference, points, mean (from, to)",
    )
    lines = [head, ("---",) * len(head)]
    for row in rows:
        change = _spread(differences(row, rows[0]), "+.1f") if row.left_out else ""
        accuracy, error = _spread(row.accuracies, ".1f", " %"), f"{mean(row.errors):.1f} %"
        lines.append((IDEAS.get(row.left_out, "none"), error, accuracy, change))
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def _measured(logs: Path, left_out: str) -> Measured:
    last = [read_log(_file(logs, left_out, seed))[-1] for seed in SEEDS]
    return Measured(
        left_out,
        errors=tuple(100 - line.train_accuracy for line in last),
        accuracies=tuple(line.test_accuracy for line in last),
    )


def _file(logs: Path, left_out: str, seed: int) -> Path:
    name = "alexnet-cifar10" + (f"-without-{left_out}" if left_out else "")
    return logs / (name + (f"-seed{seed}" if seed else "") + ".jsonl")


def _spread(values: Sequence[float], form: str, unit: str = "") -> str:
    return f"{mean(values):{form}}{unit} ({min(values):{form}}, {max(values):{form}})"
