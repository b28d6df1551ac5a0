"""`cnnviz bench neighbour`: that neighbours spin, rest, and end."""

import os
import time

import psutil
import pytest

from cnnviz.bench import neighbour


def test_a_pass_is_measured_beside_neighbours_and_alone(monkeypatch):
    monkeypatch.setattr(neighbour, "NETWORK", "lenet5")
    monkeypatch.setattr(neighbour, "SETTLE", 0.0)
    (row,) = neighbour.measure(2)
    assert (row.ours.count, row.peer.count) == (2, 2)
    assert row.ratio > 0
    assert (row.goal.at_most, row.goal.of) == (5, "ratio")


def test_neighbours_spin_rest_and_end():
    with neighbour._neighbours() as busy:
        assert len(busy) == os.cpu_count()
        deadline = time.monotonic() + 30
        while not all(sum(process.cpu_times()[:2]) > 0.05 for process in busy):
            assert time.monotonic() < deadline, "a neighbour that uses no processor is none"
            time.sleep(0.05)
        busy[0].suspend()
        while busy[0].status() not in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP):
            assert time.monotonic() < deadline, "a neighbour that is suspended rests"
            time.sleep(0.05)
        busy[0].resume()
    for process in busy:
        with pytest.raises(psutil.NoSuchProcess):
            process.cpu_times()
