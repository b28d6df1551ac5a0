"""The pages: how long a click, a first view and a layout take, and what a click sends.

Both apps run on loopback with the same configuration, and one Chromium looks at both in turn. Times are taken in the
page, in the animation frame in which all that is waited for has been drawn, by its own clock.

- A *click to the new page* starts with the event of a mouse click on a node of ResNet-152, unfolded, and ends in the
  first frame in which the node is lit, the table has marked the new layer's row, and "Its numbers" has the new layer's
  card. At the peer, an empty app, it starts with the event of a click on a button, and ends in the first frame that has
  the new line. The new page's card is in the browser by then: *confirmed* is when Python, too, has the layer and has
  written it into the URL.
- A *click to the feature maps* ends when the grid has drawn the new layer's maps, which had been computed before.
- The *highlight* is drawn when the frame after the event, which has the node lit, has been painted.
- A *knob* of a lesson is turned by a key or a click; it ends in the first frame that shows what comes of it. None of
  these needs a forward pass. The peer is the empty app's click.
- A *first view* is a new tab's, with a warm server and browser, from the start of its navigation to the first frame
  with a lit node.
- A *layout* goes from a layer graph to the SVG for the page.
- What a click *sends* are the WebSocket's messages to the page until the next pause; those with maps count apart.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cnnviz.bench import Goal, Row, Sample
from cnnviz.bench.browser import chromium
from cnnviz.bench.server import served
from cnnviz.catalogue import Options, describe
from cnnviz.graph import LayerGraph
from cnnviz.networks import cards
from cnnviz.views.dot import dot_of
from cnnviz.views.drawing import drawing
from cnnviz.views.explain import explain
from cnnviz.views.layout import render, svg_for_page

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, WebSocket

NETWORK, SMALL = "resnet152", "lenet5"
LAYERS = ("maxpool", "layer1.0.conv1", "conv1")  # clicked in turn: what a first view shows, and the table's first rows
WARM = 3  # clicks that don't count, where more than one does
PAUSE = 400  # ms without a run before the next click, as a person makes one
MAPS = b"cnnviz.maps"  # the component that the maps go to


class Click(NamedTuple):
    """What a click took, in ms, and what it sent, in bytes."""

    done: float
    highlight: float
    confirmed: float
    sent: int
    maps: int


def measure(repetitions: int) -> list[Row]:
    """All rows of this part.

    Args:
        repetitions: clicks, views and layouts that each median is of.
    """
    with ExitStack() as stack:
        window = stack.enter_context(chromium())
        ours = stack.enter_context(served()).url
        peer = stack.enter_context(served(Path(__file__).with_name("empty_app.py"))).url
        rows = [*_clicks(window, ours, peer, repetitions), *_knobs(window, ours, peer, repetitions)]
        rows.append(_first_views(window, ours, repetitions))
    return [*rows, _slowest_layout(repetitions)]


# --- clicks ------------------------------------------------------------------

# Waits in the page for a click, then frame by frame for what it changes; `lit` and the like are functions of the page.
_WATCH = """
([lit, done, confirmed, event]) => {
  const isLit = eval(lit), isDone = eval(done), isConfirmed = eval(confirmed)
  window.benched = new Promise((resolve, reject) => addEventListener(event, () => {
    const began = performance.now(), found = {}
    const painted = new MessageChannel()
    painted.port1.onmessage = () => { found.highlight = performance.now() - began }
    const frame = () => {
      if (!("lit" in found) && isLit()) { found.lit = true; painted.port2.postMessage(0) }
      if (!("done" in found) && isDone()) found.done = performance.now() - began
      if (!("confirmed" in found) && isConfirmed()) found.confirmed = performance.now() - began
      const all = ["done", "highlight", "confirmed"].map(part => found[part])
      if (!all.includes(undefined)) resolve(all)
      else if (performance.now() - began > 60e3) reject("not drawn within a minute: " + JSON.stringify(found))
      else requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  }, { once: true, capture: true }))
}
"""
_GRAPH = "[...document.querySelectorAll('*')].find(e => e.shadowRoot?.querySelector('g.node'))?.shadowRoot"
_CONFIRMED = "() => window.cnnvizSelected.selection.layer === {path!r}"
_MAPS_DRAWN = """() => [...document.querySelectorAll('*')].some(
  e => e.shadowRoot?.querySelector('.scroll')?.getAttribute('aria-label')?.includes(' feature maps of {path};'))"""
_PAGE_DRAWN = """
(() => {{
  const root = part => [...document.querySelectorAll('*')].find(e => e.shadowRoot?.querySelector(part)).shadowRoot
  const table = root('.body'), card = root('article')
  return () => card.querySelector('article strong').textContent === {heading!r}
    && table.querySelector('.row[aria-selected=true] .cell').textContent === {path!r}
}})()
"""


def _clicks(window: "BrowserContext", ours: str, peer: str, repetitions: int) -> list[Row]:
    graph = describe(Options(NETWORK))
    numbers, sees, empty = (_Tab(window) for _ in range(3))
    for tab in (numbers, sees):
        tab.open_unfolded(ours)
    numbers.page.get_by_role("tab", name="Its numbers").click()
    empty.page.goto(peer)
    empty.page.get_by_text("Line 0").wait_for()
    pages, maps, lines, warm = [], [], [], _warm(repetitions)
    for turn in range(repetitions + warm):
        path = LAYERS[turn % len(LAYERS)]
        pages.append(numbers.click(path, _PAGE_DRAWN.format(path=path, heading=explain(graph, path).heading)))
        lines.append(empty.click_line(turn + 1))
        maps.append(sees.click(path, _MAPS_DRAWN.format(path=path)))
    for tab in (numbers, sees, empty):
        tab.page.close()
    first = maps[:warm]  # the browser keeps what it is sent then: the same maps aren't sent again
    pages, maps, lines = pages[warm:], maps[warm:], lines[warm:]
    line = Sample.of([click.done for click in lines])
    return [
        Row("click to the new page", "ms", _of(pages, "done"), line, "an empty app", Goal(1.5, "ratio")),
        Row("click until Python has confirmed it", "ms", _of(pages, "confirmed"), line, "an empty app"),
        Row("click to the feature maps", "ms", _of(maps, "done"), line, "an empty app"),
        Row("highlight after a click", "ms", _of(pages, "highlight"), goal=Goal(16)),
        Row(
            "sent at a click, without maps",
            "kB",
            _of(maps, "sent", 1e3),
            _of(lines, "sent", 1e3),
            "an empty app",
            Goal(20),
        ),
        Row("sent at a click, maps not seen before", "kB", _of(first, "maps", 1e3)),
    ]


def _warm(repetitions: int) -> int:
    return WARM if repetitions > 1 else 1


def _of(clicks: Sequence[Click], what: str, unit: float = 1.0) -> Sample:
    return Sample.of([getattr(click, what) / unit for click in clicks])


class _Tab:
    """A page whose WebSocket is listened to."""

    def __init__(self, window: "BrowserContext") -> None:
        self.page: Page = window.new_page()
        self._frames: list[bytes] = []
        self.page.on("websocket", self._listen)

    def _listen(self, socket: "WebSocket") -> None:
        socket.on("framereceived", lambda data: self._frames.append(data if isinstance(data, bytes) else data.encode()))

    def open_unfolded(self, url: str) -> None:
        self.page.goto(f"{url}/?network={NETWORK}")
        self.page.get_by_role("button", name="Unfold", exact=True).click()
        self.page.locator('g.node[id="layer3.20.conv1"]').wait_for(state="attached")
        self.rest()

    def rest(self) -> None:
        """Until no run goes on, and then for as long as a person waits."""
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(state="attached")
        self.page.wait_for_timeout(PAUSE)

    def click(self, path: str, done: str) -> Click:
        lit = f"(graph => () => graph.getElementById({path!r}).classList.contains('lit'))({_GRAPH})"
        confirmed = _CONFIRMED.format(path=path)
        return self._measured(lambda: self._middle(f'g.node[id="{path}"]'), lit, done, confirmed)

    def click_line(self, line: int) -> Click:
        drawn = f"() => document.querySelector('[data-testid=stMarkdown]').textContent.trim() === 'Line {line}'"
        return self._measured(lambda: self._middle("button:text-is('Next')"), drawn, drawn, drawn)

    def turn(self, knob: "Knob", number: int) -> float:
        """Milliseconds from a key or a click to what the page shows then."""
        self.page.bring_to_front()
        done = _CHANGED.format(shown=knob.shown)
        self.page.evaluate(_WATCH, [done, done, done, "keydown" if knob.keys else "click"])
        place = self.page.locator(knob.where).first
        if knob.keys:
            place.press(knob.keys[number % len(knob.keys)])
        else:
            place.click()
        took: float = self.page.evaluate("window.benched")[0]
        self.rest()
        return took

    def _middle(self, selector: str) -> tuple[float, float]:
        found = self.page.locator(selector)
        found.scroll_into_view_if_needed()
        box = found.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def _measured(self, where: Callable[[], tuple[float, float]], lit: str, done: str, confirmed: str) -> Click:
        self.page.bring_to_front()
        x, y = where()
        self.page.mouse.move(x, y)
        self.page.evaluate(_WATCH, [lit, done, confirmed, "click"])
        self._frames.clear()
        self.page.mouse.click(x, y)
        took, highlight, confirmed_at = self.page.evaluate("window.benched")
        self.rest()
        maps = sum(len(frame) for frame in self._frames if MAPS in frame)
        return Click(took, highlight, confirmed_at, sum(map(len, self._frames)) - maps, maps)


# --- knobs of the lessons ----------------------------------------------------


class Knob(NamedTuple):
    """A knob of a page.

    Attributes:
        name: of the page, and which knob it is.
        where: it is found.
        keys: pressed in turn, if it isn't clicked; one of them alone gives a new answer each time, two give two
            answers, which the browser has kept.
        page: in the URL, if it isn't the first word of its name.
        shown: a function of the page: what is other when the answer is there.
    """

    name: str
    where: str
    keys: Sequence[str] = ()
    page: str = ""
    shown: str = "() => [...document.querySelectorAll('.answer[data-turn]')].map(e => e.dataset.turn).join()"


_TO_AND_FRO = ("ArrowRight", "ArrowLeft")
KNOBS = (
    Knob("kernels, its kernel", "[aria-label^=Kernel]", _TO_AND_FRO),
    Knob("kernels, its map size", "#knob-map", ["ArrowUp"]),
    Knob("kernels, its biases", "[role=switch]"),
    Knob("inception, its input depth", "[type=range]", ["ArrowRight"]),
    Knob("inception, the weights' start", "fieldset input:checked", ["ArrowRight"], "inception?about=Weights"),
    Knob("lenet, a map of C3", "[aria-label='Map of C3']", _TO_AND_FRO),
    Knob("lenet, wrong units", "[type=range][aria-label^=Units]", ["ArrowRight"]),
    Knob("shortcuts, its batch norm", "[role=switch]"),
    Knob("shortcuts, its options", "fieldset input:checked", ["ArrowRight"], "shortcuts?point=Options+A,+B,+C"),
    Knob("kernels, a stride's layer", "[name=knob-taken]:checked", ["ArrowRight"], "kernels?show=network"),
    Knob("alexnet, LRN's α", "[aria-label='α']", _TO_AND_FRO, "alexnet?idea=LRN"),
    Knob("alexnet, the pooling's window", "[type=range]", _TO_AND_FRO, "alexnet?idea=Pooling"),
    Knob("alexnet, dropout's draw", "#knob-draw", ["ArrowUp"], "alexnet?idea=Dropout"),
    Knob("alexnet, the crops' picture", "[type=range]", ["ArrowRight"], "alexnet?idea=Augmentation"),
    Knob("compare, its cost", "fieldset input:checked", ["ArrowRight"]),
    Knob(
        *("printed, differing rows", "[role=switch]"),
        shown="(table => () => table.className)([...document.querySelectorAll('*')].find(e => "
        "e.shadowRoot?.querySelector('table')).shadowRoot.querySelector('table'))",
    ),
)
_CHANGED = "((shown, before) => () => shown() !== before)({shown}, ({shown})())"


def _knobs(window: "BrowserContext", ours: str, peer: str, repetitions: int) -> list[Row]:
    empty = _Tab(window)
    empty.page.goto(peer)
    empty.page.get_by_text("Line 0").wait_for()
    rows, line, warm = [], 0, _warm(repetitions)
    for knob in KNOBS:
        tab, turns, lines = _Tab(window), [], []
        tab.page.bring_to_front()  # a page in the background may not be drawn at all
        tab.page.goto(f"{ours}/{knob.page or knob.name.partition(',')[0]}")
        tab.page.locator(knob.where).first.wait_for()
        tab.rest()
        for turn in range(repetitions + warm):
            turns.append(tab.turn(knob, turn))
            line += 1
            lines.append(empty.click_line(line).done)
        tab.page.close()
        took, of = Sample.of(turns[warm:]), Sample.of(lines[warm:])
        rows.append(Row(f"knob to picture, /{knob.name}", "ms", took, of, "an empty app", Goal(2, "ratio")))
    empty.page.close()
    return rows


# --- first views and layouts -------------------------------------------------

_FIRST_VIEW = f"""
window.benched = new Promise(resolve => {{
  const frame = () => {_GRAPH}?.querySelector("g.node.lit") ? resolve(performance.now()) : requestAnimationFrame(frame)
  requestAnimationFrame(frame)
}})
"""


def _first_views(window: "BrowserContext", ours: str, repetitions: int) -> Row:
    def view(network: str) -> float:
        tab = window.new_page()
        tab.add_init_script(_FIRST_VIEW)
        tab.goto(f"{ours}/?network={network}")
        took: float = tab.evaluate("window.benched")
        tab.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(state="attached")
        tab.close()
        return took

    pairs = [(view(NETWORK), view(SMALL)) for _ in range(repetitions + 1)][1:]
    large, small = (Sample.of(column) for column in zip(*pairs, strict=True))
    return Row(f"first view of {NETWORK}, folded", "ms", large, small, SMALL, Goal(1.3, "ratio"))


def _slowest_layout(repetitions: int) -> Row:
    samples = {}
    for network in cards():
        graph = describe(Options(network))
        samples[network] = Sample.of([_layout(graph) for _ in range(repetitions + 1)][1:])
    slowest = max(samples, key=lambda network: samples[network].median)
    return Row(f"slowest layout, unfolded: {slowest}", "ms", samples[slowest], goal=Goal(150))


def _layout(graph: LayerGraph) -> float:
    began = time.perf_counter()
    svg_for_page(render(dot_of(drawing(graph, "all"))))
    return (time.perf_counter() - began) * 1e3
