"""Layout in a child process: pictures, time limits, and children that die."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest

from cnnviz import networks
from cnnviz.errors import DrawingFailed
from cnnviz.trace import trace
from cnnviz.views import layout
from cnnviz.views.dot import dot
from cnnviz.views.layout import render, svg_for_page

SMALL = "digraph { a -> b }"
# Mincross needs minutes for a thousand random arcs.
HEAVY = "digraph {" + " ".join(f"{i * 7919 % 401} -> {i * 104729 % 397}" for i in range(4000)) + "}"


@pytest.mark.parametrize(("format", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-")])
def test_a_picture_begins_as_its_format_does(format, magic):
    assert render(SMALL, format).startswith(magic)


def test_dpi_is_of_the_png():
    small, large = (int.from_bytes(render(SMALL, "png", dpi=dpi)[16:20], "big") for dpi in (72, 288))
    assert large == pytest.approx(4 * small, rel=0.05)


def test_a_tiny_timeout_is_a_sentence_and_the_next_picture_comes():
    start = time.monotonic()
    with pytest.raises(DrawingFailed, match=r"within 0\.2 seconds"):
        render(HEAVY, timeout=0.2)
    assert time.monotonic() - start < 5
    assert render(SMALL)


def test_a_heavy_graph_does_not_keep_another_waiting():
    with ThreadPoolExecutor(2) as pool:
        heavy = pool.submit(render, HEAVY, timeout=2)
        time.sleep(0.2)
        assert render(SMALL, timeout=1.5)
        assert not heavy.done()
        with pytest.raises(DrawingFailed):
            heavy.result()


def test_more_threads_than_children_all_get_their_own_picture():
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(render, [f"digraph {{ n{number} }}" for number in range(24)]))
    for number, picture in enumerate(pictures):
        assert f">n{number}<".encode() in picture


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")
def test_a_dead_child_is_replaced():
    render(SMALL)
    for child in layout._workers._idle:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert render(SMALL)


def test_a_child_that_dies_of_its_graph_is_a_sentence(monkeypatch):
    monkeypatch.setattr(layout, "_workers", layout._Workers())
    monkeypatch.setattr(layout, "_COMMAND", [sys.executable, "-c", "import os; os.read(0, 9); os.abort()"])
    with pytest.raises(DrawingFailed, match="broke off"):
        render(SMALL)


def test_what_is_not_dot_is_a_sentence_and_not_a_crash():
    with pytest.raises(DrawingFailed, match="could not draw"):
        render("digraph { a -> ")
    assert render(SMALL)


def without_pygraphviz(monkeypatch):
    monkeypatch.setattr(layout, "_workers", layout._Workers())
    monkeypatch.setattr(layout, "_COMMAND", [sys.executable, "-c", "raise SystemExit(3)"])


def test_without_graphviz_a_sentence_says_what_to_install(monkeypatch):
    without_pygraphviz(monkeypatch)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DrawingFailed, match="pip install pygraphviz"):
        render(SMALL)


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_without_pygraphviz_the_command_on_the_path_draws(monkeypatch, tmp_path):
    without_pygraphviz(monkeypatch)
    command = tmp_path / "dot"
    command.write_text('#!/bin/sh\ncat > /dev/null\necho "drawn with $*"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert render(SMALL, "png", dpi=96) == b"drawn with -Tpng -Gdpi=96\n"
    command.write_text("#!/bin/sh\necho 'syntax error' >&2\nexit 1\n")
    with pytest.raises(DrawingFailed, match="syntax error"):
        render(SMALL)
    command.write_text("#!/bin/sh\nexec sleep 5\n")
    with pytest.raises(DrawingFailed, match=r"within 0\.1 seconds"):
        render(SMALL, timeout=0.1)


def test_the_child_ends_with_its_parent():
    script = (
        "from cnnviz.views import layout; layout.render('digraph { a }'); "
        "print(layout._workers._idle[0].pid, flush=True); import os; os._exit(1)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    child = int(done.stdout)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("the child outlives its parent")


def test_a_page_gets_an_element_that_is_no_wider_than_its_place():
    element = svg_for_page(render(SMALL))
    root = ElementTree.fromstring(element)
    assert element.startswith("<svg style=")
    assert "max-width: 100%" in root.get("style", "")
    assert root.get("viewBox")


def test_resnet152_unfolded_takes_at_most_150_ms():
    graph = trace(networks.construct("resnet152"), (3, 224, 224))
    text = dot(graph, unfolded="all")
    render(text)

    def seconds() -> float:
        start = time.perf_counter()
        render(text)
        return time.perf_counter() - start

    assert any(seconds() < 0.15 for _ in range(20))  # one of them on a quiet machine
