"""How busy the engine is, in counts and bytes that say nothing of anybody."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from cnnviz.engine.budget import Budget
from cnnviz.engine.local import Engine
from cnnviz.engine.studio import Studio


class Measure(NamedTuple):
    """One number, as OpenMetrics has it.

    Attributes:
        name: of its family, ending in its unit; of a counter without `_total`.
        counts: whether it only ever grows.
        unit: such as bytes, "" for a number of things.
    """

    name: str
    value: int
    help: str
    labels: dict[str, str]
    counts: bool = False
    unit: str = ""


def measures(engine: Engine, studio: Studio) -> Iterator[Measure]:
    """The queue and the worker of each device that was used so far, and what is kept."""
    for place, load in engine.loads().items():
        device = {"device": place}
        yield Measure("cnnviz_jobs_waiting", load.waiting, "Passes and other work in the queue.", device)
        yield Measure("cnnviz_jobs_running", load.running, "Passes and other work that a worker is at.", device)
        yield Measure("cnnviz_workers", load.alive, "Workers that live.", device)
        yield Measure("cnnviz_jobs_finished", load.finished, "Work that came to its end.", device, counts=True)
        yield Measure("cnnviz_jobs_refused", load.refused, "Work refused as the queue was full.", device, counts=True)
        yield Measure("cnnviz_workers_lost", load.lost, "Workers that broke, died or hung.", device, counts=True)
    kept: dict[str, Budget[Any]] = {**engine.budgets(), "answers": studio.budget}
    for name, budget in kept.items():
        cache = {"cache": name}
        yield Measure("cnnviz_cache_bytes", budget.used, "What is kept, and what is being made.", cache, unit="bytes")
        yield Measure("cnnviz_cache_limit_bytes", budget.most, "The most that is kept.", cache, unit="bytes")
        yield Measure("cnnviz_cache_hits", budget.hits, "Looks that found what they looked for.", cache, counts=True)
        yield Measure("cnnviz_cache_misses", budget.misses, "Looks that didn't.", cache, counts=True)
