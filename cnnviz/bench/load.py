"""A full lecture hall: hundreds of tabs on one server, as many as are said, beside the goals.

The server and its visitors share this machine. A tab is a visitor who speaks Streamlit's protocol, see `visitor`; all
look at ResNet-18 and the picture that comes along, but for those who bring one of their own. Memory is that of all of
the server's processes. Where a row is of a share of many, as in 'at once, 95 %', its figure is the time within which
that share was served.

- *At once*: all connect in the same moment; from there to the end of each one's first page.
- *Over a while*: as many arrive spread evenly, and everybody who has a page picks layers; each pick, until the page has
  followed.
- *Connections lost*: those of all break, and a second later all come again, each to its own layer and channel.
- *Memory*: when all have picked a layer and a channel of their own, which makes their pages different ones.
- *Killed*: from the restart after `kill -9` to the first page.
- *Cold start*: from the start of the process to the first graph and table; the peer imports Streamlit alone and shows a
  table of that size. Both have been started before, and their files are in the system's cache.
"""

import asyncio
import io
import random
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from cnnviz.bench import Goal, Row, Sample
from cnnviz.bench.server import Server, served
from cnnviz.bench.visitor import NotServed, Page, Visitor

LAYERS = ("conv1", "layer1.0.conv1", "layer2.0.conv2", "layer3.1.add", "layer4.1.conv2")
T = TypeVar("T")
SHARE = 0.95
STARTS = 5  # at most; each takes seconds


@dataclass(frozen=True)
class Hall:
    """How many there are.

    Attributes:
        tabs: at once, and again over `seconds`.
        own: who bring a picture of their own.
        sessions: over the server's life, after which its memory is looked at again.
    """

    tabs: int = 300
    own: int = 100
    seconds: float = 30.0
    sessions: int = 1000


def measure(repetitions: int, hall: Hall | None = None) -> list[Row]:
    """All rows of this part.

    Args:
        repetitions: cold starts, of which there are no more than five; the hall fills once.
        hall: of 300 by default.
    """
    hall = hall or Hall()
    with served() as server:
        rows = asyncio.run(_filled(server, hall))
        rows.append(_killed(server))
    return [*rows, _cold_start(min(repetitions, STARTS))]


# --- the hall ----------------------------------------------------------------


async def _filled(server: Server, hall: Hall) -> list[Row]:
    lecturer = Visitor(server.url, Page())  # who warms the server up, and begins with what was kept of the page
    await lecturer.arrive()
    for layer in LAYERS:
        await lecturer.pick(layer)
    page = Page()
    first = Visitor(server.url, page)  # who reads what controls go by
    await first.arrive()
    rows = []
    async with _crowd(server, page, hall.tabs) as crowd:
        waits: list[float] = []
        async with _watched(server, waits):
            at_once = await _all(visitor.arrive() for visitor in crowd)
        rows += [
            Row(f"{hall.tabs} tabs at once, 95 %", "ms", _within(at_once), goal=Goal(5000)),
            Row("health meanwhile, slowest", "ms", Sample.of([1e3 * max(waits)]), goal=Goal(2000)),
        ]
        rows.append(await _reconnecting(crowd))
        before = server.memory()
        rows.append(Row(f"memory at {hall.tabs} tabs", "MB", Sample.of([before / 1e6]), goal=Goal(700)))
    rows += await _over_a_while(server, page, hall)
    for _ in range(max(0, hall.sessions - 3 * hall.tabs) // 20):  # three times above and below
        async with _crowd(server, page, 20) as crowd:
            await _all(visitor.arrive() for visitor in crowd)
    async with _crowd(server, page, hall.tabs) as crowd:
        await _all(visitor.arrive() for visitor in crowd)
        await _all(_go_somewhere(visitor) for visitor in crowd)
        after = server.memory()
    more = (Sample.of([after / 1e6]), Sample.of([before / 1e6]))
    what = f"memory at {hall.tabs} tabs, after {hall.sessions} sessions"
    rows.append(Row(what, "MB", *more, f"after {hall.tabs}", Goal(1.05, "ratio")))
    # last, as the maps of their pictures are kept as well, up to the engine's budget
    rows.append(await _own_pictures(server, page, hall))
    await first.leave()
    await lecturer.leave()
    return rows


async def _reconnecting(crowd: Sequence[Visitor]) -> Row:
    await _all(_go_somewhere(visitor) for visitor in crowd)
    places = [visitor.selected for visitor in crowd]
    for visitor in crowd:
        visitor.drop()
    await asyncio.sleep(1)
    back = await _all(visitor.arrive() for visitor in crowd)
    for visitor, place in zip(crowd, places, strict=True):
        if visitor.selected != place:
            raise NotServed(f"A tab was at {place} when its connection broke, and came back to {visitor.selected}.")
    return Row(f"{len(crowd)} connections lost, all back", "ms", Sample.of([1e3 * max(back)]), goal=Goal(5000))


async def _go_somewhere(visitor: Visitor) -> None:
    await visitor.pick(random.choice(LAYERS))
    await visitor.pick_channel(random.randrange(64))


async def _over_a_while(server: Server, page: Page, hall: Hall) -> list[Row]:
    began = time.monotonic()

    async def sit_down(visitor: Visitor, place: int) -> tuple[float, list[float]]:
        await asyncio.sleep(hall.seconds * place / hall.tabs)
        arrived = await visitor.arrive()
        picks: list[float] = []
        while True:
            look = hall.seconds * random.uniform(1 / 6, 1 / 2)
            if time.monotonic() + look > began + hall.seconds:  # it ends; not with a pick of all at once
                return arrived, picks
            await asyncio.sleep(look)
            picks.append(await visitor.pick(random.choice(LAYERS)))

    async with _crowd(server, page, hall.tabs) as crowd:
        waits: list[float] = []
        async with _watched(server, waits):
            took = await _all(sit_down(visitor, place) for place, visitor in enumerate(crowd))
    picks = [pick for _, picks in took for pick in picks]
    spread = f"{hall.tabs} tabs over {hall.seconds:g} s"
    return [
        Row(f"{spread}, 95 %", "ms", _within([arrived for arrived, _ in took]), goal=Goal(500)),
        Row(f"their {len(picks)} picks, 95 %", "ms", _within(picks), goal=Goal(500)),
        Row("health meanwhile, slowest", "ms", Sample.of([1e3 * max(waits)]), goal=Goal(2000)),
    ]


async def _own_pictures(server: Server, page: Page, hall: Hall) -> Row:
    async with _crowd(server, page, hall.own) as crowd:
        await _all(visitor.arrive() for visitor in crowd)
        await _all(visitor.choose_file() for visitor in crowd)
        pictures = [_picture(seed) for seed in range(len(crowd))]
        took = await _all(visitor.upload(data) for visitor, data in zip(crowd, pictures, strict=True))
    return Row(f"{hall.own} pictures of their own at once, 95 %", "ms", _within(took), goal=Goal(5000))


def _picture(seed: int) -> bytes:
    """A photograph's worth of PNG that nobody else has."""
    values = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(values).resize((640, 480), Image.Resampling.BICUBIC).save(data, "PNG")
    return data.getvalue()


@asynccontextmanager
async def _crowd(server: Server, page: Page, tabs: int) -> AsyncIterator[list[Visitor]]:
    """Tabs that are closed in the end."""
    visitors = [Visitor(server.url, page) for _ in range(tabs)]
    try:
        yield visitors
    finally:
        await asyncio.gather(*(visitor.leave() for visitor in visitors))


@asynccontextmanager
async def _watched(server: Server, waits: list[float]) -> AsyncIterator[None]:
    """Note how long the health endpoint takes to answer, again and again."""

    def ask() -> float:
        began = time.perf_counter()
        with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=60) as answer:
            answer.read()
        return time.perf_counter() - began

    async def watch() -> None:
        while True:
            waits.append(await asyncio.to_thread(ask))
            await asyncio.sleep(0.2)

    task = asyncio.create_task(watch())
    try:
        yield
        waits.append(await asyncio.to_thread(ask))
    finally:
        task.cancel()


async def _all(tasks: Iterable[Awaitable[T]]) -> list[T]:
    return list(await asyncio.gather(*tasks))


def _within(seconds: Sequence[float], share: float = SHARE) -> Sample:
    """The time within which a share was served, in ms."""
    ordered = sorted(seconds)
    return Sample.of([1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]])


# --- starts ------------------------------------------------------------------


def _killed(server: Server) -> Row:
    server.kill()
    return Row("killed, from the restart to the first page", "ms", Sample.of([1e3 * _started(server)]), goal=Goal(5000))


def _cold_start(repetitions: int) -> Row:
    ours: list[float] = []
    peer: list[float] = []
    for _ in range(repetitions + 1):
        for script, parts, took in (
            (None, ("graph", "table"), ours),
            (Path(__file__).with_name("table_app.py"), ("table",), peer),
        ):
            server = Server(script) if script else Server()
            try:
                took.append(1e3 * _started(server, parts))
            finally:
                server.end()
    what = "cold start to the first graph and table"
    return Row(what, "ms", Sample.of(ours[1:]), Sample.of(peer[1:]), "Streamlit alone and a table", Goal(1.5, "ratio"))


def _started(server: Server, parts: Sequence[str] = ()) -> float:
    """Seconds from the start of a server to parts of the first page, or all of it."""

    async def look() -> float:
        visitor = Visitor(server.url, Page())
        page = await visitor.arrive()
        shown = max((visitor.drawn[part] for part in parts), default=page)
        return time.perf_counter() - began - (page - shown)

    began = time.perf_counter()
    server.start()
    server.wait()
    return asyncio.run(look())
