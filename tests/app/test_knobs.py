"""A lesson's knobs: what they can be set to, where they stand, and who answers them while they are being turned."""

import json
import math
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import hypothesis
import pytest
from components import Answer, given, stand, turn
from hypothesis import strategies as some
from playwright.sync_api import Page, Route, WebSocketRoute, expect
from starlette.requests import Request
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from visitor import Server, Visitor, serving

from app import answers
from app.components.knobs import Choice, Knob, Number, Switch
from app.panels.knobs import Lesson
from app.panels.lessons import LESSONS
from cnnviz.errors import BadOption

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")

WHOLE = Number("n", "Window", 5, 1, 512)
ODD = Number("odd", "Channels", 5, 1, 15, 2)
FINE = Number("gain", "Gain", 1.0, 0, 2, 0.05)
EMPTY = Number("mid", "Inside", None, 1, 4096, blank="= out")
WORDS = Choice("taken", "Taken", 5, (3, 5, 7, "each"))
ON = Switch("norm", "Batch norm", True)

# lesson -> its page, and links to it
PAGES = {
    "cost": ("kernels", ["", "kernel=11&in=16&mid=16&out=32&stride=2&strided=first&bias=true"]),
    "training": ("shortcuts", ["", "norm=false"]),
    "connections": ("lenet", ["", "c3=15&reads=all six"]),
    "figures": ("lenet", ["", "digit=7&flipped=40"]),
    "module": ("inception", ["", "inputs=832&conv1x1=384&side=7"]),
}


def opened(screen: str, **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(f"screens/{screen}.py")
    return app.run()


# --- what a knob can be set to -----------------------------------------------------


@pytest.mark.parametrize(
    ("knob", "value", "read"),
    [
        (WHOLE, 7, 7),
        (WHOLE, "7", 7),
        (WHOLE, " 7 ", 7),
        (WHOLE, 7.4, 7),
        (WHOLE, 1, 1),
        (WHOLE, 512, 512),
        (ODD, 7, 7),
        (ODD, "15", 15),
        (ODD, 7.9, 7),
        (FINE, "0.15", 0.15),
        (FINE, 0.1 + 0.05, 0.15),
        (FINE, 0.17, 0.15),
        (FINE, 0, 0.0),
        (FINE, 2, 2.0),
        (EMPTY, 16, 16),
        (EMPTY, None, None),
        (EMPTY, "", None),
        (WORDS, 7, 7),
        (WORDS, "7", 7),
        (WORDS, "each", "each"),
        (ON, True, True),
        (ON, False, False),
        (ON, "false", False),
        (ON, "True", True),
        (Switch("bias", "Bias"), "true", True),
    ],
)
def test_what_can_be_had_is_taken(knob, value, read):
    found = knob.read(value)
    assert found == read
    assert type(found) is type(read)


NONSENSE = ["?", "\0", "nan", "-inf", "1e400", "9" * 400, math.nan, math.inf, 10**400, -1, [7], {"7": 7}, ["true"]]


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("knob", [WHOLE, FINE, EMPTY, WORDS, ON], ids=lambda knob: knob.label)
def test_what_can_t_be_had_is_as_usual(knob, value):
    assert knob.read(value) == knob.usual


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        *((WHOLE, value) for value in (0, 513, True, None, "")),
        *((FINE, 2.0001), (FINE, -0.01), (EMPTY, 0), (EMPTY, 4097)),
        *((WORDS, value) for value in (4, "Each", None, True, "")),
        *((ON, value) for value in (1, "yes", None, "")),
    ],
)
def test_what_is_beside_the_offered_is_as_usual(knob, value):
    assert knob.read(value) == knob.usual


ANYTHING = some.one_of(
    some.integers(),
    some.integers(-5, 600),
    some.floats(),
    some.floats(-0.1, 2.1),
    some.none(),
    some.booleans(),
    some.text(max_size=8),
    some.sampled_from(["3", "each", "true", "false"]),
    some.lists(some.integers(), max_size=2),
)


@hypothesis.settings(deadline=None, database=None, derandomize=True)
@hypothesis.given(some.sampled_from([WHOLE, ODD, FINE, EMPTY, WORDS, ON]), ANYTHING)
def test_whatever_is_read_is_offered_and_is_read_again_from_the_url(knob: Knob, value: object):
    found = knob.read(value)
    if isinstance(knob, Number):
        assert found is None or knob.low <= found <= knob.high
        steps = 0 if found is None else (found - knob.low) / knob.step
        assert steps == pytest.approx(round(steps))
        assert found is not None or knob.blank
        assert len(str(found)) <= 4, "no dust"
    elif isinstance(knob, Choice):
        assert found in knob.offered
    else:
        assert found in (True, False)
    assert knob.read(found) == found
    assert knob.read("" if found is None else str(found).lower()) == found


# --- where they stand ----------------------------------------------------------------


@pytest.mark.parametrize("lesson", PAGES)
def test_a_link_sets_the_knobs_and_stays_as_it_is(lesson):
    screen, links = PAGES[lesson]
    asked = dict(parse_qsl(links[-1]))
    app = opened(screen, **asked)
    assert not app.exception
    now = stand(app)
    assert {name: str(now[name]).lower() for name in asked} == asked
    assert app.query_params == asked
    usual = stand(opened(screen))
    assert {name: value for name, value in now.items() if name not in asked} == {
        name: value for name, value in usual.items() if name not in asked
    }


@pytest.mark.parametrize("value", ["?", "-1", "9" * 400, "nan", "-inf", "0x10", "<script>", "[]"])
@pytest.mark.parametrize("lesson", PAGES)
def test_rubbish_in_a_link_leaves_all_as_usual_and_a_clean_url(lesson, value):
    screen, _ = PAGES[lesson]
    app = opened(screen, **{knob.name: value for knob in LESSONS[lesson].knobs})
    assert not app.exception
    assert not app.error
    assert stand(app) == stand(opened(screen))
    assert app.query_params == {}


def test_what_is_as_usual_isn_t_in_the_url():
    app = opened("kernels", kernel="5", map="56", bias="false")
    assert app.query_params == {}
    turn(app, kernel=7, bias=True)
    assert app.query_params == {"kernel": "7", "bias": "true"}
    turn(app, kernel=5, bias=False)
    assert app.query_params == {}


@pytest.mark.parametrize("view", ["proof", "network"])
def test_knobs_stand_as_they_did_after_another_view(view):
    app = opened("kernels", kernel="7", dilation="2", **{"in": "16"})
    before = stand(app)
    app.segmented_control(key="show").set_value(view).run()
    assert not app.exception
    app.segmented_control(key="show").set_value("cost").run()
    for _ in range(2):  # and it stays so
        assert stand(app) == before
        assert {name: app.query_params.get(name) for name in ("kernel", "dilation", "in")} == {
            **{"kernel": "7", "dilation": "2"},
            "in": "16",
        }
        app.run()
    assert not app.exception


def test_a_knob_that_two_views_share_is_one():
    app = opened("kernels", show="proof")
    app.select_slider(key="kernel").set_value(9).run()
    app.segmented_control(key="show").set_value("cost").run()
    for _ in range(2):  # and it stays so
        assert stand(app)["kernel"] == 9
        assert "Both see 9 × 9" in Answer(app).words
        assert app.query_params["kernel"] == "9"
        app.run()
    turn(app, kernel=3)
    app.segmented_control(key="show").set_value("proof").run()
    assert app.select_slider(key="kernel").value == 3
    assert not app.exception


def test_with_and_without_batch_norm_is_one_knob_of_two_views():
    app = opened("shortcuts", point="Gradients", norm="false")
    app.segmented_control(key="point").set_value("Training").run()
    for _ in range(2):  # and it stays so
        assert stand(app) == {"norm": False}
        assert app.query_params["norm"] == "false"
        app.run()


def test_knobs_stand_as_they_did_after_another_page():
    app = turn(opened("inception"), inputs=480, side=7)
    before = stand(app)
    app.switch_page("screens/lenet.py").run()
    assert "inputs" not in stand(app)
    app.switch_page("screens/inception.py").run()
    assert stand(app) == before
    assert app.query_params == {"inputs": "480", "side": "7"}


def test_a_board_is_told_all_of_its_knobs():
    [board] = given(opened("kernels"), "knobs")
    assert [knob["name"] for knob in board["knobs"]] == list(board["values"])
    assert {knob["kind"] for knob in board["knobs"]} == {"Number", "Choice", "Switch"}
    assert board["key"] == "cost"
    assert board["turn"] == 0
    assert urlsplit(board["ask"]).path == answers.address("cost")


# --- what a browser tells -------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("log") / "log") as found:
        with Visitor(found) as first:
            first.run()  # loads torch
        yield found


def told(visitor: Visitor, state: str) -> dict:
    """What the board on the page on kernels is given when a browser has told this of it."""
    board = next(shown for shown in visitor.of("bidi_component") if shown.id.endswith("-cost"))
    visitor.run(WidgetState(id=board.id, json_value=state), page="kernels")
    return json.loads(next(shown for shown in visitor.of("bidi_component") if shown.id == board.id).json)


def test_a_turn_is_taken_and_its_number_given_back(server):
    with Visitor(server) as visitor:
        visitor.run(page="kernels")
        found = told(visitor, json.dumps({"turned": {"turn": 3, "values": {"kernel": 7, "in": 16, "bias": True}}}))
        assert (found["turn"], found["values"]["kernel"], found["values"]["in"]) == (3, 7, 16)
        assert dict(parse_qsl(visitor.query)) == {"kernel": "7", "in": "16", "bias": "true"}
        [shown] = [html.body for html in visitor.of("html") if "data-of='cost'" in html.body]
        assert "data-turn='3'" in shown
        assert "Both see 7 × 7" in shown


@pytest.mark.parametrize(
    "turned",
    [
        *("null", "7", '"kernel"', "[]", "[[7]]", "{}", '{"turn": 1}', '{"values": {}}', '{"turn": "1", "values": []}'),
        '{"turn": null, "values": {"kernel": null, "in": null, "bias": null}}',
        '{"turn": [1], "values": "kernel"}',
        '{"turn": {"turn": 1}, "values": {"kernel": [7], "in": {"in": 1}, "bias": "maybe", "strided": []}}',
        '{"turn": 1.5, "values": {"kernel": 1e400, "in": -1e400, "mid": NaN, "map": 1e99}}',
        '{"turn": -1, "values": {"kernel": -5, "in": 0, "mid": -1, "map": 99999999999999999999, "stride": 1e30}}',
        '{"turn": 1, "values": {"__class__": 1, "page": "lenet", "network": "x", "": 5, "kernel written": "7"}}',
        json.dumps({"turn": 1, "values": {"kernel": "7" * 10_000, "in": "\0" * 1_000}}),
        '{"turn": 1, "values": {"mid": [[[[[[[[]]]]]]]], "strided": "<script>", "dilation": "1; DROP TABLE"}}',
    ],
)
def test_a_turn_that_makes_no_sense_turns_nothing(server, turned):
    with Visitor(server) as visitor:
        visitor.run(page="kernels")
        found = told(visitor, f'{{"turned": {turned}}}')
        assert not visitor.said
        assert found["values"] == {
            **{"kernel": 5, "in": 1, "mid": None, "out": 1, "map": 56, "dilation": 1, "stride": 1},
            **{"strided": "last", "bias": False},
        }
        assert visitor.query == ""


def test_a_turn_of_huge_numbers_does_no_harm(server):
    digits = "9" * 400
    with Visitor(server) as visitor:
        visitor.run(page="kernels")
        found = told(visitor, f'{{"turned": {{"turn": {digits}, "values": {{"kernel": {digits}, "in": {digits}}}}}}}')
        assert not visitor.said
        assert (found["values"]["kernel"], found["values"]["in"]) == (5, 1)
    with Visitor(server) as other:
        assert other.run(page="kernels").said == []


# --- what a browser asks ----------------------------------------------------------------


def asked(server: Server, lesson: str, query: str = "") -> tuple[int, object]:
    """Status and JSON of the answer that a browser gets while a knob is being turned."""
    status, headers, body = server.ask("GET", f"/answers/{lesson}?{query}")
    assert headers["content-type"] == "application/json"
    return status, json.loads(body)


def shown_by_python(app: AppTest, lesson: str) -> str:
    [body] = [html.proto.body for html in app.get("html") if f"data-of='{lesson}'" in html.proto.body]
    return re.fullmatch(r"<div class='answer' data-of='\w+' data-turn='0'>(.*)</div>", body, re.DOTALL)[1]


@pytest.mark.parametrize(("lesson", "link"), [(name, link) for name, (_, links) in PAGES.items() for link in links])
def test_the_server_answers_just_as_the_page_does(server, lesson, link):
    asks = dict(parse_qsl(link))
    status, answer = asked(server, lesson, urlencode(asks))
    assert status == 200
    assert answer["html"] == shown_by_python(opened(PAGES[lesson][0], **asks), lesson)


@pytest.mark.parametrize("lesson", PAGES)
def test_what_makes_no_sense_is_answered_as_usual(server, lesson):
    usual = asked(server, lesson)
    names = [knob.name for knob in LESSONS[lesson].knobs]
    for value in ("?", "", "nan", "-1", "1e400", "9" * 5_000, "\0", "\ud7ff", "<script>alert(1)</script>"):
        assert asked(server, lesson, urlencode(dict.fromkeys(names, value))) == usual, value
    for query in ("&&&=&==&", "%ff%00=%ff", "x=1", "kernel[]=7", "&".join(f"n{n}={n}" for n in range(5_000))):
        assert asked(server, lesson, query) == usual, query[:40]


def test_of_a_value_that_is_said_twice_one_is_taken(server):
    assert asked(server, "cost", "kernel=7&kernel=9") in [asked(server, "cost", f"kernel={k}") for k in (7, 9)]


def test_no_question_is_too_much_for_any_lesson(server):
    for lesson in LESSONS:
        for query in ("", "about=x", "about=", "x=1"):
            status, answer = asked(server, lesson, query)
            assert status in (200, 422), (lesson, query)
            assert status == 200 or re.fullmatch(r"[A-Z][^\n]+\.", answer), (lesson, query)
    assert "Traceback" not in server.log


def test_a_lesson_that_isn_t_there_gets_a_sentence(server):
    status, answer = asked(server, "kernels")
    assert status == 404
    assert re.fullmatch(r"There is no lesson of that name; there are: cost, .*\.", answer)
    for path in ("/answers/cost%20", "/answers/COST"):
        assert server.ask("GET", path)[0] == 404
    for path in ("/answers/%00", "/answers/..%2f..%2fapp%2fmain.py"):
        assert server.ask("GET", path)[0] == 400
    assert server.ask("POST", "/answers/cost", b"kernel=7")[0] == 405


def test_an_error_is_one_sentence(monkeypatch):
    def wrong() -> list[str]:
        raise BadOption("A kernel of 4 has no middle: choose an odd one.")

    monkeypatch.setitem(LESSONS, "wrong", Lesson("wrong", (), wrong))
    scope = {"type": "http", "headers": [], "query_string": b"kernel=4", "path_params": {"name": "wrong"}}
    answer = answers._answer(Request(scope))
    assert answer.status_code == 422
    assert json.loads(answer.body) == "A kernel of 4 has no middle: choose an odd one."


@pytest.mark.parametrize(
    ("base", "address"),
    [
        *(("", "/answers/cost"), ("/", "/answers/cost"), ("hall", "/hall/answers/cost")),
        ("/hall/one/", "/hall/one/answers/cost"),
    ],
)
def test_answers_are_below_the_path_that_the_server_was_given(monkeypatch, base, address):
    monkeypatch.setattr(answers, "get_option", lambda name: {"server.baseUrlPath": base}[name])
    assert answers.address("cost") == address
    assert [route.path for route in answers.routes()] == [address.replace("cost", "{name}")]


# --- in a browser -------------------------------------------------------------------------


def rested(page: Page) -> None:
    """Wait until Python has nothing to do."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()


def kernel(page: Page):
    return page.get_by_role("slider", name="Kernel K × K")


class Line:
    """Between a page and its server: what a page sends is held back on demand, and what it is sent."""

    def __init__(self, page: Page) -> None:
        self.up: list[str | bytes] = []
        self.down: list[str | bytes] = []
        self.holds_up = self.holds_down = False
        page.route_web_socket(re.compile("_stcore/stream"), self._connect)

    def _connect(self, tab: WebSocketRoute) -> None:
        server = self._server = tab.connect_to_server()
        self._tab = tab
        tab.on_message(lambda message: self.up.append(message) if self.holds_up else server.send(message))
        server.on_message(lambda message: self.down.append(message) if self.holds_down else tab.send(message))

    def let_go(self) -> None:
        self.holds_up = self.holds_down = False
        for message in self.up:
            self._server.send(message)
        for message in self.down:
            self._tab.send(message)


@pytest.mark.browser
def test_a_slider_that_is_dragged_is_answered_while_the_button_is_down(app_url, page: Page):
    line = Line(page)
    page.goto(f"{app_url}/kernels")
    expect(page.get_by_text("Both see 5 × 5")).to_be_visible()
    rested(page)
    line.holds_up = True
    box = kernel(page).bounding_box()
    across = lambda share: box["x"] + 7 + (box["width"] - 14) * share  # noqa: E731
    page.mouse.move(across(1 / 6), box["y"] + box["height"] / 2)  # at 5 of 3, 5, 7, … 15
    page.mouse.down()
    for step, side in ((2, 7), (3, 9), (4, 11)):
        page.mouse.move(across(step / 6), box["y"] + box["height"] / 2)
        expect(page.get_by_text(f"Both see {side} × {side}")).to_be_visible()
        expect(page.locator("dl.numbers")).to_contain_text(str(side**2))
        expect(page.locator("output").get_by_text(str(side), exact=True)).to_be_visible()
    page.wait_for_timeout(500)
    assert line.up, "nobody else has seen it"
    assert page.url == f"{app_url}/kernels"
    page.mouse.up()
    line.let_go()
    expect(page).to_have_url(f"{app_url}/kernels?kernel=11")
    expect(page.get_by_text("Both see 11 × 11")).to_be_visible()


@pytest.mark.browser
def test_python_is_told_once_the_knobs_rest(app_url, page: Page):
    line = Line(page)
    page.goto(f"{app_url}/inception")
    depth = page.get_by_role("slider", name="Input depth")
    expect(depth).to_be_visible()
    rested(page)
    line.holds_up = True
    depth.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("spinbutton", name="Input depth, as a number")).to_have_value("212")
    page.wait_for_timeout(800)
    assert len(line.up) == 1
    line.let_go()
    expect(page).to_have_url(f"{app_url}/inception?inputs=212")


@pytest.mark.browser
def test_an_older_turn_is_never_shown_while_one_turns_on(app_url, page: Page):
    line = Line(page)
    page.goto(f"{app_url}/kernels")
    expect(page.get_by_text("Both see 5 × 5")).to_be_visible()
    rested(page)
    page.evaluate(
        """() => {
          window.painted = []
          const look = () => {
            const found = document.querySelector(".answer[data-of=cost]")?.textContent.match(/Both see (\\d+)/)?.[1]
            if (window.painted.at(-1) !== found) window.painted.push(found)
            requestAnimationFrame(look)
          }
          look()
        }"""
    )
    line.holds_down = True
    kernel(page).press("ArrowRight")
    expect(page.get_by_text("Both see 7 × 7")).to_be_visible()
    page.wait_for_timeout(500)  # Python is told
    for _ in range(60):
        if len(line.down) > 3:
            break
        page.wait_for_timeout(100)
    assert line.down, "Python has answered, which the page doesn't know yet"
    kernel(page).press("ArrowRight")
    expect(page.get_by_text("Both see 9 × 9")).to_be_visible()
    line.let_go()
    expect(page).to_have_url(f"{app_url}/kernels?kernel=9")
    rested(page)
    kernel(page).press("ArrowRight")
    expect(page).to_have_url(f"{app_url}/kernels?kernel=11")
    rested(page)
    assert page.evaluate("window.painted") == ["5", "7", "9", "11"]
    expect(kernel(page)).to_have_attribute("aria-valuetext", "11")


@pytest.mark.browser
@pytest.mark.parametrize("how", ["no way there", "an error"])
def test_where_nobody_answers_at_once_python_does(app_url, page: Page, how):
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        if how == "an error":
            route.fulfill(status=500, body="Internal Server Error")
        else:
            route.abort()

    page.route("**/answers/**", refuse)
    page.goto(f"{app_url}/kernels")
    expect(page.get_by_text("Both see 5 × 5")).to_be_visible()
    rested(page)
    kernel(page).press("ArrowRight")
    expect(page.get_by_text("Both see 7 × 7")).to_be_visible()
    expect(page).to_have_url(f"{app_url}/kernels?kernel=7")
    kernel(page).press("ArrowLeft")
    expect(page.get_by_text("Both see 5 × 5")).to_be_visible()
    assert len(asked) == 2


@pytest.mark.browser
def test_a_number_that_can_t_be_had_isn_t_taken_and_doesn_t_stay(app_url, page: Page):
    page.goto(f"{app_url}/kernels?in=16&mid=16&out=32")
    field = page.get_by_role("spinbutton", name="Channels in", exact=True)
    expect(field).to_have_value("16")
    answer = page.locator("dl.numbers")
    expect(answer).to_contain_text("12,800")
    rested(page)
    for wrong in ("0", "4097", "-3", "1.5", ""):
        field.fill(wrong)
        page.wait_for_timeout(400)
        assert field.evaluate("field => field.validity.valid") == (wrong == "")
        expect(answer).to_contain_text("12,800")
        field.blur()
        expect(field).to_have_value("16")
    inside = page.get_by_role("spinbutton", name="inside", exact=True)
    inside.fill("")
    expect(page).to_have_url(re.compile(r"/kernels\?in=16&out=32$"))
    inside.focus()
    page.keyboard.type("e-")
    assert inside.evaluate("field => field.validity.badInput")
    inside.blur()
    assert not inside.evaluate("field => field.validity.badInput"), "empty again"
    field.fill("64")
    expect(page).to_have_url(re.compile(r"in=64"))
    expect(answer).to_contain_text("51,200")


@pytest.mark.browser
def test_what_a_knob_means_is_told_by_keys_and_turns_nothing(app_url, page: Page):
    page.goto(f"{app_url}/kernels")
    expect(page.get_by_text("Both see 5 × 5")).to_be_visible()
    rested(page)
    meaning = page.get_by_text("Counts the biases as well.")
    expect(meaning).to_be_hidden()
    button = page.get_by_role("button", name="What Bias is")
    page.get_by_role("switch", name="Bias").focus()
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(meaning).to_be_visible()
    box = meaning.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    meaning.click()  # to select a word of it, say
    expect(page.get_by_role("switch", name="Bias")).not_to_be_checked()
    page.wait_for_timeout(400)
    assert page.url == f"{app_url}/kernels"


@pytest.mark.browser
def test_knobs_have_the_names_that_they_show(app_url, page: Page):
    page.goto(f"{app_url}/kernels?stride=2")
    expect(page.get_by_text("Both see 5 × 5")).to_be_visible()
    for name in ("Channels in", "inside", "out", "Map size", "Dilation", "Stride"):
        expect(page.get_by_role("spinbutton", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("slider", name="Kernel K × K", exact=True)).to_be_visible()
    expect(page.get_by_role("switch", name="Bias", exact=True)).to_be_visible()
    expect(page.get_by_role("group", name="in layer", exact=True)).to_be_visible()


def agrees(page: Page, side: int, dilation: int) -> None:
    """The URL, the knobs and the answer say the same."""
    seen = (side - 1) * dilation + 1
    expect(page.get_by_text(f"Both see {seen} × {seen}")).to_be_visible()
    expect(kernel(page)).to_have_attribute("aria-valuetext", str(side))
    expect(page.get_by_role("spinbutton", name="Dilation")).to_have_value(str(dilation))
    query = {"kernel": str(side)} if side != 5 else {}
    query |= {"dilation": str(dilation)} if dilation != 1 else {}
    assert dict(parse_qsl(urlsplit(page.url).query)) == query


@pytest.mark.browser
def test_knobs_and_answer_agree_after_back_forward_and_reload(app_url, page: Page):
    page.goto(f"{app_url}/kernels")
    agrees(page, 5, 1)
    rested(page)
    kernel(page).press("ArrowRight")
    expect(page).to_have_url(re.compile("kernel=7"))
    rested(page)
    page.get_by_role("spinbutton", name="Dilation").fill("2")
    expect(page).to_have_url(re.compile("dilation=2"))
    rested(page)
    kernel(page).press("ArrowRight")
    expect(page).to_have_url(re.compile("kernel=9"))
    rested(page)
    agrees(page, 9, 2)
    for _ in range(2):  # there and back again
        for _ in range(8):  # as often as the URL was written
            page.go_back()
            rested(page)
            if not urlsplit(page.url).query:
                break
        agrees(page, 5, 1)
        for _ in range(8):
            page.go_forward()
            rested(page)
            if "kernel=9" in page.url:
                break
        agrees(page, 9, 2)
    page.reload()
    agrees(page, 9, 2)
    rested(page)
    kernel(page).press("ArrowLeft")  # the first turn of a page that was loaded anew
    expect(page).to_have_url(re.compile("kernel=7"))
    agrees(page, 7, 2)


@pytest.mark.browser
def test_links_and_other_pages_leave_board_and_answer_in_agreement(app_url, page: Page):
    page.goto(f"{app_url}/kernels?kernel=7")
    agrees(page, 7, 1)
    page.goto(f"{app_url}/kernels?kernel=9&dilation=2")
    agrees(page, 9, 2)
    rested(page)
    kernel(page).press("ArrowRight")
    expect(page).to_have_url(re.compile("kernel=11"))
    rested(page)
    page.get_by_role("link", name="LeNet-5").click()
    expect(page.get_by_text("76 weights")).to_be_visible()
    rested(page)
    page.get_by_role("link", name="Kernels").click()
    expect(page).to_have_url(re.compile(r"/kernels\?.*kernel=11"))
    agrees(page, 11, 2)
    rested(page)
    kernel(page).press("ArrowLeft")
    expect(page).to_have_url(re.compile("kernel=9"))
    agrees(page, 9, 2)


@pytest.mark.browser
def test_another_view_is_opened_while_a_knob_has_just_been_turned(app_url, page: Page):
    page.goto(f"{app_url}/kernels?kernel=7")
    agrees(page, 7, 1)
    rested(page)
    kernel(page).press("ArrowRight")
    page.get_by_role("radio", name="proof").click(force=True)  # before Python is told
    expect(page.get_by_text(re.compile(r"The same (49|81) pixels"))).to_be_visible()
    page.wait_for_timeout(800)
    rested(page)
    expect(page.get_by_test_id("stAlert").or_(page.get_by_test_id("stException"))).to_have_count(0)
    page.get_by_role("radio", name="cost").click(force=True)
    expect(page.get_by_text("Both see")).to_be_visible()
    rested(page)
    agrees(page, 9 if "kernel=9" in page.url else 7, 1)


@pytest.mark.browser
@pytest.mark.parametrize("path", ["kernels?stride=2", "inception", "lenet", "shortcuts"])
def test_on_a_dark_phone_nothing_is_wider_than_the_page(app_url, browser, path):
    tab = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    tab.goto(f"{app_url}/{path}")
    expect(tab.locator(".charts .drawn svg").first).to_be_visible()
    rested(tab)
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    for knob in tab.locator(".knobs .knob:visible").all():
        box = knob.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert knob.evaluate("whole => whole.scrollWidth <= whole.clientWidth + 1"), knob.inner_text()
    ground = "knob => getComputedStyle(knob).color.match(/\\d+/g).slice(0, 3).every(part => part > 180)"
    assert tab.locator(".knobs").first.evaluate(ground), "light words on a dark page"
    tab.close()
