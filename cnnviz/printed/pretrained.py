"""What is published of PyTorch's ImageNet checkpoints: one protocol for all of them."""

from dataclasses import dataclass
from functools import cache

from cnnviz.printed.table import read

PROTOCOL = "one network, one centre crop of 224 × 224, ImageNet validation, PyTorch's published weights"


@dataclass(frozen=True)
class Published:
    """One checkpoint: its network's key, its parameters, its accuracies in percent."""

    network: str
    params: int
    top1: float
    top5: float


@cache
def published() -> tuple[Published, ...]:
    """All of them, as `assets/printed/pretrained.csv` lists them."""
    return tuple(
        Published(line["network"], int(line["params"]), float(line["top1_percent"]), float(line["top5_percent"]))
        for line in read("pretrained")
    )
