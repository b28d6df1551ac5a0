"""DOT text -> SVG, PNG or PDF, laid out by Graphviz in a child process that can be killed.

Graphviz holds the GIL while it works, takes seconds for some graphs, and aborts the process for others. So
pygraphviz, whose wheel brings Graphviz along, works in a child, which is kept for the next picture, and is
killed and replaced when it takes too long or dies. Where pygraphviz can't be had, `dot` on the PATH does it.
"""

import atexit
import contextlib
import math
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Literal

from cnnviz.errors import DrawingFailed
from cnnviz.views.graphviz_worker import ANSWER, NO_GRAPHVIZ, REQUEST

Format = Literal["svg", "png", "pdf"]

WORKERS = 2  # so that one visitor's endless graph doesn't keep all others waiting
_COMMAND = [sys.executable, "-P", str(Path(__file__).with_name("graphviz_worker.py"))]


def render(dot_text: str, format: Format = "svg", timeout: float = 10.0, *, dpi: int = 192) -> bytes:
    """A picture of DOT text. Can be called from many threads.

    Args:
        timeout: seconds, waiting for another thread's picture included.
        dpi: of a PNG; DOT measures at 72 to the inch.

    Raises:
        DrawingFailed: DOT that Graphviz refuses or dies of, a layout that takes too long, or no Graphviz.
    """
    deadline = time.monotonic() + timeout
    try:
        try:
            picture = _workers.draw(dot_text, format, dpi, deadline)
        except _NoPygraphvizError:
            picture = _draw_by_command(dot_text, format, dpi, deadline)
    except TimeoutError:
        raise DrawingFailed(
            f"The graph could not be laid out within {timeout:g} seconds; fold its equal blocks, or draw its outline."
        ) from None
    return _anchored(picture) if format == "svg" else picture


def svg_for_page(svg: bytes) -> str:
    """A rendered SVG as an element to put into a page: no prolog, and no wider than its place."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    style = "display: block; margin: auto; width: {:.0f}px; max-width: 100%; height: auto"
    return re.sub(
        r'<svg width="([\d.]+)pt" height="[\d.]+pt"',
        lambda size: f'<svg style="{style.format(float(size[1]) * 4 / 3)}"',
        text,
        count=1,
    )


def _anchored(svg: bytes) -> bytes:
    """The text of each node in its middle, so that it stays there in any font.

    Graphviz gives every stretch of text the x where it would start in the font that it measured.
    """

    def anchor(node: re.Match[str]) -> str:
        drawn = node[0]
        outline = re.search(r'<ellipse[^>]* cx="([-\d.]+)"|(?:points|\bd)="([^"]+)"', drawn)
        if outline is None:
            return drawn
        xs = [float(x) for x in re.findall(r"([-\d.]+),[-\d.]+", outline[2] or f"{outline[1]},0")]
        middle = (min(xs) + max(xs)) / 2
        return _LINE.sub(lambda line: _line(line[0], middle, line["y"]), drawn)

    return _NODE.sub(anchor, svg.decode()).encode()


def _line(spans: str, x: float, y: str) -> str:
    """One text element out of a line's several, so that they move together."""
    inner = re.sub(r'<text xml:space="preserve" text-anchor="\w+" x="[-\d.]+" y="[-\d.]+"', "<tspan", spans)
    inner = inner.replace("</text>", "</tspan>").replace("\n", "")
    return f'<text xml:space="preserve" text-anchor="middle" x="{x:.2f}" y="{y}">{inner}</text>\n'


_TEXT = r'<text xml:space="preserve" text-anchor="\w+" x="[-\d.]+" y="{}"[^>]*>[^<]*</text>\n'
_LINE = re.compile(_TEXT.format(r"(?P<y>[-\d.]+)") + f"(?:{_TEXT.format('(?P=y)')})*")
_NODE = re.compile(r'<g id="[^"]*" class="node.*?(?=<g id="[^"]*" class=|\Z)', re.DOTALL)


class _NoPygraphvizError(Exception):
    pass


class _Workers:
    """At most WORKERS children, started when they are needed."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(WORKERS)
        self._idle: list[subprocess.Popen[bytes]] = []
        self._missing = False

    def draw(self, text: str, format: Format, dpi: int, deadline: float) -> bytes:
        if self._missing:
            raise _NoPygraphvizError
        if not self._free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise TimeoutError
        try:
            worker = self._take()
            try:
                picture = _ask(worker, text, format, dpi, deadline)
            except _NoPygraphvizError:
                self._missing = True
                raise
            finally:
                self._give(worker)
        finally:
            self._free.release()
        return picture

    def _take(self) -> subprocess.Popen[bytes]:
        with contextlib.suppress(IndexError):
            while (worker := self._idle.pop()).poll() is not None:
                _end(worker)
            return worker
        return subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def _give(self, worker: subprocess.Popen[bytes]) -> None:
        if worker.poll() is None:
            self._idle.append(worker)
        else:
            _end(worker)

    def end(self) -> None:
        while self._idle:
            _end(self._idle.pop())


def _ask(worker: subprocess.Popen[bytes], text: str, format: Format, dpi: int, deadline: float) -> bytes:
    """One picture from a child, which afterwards either waits for the next request or is dead."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    left = max(0.001, deadline - time.monotonic())
    late = threading.Event()

    def stop() -> None:
        late.set()
        worker.kill()

    timer = threading.Timer(left, stop)
    timer.daemon = True
    timer.start()
    body, header, answer = text.encode(), b"", None
    try:
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.write(REQUEST.pack(format.encode().ljust(4), dpi, math.ceil(left) + 1, len(body)) + body)
            worker.stdin.flush()
        if len(header := worker.stdout.read(ANSWER.size)) == ANSWER.size:
            drawn, length = ANSWER.unpack(header)
            if len(rest := worker.stdout.read(length)) == length:
                answer = rest
    finally:
        timer.cancel()
        if answer is None or late.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(0.5)  # a child that is leaving has its own exit code to tell
            _end(worker)
    if answer is None and late.is_set():
        raise TimeoutError
    if answer is None and worker.returncode == NO_GRAPHVIZ:
        raise _NoPygraphvizError
    if answer is None:
        raise DrawingFailed("Graphviz broke off while it laid out the graph; fold its equal blocks.")
    if not drawn:
        raise DrawingFailed(f"Graphviz could not draw this graph ({answer.decode()}).")
    return answer


def _draw_by_command(text: str, format: Format, dpi: int, deadline: float) -> bytes:
    command = shutil.which("dot")
    if command is None:
        raise DrawingFailed(
            "There is no Graphviz to lay out the graph: 'pip install pygraphviz' brings it along, "
            "or install Graphviz so that 'dot' is on the PATH."
        )
    arguments = [command, f"-T{format}", *[f"-Gdpi={dpi}"] * (format == "png")]
    try:
        done = subprocess.run(
            arguments,
            check=False,
            input=text.encode(),
            capture_output=True,
            timeout=max(0.001, deadline - time.monotonic()),
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    if done.returncode or not done.stdout:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        raise DrawingFailed(f"'dot' could not draw this graph ({reason or f'exit code {done.returncode}'}).")
    return done.stdout


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()


_workers = _Workers()
atexit.register(_workers.end)
