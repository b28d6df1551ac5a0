"""How long one picture takes on this machine."""

import statistics
import time
from dataclasses import dataclass

import torch
from torch import nn

from cnnviz import networks
from cnnviz.catalogue import Options, input_shape

PASSES = 5


@dataclass(frozen=True)
class Timing:
    """The median of a few passes of one picture, in seconds; where, and with how many threads of a CPU."""

    seconds: float
    passes: int
    device: str
    threads: int | None

    @property
    def where(self) -> str:
        """'CPU, 2 threads'."""
        if self.threads is None:
            return self.device
        return f"{self.device}, {self.threads} thread{'s' if self.threads > 1 else ''}"


def time_pass(options: Options, place: torch.device, device: str, passes: int = PASSES) -> Timing:
    """Time forward passes of one picture, after one that isn't counted.

    Weights don't matter for that, so that none are drawn or read; a network of the user's own keeps its own.
    """
    module = networks.construct(options.network, device="cpu", filled=False, **options.chosen)
    if not networks.card(options.network).brought:
        _evenly(module)
        module = module.to(place)
    x = torch.zeros(1, *input_shape(options), device=place)
    seconds = []
    with torch.inference_mode():
        for _ in range(passes + 1):
            _wait(place)
            start = time.perf_counter()
            module(x)
            _wait(place)
            seconds.append(time.perf_counter() - start)
    threads = torch.get_num_threads() if place.type == "cpu" else None
    return Timing(statistics.median(seconds[1:]), passes, device, threads)


def _evenly(module: nn.Module) -> None:
    """Every weight 1 / fan-in: no layer then gives numbers so large or small that a processor slows down."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(1 / max(1, parameter[0].numel() if parameter.dim() else 1))


def _wait(place: torch.device) -> None:
    """A GPU is told what to do and goes on in its own time."""
    if place.type == "cuda":
        torch.cuda.synchronize(place)
    elif place.type == "mps":
        torch.mps.synchronize()
