"""A busy neighbour: what a forward pass takes while another process spins on every core.

The engine passes on a new picture each time, as it does for a visitor; times are the clock's. Beside and alone take
turns: the neighbours are suspended for one and go on for the other, so that both find the machine as it is that minute.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psutil
from PIL import Image

from cnnviz.bench import Goal, Row, Sample
from cnnviz.catalogue import Options
from cnnviz.engine.local import Engine, Picture
from cnnviz.images import load_image, photographs

NETWORK, LAYER = "resnet18", "output"
SETTLE = 0.1  # s, until the system has noticed that neighbours began, or stopped


def measure(repetitions: int) -> list[Row]:
    """The one row of this part.

    Args:
        repetitions: passes that each median is of.
    """
    engine = Engine()
    image = load_image(next(iter(photographs().values())).read_bytes())
    numbers = count()

    def once() -> float:
        number = next(numbers)
        picture = Picture(image.rotate(number % 360, resample=Image.Resampling.NEAREST), str(number))
        began = time.perf_counter()
        engine.maps(Options(NETWORK), picture, LAYER, device="cpu")
        return (time.perf_counter() - began) * 1e3

    beside: list[float] = []
    alone: list[float] = []
    with _neighbours() as neighbours:
        once()
        for turn in range(2 * repetitions):
            busy = turn % 2 == 1
            for neighbour in neighbours:
                (neighbour.resume if busy else neighbour.suspend)()
            time.sleep(SETTLE)
            (beside if busy else alone).append(once())
    cores = os.cpu_count() or 1
    what = f"a pass of {NETWORK} beside {cores} busy process{'es' if cores > 1 else ''}"
    return [Row(what, "ms", Sample.of(beside), Sample.of(alone), "without them", Goal(5, "ratio"))]


@contextmanager
def _neighbours() -> Iterator[list[psutil.Process]]:
    """A process for each core that never rests."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield [psutil.Process(process.pid) for process in spinning]
    finally:
        for process in spinning:
            process.kill()
            process.wait()
