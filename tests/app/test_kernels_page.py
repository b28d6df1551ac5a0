"""The page on kernels: what its knobs change."""

import re
from pathlib import Path

import pytest
from components import Answer, given, stand, turn
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.testing.v1 import AppTest

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("screens/kernels.py")
    return app.run()


def said(app: AppTest) -> str:
    return " ".join([Answer(app).words, *(element.value for element in (*app.markdown, *app.caption))])


def test_each_view_opens_with_a_sentence_and_a_question_of_its_own():
    openings = [opened(show=view).markdown[0].value for view in ("cost", "proof", "network")]
    assert all(". **" in words and words.endswith("?**") for words in openings)
    assert len(set(openings)) == 3


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("in", 16, "400"),
        ("out", 32, "800"),
        ("map", 28, "25"),
        ("dilation", 2, "25"),
        ("stride", 2, "25"),
        ("bias", True, "26"),
    ],
)
def test_each_knob_is_in_the_url_and_in_the_weights(key, value, expected):
    app = opened(**{key: str(value).lower()})
    assert not app.exception
    assert Answer(app).numbers["Weights, one layer"] == expected
    assert stand(app)[key] == value
    assert app.query_params[key] == str(value).lower()


def test_googlenets_module_3a_breaks_even_between_its_depths():
    app = opened(**{"in": "16", "mid": "32", "out": "32"})
    assert (Answer(app).numbers["Weights, one layer"], Answer(app).numbers["Weights, 2 × (3 × 3)"]) == (
        "12,800",
        "13,824",
    )
    assert "29.6" in said(app)
    turn(app, mid=16)
    assert Answer(app).numbers["Weights, 2 × (3 × 3)"] == "6,912"
    assert app.query_params["mid"] == "16"


def test_without_a_depth_between_the_layers_it_is_as_many_as_go_out():
    app = opened(out="32", mid="16")
    before = Answer(app).numbers["Weights, 2 × (3 × 3)"]
    turn(app, mid=None)
    assert stand(app)["mid"] is None
    assert "mid" not in app.query_params
    empty = Answer(app).numbers["Weights, 2 × (3 × 3)"]
    assert empty != before
    turn(app, mid=32)
    assert Answer(app).numbers["Weights, 2 × (3 × 3)"] == empty


@pytest.mark.parametrize(
    ("strided", "words"), [("last", "whole map"), ("first", "not 5 × 5"), ("each", "strides multiply")]
)
def test_a_stride_asks_where_it_is(strided, words):
    app = opened()
    [asked] = [knob for board in given(app, "knobs") for knob in board["knobs"] if knob["name"] == "strided"]
    assert asked["unless"] == ["stride", 1], "a browser doesn't show it at stride 1"
    turn(app, stride=2, strided=strided)
    assert not app.exception
    assert re.search(words, said(app))


def test_the_proof_finds_the_same_pixels_and_the_same_map():
    app = opened(show="proof")
    assert not app.exception
    assert not app.error
    assert "The same 25 pixels" in said(app)
    assert "within 1 pixel of the border" in said(app)
    assert re.search(r"differ by \d+e-1[4-7] of the largest value", said(app))
    assert re.search(r"its 18 weights leave \*\*\d+ %", said(app))
    app.select_slider(key="kernel").set_value(7).run()
    assert "The same 49 pixels" in said(app)
    assert "within 2 pixels of the border" in said(app)


@pytest.mark.parametrize(("key", "value"), [("inside", 3), ("dilation", 2), ("seed", 7)])
def test_each_knob_of_the_proof_gives_a_proof(key, value):
    app = opened(show="proof", **{key: str(value)})
    assert not app.exception
    assert not app.error
    assert "The same 25 pixels" in said(app)


def test_the_proof_is_on_the_picture_that_is_chosen():
    app = opened(show="proof")
    before = said(app)
    app.selectbox(key="image").set_value("rocket").run()
    assert not app.exception
    assert re.search(r"border by up to [\d.]+", said(app))[0] != re.search(r"border by up to [\d.]+", before)[0]


def test_a_network_in_stacks_stands_beside_itself():
    app = opened(show="network")
    assert not app.exception
    assert "62,875,112 parameters, 13,709,160,992 MACs" in said(app)
    assert "its stack does so in its last layer, sees the same 11 × 11" in said(app)
    turn(app, taken="the first layer")
    assert "sees 35 × 35, not 11 × 11" in said(app)
    turn(app, large="googlenet")
    assert "0 of 10 replaced layers have fewer parameters" in said(app)
    turn(app, within="as many as in")
    assert "10 of 10 replaced layers" in said(app)
    assert "12.8\u00a0k → 6.96\u00a0k" in [cell for row in Answer(app).rows for cell in row]
    assert len(given(app, "graph")) == 2
    assert not app.error


def test_a_network_of_the_url():
    app = opened(show="network", large="googlenet", within="as many as in", taken="the first layer")
    assert not app.exception
    assert "6,682,944 parameters, 1,420,666,112 MACs" in said(app)


# --- in a browser --------------------------------------------------------------


@pytest.mark.browser
def test_another_kernel_is_a_key_away_and_its_picture_fits_one_screen(app_url, page: Page):
    page.goto(f"{app_url}/kernels")
    expect(page.get_by_text("the stack has 28.0 % fewer weights")).to_be_visible()
    slider = page.get_by_role("slider", name="Kernel K × K")
    expect(page.get_by_role("radio", name="each")).to_be_hidden()
    for kernel, saved in ((7, "44.9"), (9, "55.6"), (11, "62.8")):
        slider.press("ArrowRight")
        expect(page.get_by_text(f"Both see {kernel} × {kernel}; the stack has {saved} % fewer weights")).to_be_visible()
    expect(page).to_have_url(re.compile(r"kernel=11"))
    assert page.locator(".drawn").count() == 4
    for chart in page.locator(".drawn").all():
        box = chart.bounding_box()
        assert box["y"] + box["height"] <= 720
    page.reload()
    expect(page.get_by_text("Both see 11 × 11")).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", "11")
    page.get_by_role("spinbutton", name="Stride", exact=True).fill("2")
    page.get_by_text("each", exact=True).click()
    expect(page).to_have_url(re.compile(r"stride=2.*strided=each|strided=each.*stride=2"))
    expect(page.get_by_role("radio", name="each")).to_be_checked()
    expect(page.get_by_text("strides multiply")).to_be_visible()


@pytest.mark.browser
def test_a_turned_kernel_is_answered_before_python_knows(app_url, page: Page):
    held: list[str | bytes] = []
    holds = False

    def route(tab: WebSocketRoute) -> None:
        server = tab.connect_to_server()
        tab.on_message(lambda message: held.append(message) if holds else server.send(message))
        server.on_message(tab.send)
        page.let_go = lambda: [server.send(message) for message in held]

    page.route_web_socket(re.compile("_stcore/stream"), route)
    page.goto(f"{app_url}/kernels?in=16&mid=16&out=32")
    expect(page.get_by_text("the stack has 46.0 % fewer weights")).to_be_visible()
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    holds = True
    page.get_by_role("slider", name="Kernel K × K").press("ArrowRight")
    expect(page.get_by_text("Both see 7 × 7")).to_be_visible()
    expect(page.locator("dl.numbers")).to_contain_text("25,088")
    expect(page.get_by_role("img", name="Weights: one 7 × 7 25,088")).to_be_visible()
    page.wait_for_timeout(500)
    assert held, "nobody else has seen the key"
    holds = False
    page.let_go()
    page.get_by_role("slider", name="Kernel K × K").press("ArrowLeft")
    expect(page.get_by_text("Both see 5 × 5")).to_be_visible()


@pytest.mark.browser
def test_a_charts_values_are_read_by_pointer_and_by_keys(app_url, page: Page):
    page.goto(f"{app_url}/kernels?kernel=7")
    saved = page.get_by_role("img", name="Weights that the stack and the two lines save")
    expect(saved).to_be_visible()
    for _ in range(3):  # the stack's at K = 3, 5, 7
        saved.press("ArrowRight")
    expect(page.get_by_text("7 × 7: 44.9 % fewer weights")).to_be_visible()
    bars = page.get_by_role("img", name="Weights: one 7 × 7 49, 3 × (3 × 3) 27, 1 × 7, 7 × 1 14")
    box = bars.bounding_box()
    bars.hover(position={"x": box["width"] * 0.3, "y": box["height"] * 0.4})
    expect(page.get_by_text("3 × (3 × 3), layer 1: 9 weights")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(page.locator(".charts .drawn svg")).to_have_count(4)
    blue = page.locator(".charts .blue .window").first.evaluate("mark => getComputedStyle(mark).fill")
    assert blue == "rgb(86, 180, 233)", "the lighter one"


@pytest.mark.browser
def test_the_window_grows_and_is_scrubbed(app_url, page: Page):
    page.goto(f"{app_url}/kernels?show=proof&kernel=7")
    after = lambda layers, side: page.get_by_role(  # noqa: E731
        "img", name=re.compile(rf"^3 × \(3 × 3\): after {layers} layers?, a unit sees {side**2} pixels")
    )
    expect(after(3, 7)).to_be_visible()
    slider = page.get_by_role("slider", name="Layers that the window has grown through")
    slider.press("ArrowLeft")
    expect(after(2, 5)).to_be_visible()
    slider.fill("1.5")  # between two layers
    expect(after(1, 3)).to_be_visible()
    page.get_by_role("button", name="Let the window grow").click()
    expect(after(3, 7)).to_be_visible()
    expect(page.get_by_role("button", name="Let the window grow")).to_be_visible()
