"""`cnnviz bench activations`, as small as it goes: that it measures what it says, not how fast anything is."""

from importlib import metadata

import pytest
import torch

from cnnviz import bench
from cnnviz.bench import activations, timing
from cnnviz.errors import BadOption


def test_small_networks_stand_for_the_large(monkeypatch):
    pytest.importorskip("matplotlib")
    pytest.importorskip("torchlens")
    monkeypatch.setattr(activations, "LARGE", "resnet20")
    monkeypatch.setattr(activations, "SMALL", "resnet20")
    monkeypatch.setattr(activations, "VISITORS", 4)
    monkeypatch.setattr(timing, "SHORTEST", 0.0)
    monkeypatch.setattr(activations, "cards", lambda: dict.fromkeys(["lenet5", "plain20"]))
    monkeypatch.setattr(activations, "_torchlens", lambda _: bench.Row("left out", "ms", bench.Sample.of([1.0])))
    threads = torch.get_num_threads()
    rows = {row.what: row for row in activations.measure(2)}
    assert torch.get_num_threads() == threads
    assert all(row.ours.median > 0 for row in rows.values() if row.unit != "passes")
    assert rows["run at 2 clicks on other layers"].met
    assert rows["held of one picture for 4 visitors"].ratio == pytest.approx(1, abs=0.02)
    assert rows["most held of 12 pictures"].met
    # 2.7 MB of maps, and their bytes as they are drawn
    assert 2.0 < rows["held of one picture for 4 visitors"].ours.median < 4.0
    assert bench.as_text(list(rows.values()), bench.machine())


def test_a_capture_that_differs_is_no_result(monkeypatch):
    original = activations.capture
    monkeypatch.setattr(activations, "capture", lambda *a, **k: {p: t + 1 for p, t in original(*a, **k).items()})
    with pytest.raises(AssertionError, match="to the bit"):
        activations._capture("lenet5", 1, torch.device("cpu"))


def test_who_begins_changes(monkeypatch):
    monkeypatch.setattr(timing, "SHORTEST", 0.0)
    calls: list[str] = []
    runs = {name: lambda name=name: calls.append(name) for name in "abc"}
    timing.in_turn(runs, 3, warm=1)
    assert "".join(calls) == "abc" + "abc" + "bca" + "cab"


def test_without_the_peers_a_sentence_says_what_to_install(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(activations.metadata, "version", missing)
    with pytest.raises(BadOption, match=r"and matplotlib isn't installed: 'pip install -r requirements-dev\.txt'"):
        activations._check_peers()
