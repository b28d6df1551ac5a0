"""`cnnviz bench load` with a small hall: that all of it is served, not how fast."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cnnviz import bench
from cnnviz.bench import load
from cnnviz.bench.server import served
from cnnviz.bench.visitor import NotServed, Page, Visitor


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_CACHE", str(tmp_path_factory.mktemp("cache")))
        with served() as server:
            yield server


def run(visits: Coroutine[Any, Any, Any]) -> Any:
    """On a thread of its own: in this one, a browser of other tests may have a loop that runs."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, visits).result()


def test_ten_tabs_are_served_and_come_back_to_where_they_were(server):
    hall = load.Hall(tabs=10, own=3, seconds=3, sessions=33)
    rows = run(load._filled(server, hall))
    assert [row.unit for row in rows] == ["ms", "ms", "ms", "MB", "ms", "ms", "ms", "MB", "ms"]
    assert all(row.ours.median > 0 and row.goal for row in rows)
    assert rows[0].what == "10 tabs at once, 95 %"
    assert 100 < rows[3].ours.median < 2000, "a server with torch, in MB"
    assert bench.as_text(rows, bench.machine())


def test_visitors_with_the_same_picture_are_told_apart(server):
    async def two():
        page = Page()
        one, other = Visitor(server.url, page), Visitor(server.url, page, "network=lenet5&layer=conv2")
        await one.arrive()
        await other.arrive()
        await one.pick("layer1.0.add")
        assert (one.selected, other.selected) == (("layer1.0.add", None), ("conv2", None))
        with pytest.raises(NotServed, match="layer9 was picked, but the page shows conv1"):
            await one.pick("layer9")
        other.query = "network=lenet5&layer=conv1"
        other.session = ""
        other.drop()
        await other.arrive()
        assert other.selected == ("conv1", None)
        for visitor in (one, other):
            await visitor.leave()

    run(two())


def test_a_killed_server_begins_with_what_it_had_drawn(server):
    server.kill()
    visitor = Visitor(server.url, Page())

    async def first() -> float:
        whole = await visitor.arrive()
        await visitor.leave()
        return whole

    server.start()
    server.wait()
    whole = run(first())
    assert {"early graph", "early table", "graph", "table"} <= set(visitor.page.ids)
    assert max(visitor.drawn["graph"], visitor.drawn["table"]) < whole - 0.5, "torch takes longer to be imported"


def test_no_other_machine_is_ever_loaded():
    with pytest.raises(NotServed, match="only an app on this machine may be loaded"):
        Visitor("http://example.org:8501", Page())


def test_the_share_that_was_served():
    assert load._within([float(number) for number in range(1, 101)]).median == 96_000
    assert load._within([0.5]).median == 500
