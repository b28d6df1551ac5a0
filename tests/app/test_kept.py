"""What pages keep: computed once, however many ask, and what a fresh process begins with."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import early
from app.cache import kept
from app.components.table import Column


def test_many_who_ask_at_once_share_one_computation():
    calls = []

    @kept(4)
    def slow(number):
        calls.append(number)
        time.sleep(0.05)
        return object()

    with ThreadPoolExecutor(8) as visitors:
        found = list(visitors.map(slow, [1] * 8))
    assert calls == [1]
    assert len(set(map(id, found))) == 1
    assert slow(2) is not found[0]
    slow.clear()
    assert slow(1) is not found[0]


def test_what_fails_is_tried_again():
    outcomes = [ValueError("once"), "there"]

    @kept(4)
    def unsteady():
        if isinstance(outcome := outcomes.pop(0), Exception):
            raise outcome
        return outcome

    with pytest.raises(ValueError, match="once"):
        unsteady()
    assert unsteady() == unsteady() == "there"


def test_some_is_kept_for_a_while_only(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    @kept(4, seconds=10)
    def moment():
        return now[0]

    assert [moment(), moment()] == [0.0, 0.0]
    now[0] = 25.0
    assert moment() == 25.0


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path))
    monkeypatch.setattr(early, "_kept", set())
    early.keep("lenet5", {"name": Column("text")}, lambda: ("<svg/>", [["conv1"]]))
    return tmp_path / "graphs"


def test_a_network_is_kept_until_its_sources_change(drawn, monkeypatch):
    view = early._view_for("http://localhost:8501/", {"network": "lenet5", "layer": "conv1"})
    assert view == {"network": "lenet5", "svg": "<svg/>", "rows": [["conv1"]], "columns": {"name": {"kind": "text"}}}
    monkeypatch.setattr(early, "_sources", lambda: "changed")
    assert early._view_for("http://localhost:8501/", {"network": "lenet5"}) is None
    monkeypatch.setattr(early, "_kept", set())
    early.keep("lenet5", {"name": Column("text")}, lambda: ("<svg></svg>", []))
    assert [file.name for file in drawn.iterdir()] == ["lenet5.changed.json"], "the outdated one is gone"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("/", {"network": "lenet5", "size": "40"}),
        ("/", {"network": "lenet5", "expect": "true"}),
        ("/", {"network": "../lenet5"}),
        ("/", {"network": "resnet20"}),
        ("/compare", {"network": "lenet5"}),
    ],
)
def test_what_is_asked_otherwise_waits(drawn, url, asked):
    assert early._view_for(f"http://localhost:8501{url}", asked) is None


def test_a_damaged_file_is_none(drawn):
    for file in drawn.iterdir():
        file.write_text("{")
    assert early._view_for("http://localhost:8501/", {"network": "lenet5"}) is None


def test_a_network_of_the_users_own_is_never_kept(drawn, monkeypatch):
    monkeypatch.setenv("CNNVIZ_NETWORKS", "nets:MyNet")
    assert early._view_for("http://localhost:8501/", {"network": "lenet5"}) is None


def test_a_full_disk_is_no_reason_to_fail(monkeypatch, tmp_path):
    (tmp_path / "graphs").write_text("a file where the folder belongs")
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path))
    monkeypatch.setattr(early, "_kept", set())
    early.keep("lenet5", {}, lambda: ("<svg/>", []))
    assert threading.active_count()
    assert json.dumps(early._view_for("http://localhost:8501/", {"network": "lenet5"})) == "null"
