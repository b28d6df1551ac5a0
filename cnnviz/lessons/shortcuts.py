"""What shortcuts do: He, Zhang, Ren, Sun 2015, section 4, put to the test on real networks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cnnviz.training.loop import Epoch, read_log

_LOGS = Path(__file__).resolve().parents[2] / "assets" / "training"

# --- the training curves -----------------------------------------------------

TRAINED = ("plain20", "plain56", "resnet20", "resnet56")
PAPER_EPOCHS = 164  # 64,000 steps of 128 pictures, of which CIFAR-10 has 50,000 to learn from

TABLE_6: Mapping[str, float] = {
    "resnet20": 8.75,
    "resnet32": 7.51,
    "resnet44": 7.17,
    "resnet56": 6.97,
    "resnet110": 6.43,
}
"""He et al. 2015, table 6: error in percent on CIFAR-10's 10,000 test pictures, the best of five for 110 layers."""

TABLE_2: Mapping[str, float] = {"plain18": 27.94, "plain34": 28.54, "resnet18": 27.88, "resnet34": 25.03}
"""He et al. 2015, table 2: top-1 error in percent on ImageNet's validation pictures, ten crops; option A."""


@dataclass(frozen=True)
class Curve:
    """How a network has learned CIFAR-10 in this project.

    Attributes:
        epochs: from 1; what follows has one value for each.
        training: error in percent on the pictures as they were learned from, each by the weights of its moment.
        held_out: on the first 1,000 of the test split, by the weights at the epoch's end.
        gradients: for each weighted layer, the L2 norm of its gradient, the mean over the epoch's steps; None where
            it was no number.
        diverged: whether the loss has become no number.
    """

    network: str
    batch_norm: bool
    epochs: tuple[int, ...]
    training: tuple[float, ...]
    held_out: tuple[float, ...]
    gradients: tuple[Mapping[str, float | None], ...]
    diverged: bool

    @property
    def plain(self) -> bool:
        """Whether it has no shortcuts."""
        return self.network.startswith("plain")


def curves(batch_norm: bool = True) -> tuple[Curve, ...]:
    """The bundled logs of `TRAINED`: eight epochs of one recipe, or without batch norm one, at a tenth of the rate."""
    ending = "cifar10" if batch_norm else "cifar10-without-bn"
    return tuple(_curve(network, batch_norm, read_log(_LOGS / f"{network}-{ending}.jsonl")) for network in TRAINED)


def _curve(network: str, batch_norm: bool, log: list[Epoch]) -> Curve:
    return Curve(
        network,
        batch_norm,
        epochs=tuple(line.epoch for line in log),
        training=tuple(100 - line.train_accuracy for line in log),
        held_out=tuple(100 - line.test_accuracy for line in log),
        gradients=tuple(
            {path: norm for path, norm in line.gradient_norms.items() if "bn" not in path and "downsample" not in path}
            for line in log
        ),
        diverged=any(line.loss is None or math.isnan(line.loss) for line in log),
    )
