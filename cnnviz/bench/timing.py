"""Times of runs that are compared: in turn, on one thread, without what the interpreter does at its own times."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

from cnnviz.bench import Sample

SHORTEST = 20.0  # ms that a measurement takes at least
Runs = Mapping[str, Callable[[], object]]


@contextmanager
def quiet() -> Iterator[None]:
    """One torch thread; no collection of garbage but between measurements, as `timeit` has it."""
    threads, collecting = torch.get_num_threads(), gc.isenabled()
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()  # else each collection would look at all that torch has imported
    gc.disable()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        gc.unfreeze()
        if collecting:
            gc.enable()


def timed(run: Callable[[], object], place: torch.device | None = None, times: int = 1) -> float:
    """Milliseconds of one run: of the process on the CPU, by the clock on a GPU."""
    on_gpu = place is not None and place.type == "cuda"
    clock = time.perf_counter if on_gpu else time.process_time
    gc.collect()
    began = clock()
    for _ in range(times):
        run()
    if on_gpu:
        torch.cuda.synchronize(place)
    return (clock() - began) * 1e3 / times


def in_turn(
    runs: Runs,
    repetitions: int,
    place: torch.device | None = None,
    warm: int = 2,
    elsewhere: Mapping[str, Callable[[], float]] | None = None,
) -> dict[str, Sample]:
    """The time of each, measured in turn; who begins changes, as each leaves memory behind for the next.

    Args:
        runs: those shorter than 20 ms, all of them, are repeated within a measurement.
        warm: runs that don't count, 1 or more.
        elsewhere: peers in a process of their own, which say how many milliseconds they took.
    """
    first = {name: min(timed(run, place) for _ in range(warm)) for name, run in runs.items()}
    times = max(1, int(SHORTEST / max(min(first.values()), 1e-3))) if max(first.values()) < SHORTEST else 1
    measured = {name: lambda run=run: timed(run, place, times) for name, run in runs.items()} | dict(elsewhere or {})
    names = list(measured)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(repetitions):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            taken[name].append(measured[name]())
    return {name: Sample.of(values) for name, values in taken.items()}
