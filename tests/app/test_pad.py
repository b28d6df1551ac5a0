"""Drawing a digit, with the mouse and with a finger, and what LeNet-5 says of it meanwhile."""

import re
from collections.abc import Iterator, Sequence
from math import cos, pi, sin

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser
SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.6, 0.45), (0.5, 0.65), (0.45, 0.8)]
ZERO = [(0.5 - 0.2 * sin(turn * pi / 8), 0.5 - 0.28 * cos(turn * pi / 8)) for turn in range(17)]
Stroke = Sequence[tuple[float, float]]


def pad(page: Page) -> Locator:
    return page.get_by_role("img", name="Drawing pad")


def points(page: Page, stroke: Stroke) -> Iterator[tuple[float, float]]:
    """A stroke, given in shares of the pad, on the screen."""
    box = pad(page).bounding_box()
    for x, y in stroke:
        yield box["x"] + x * box["width"], box["y"] + y * box["height"]


def draw(page: Page, stroke: Stroke, *, lift: bool = True) -> None:
    pad(page).scroll_into_view_if_needed()
    start, *rest = points(page, stroke)
    page.mouse.move(*start)
    page.mouse.down()
    for point in rest:
        page.mouse.move(*point, steps=5)
    if lift:
        page.mouse.up()


def says(page: Page, digit: str) -> None:
    """LeNet-5 takes what is on the pad for this digit."""
    best = page.get_by_role("list", name="Scores of the digits").locator("li.best .name")
    expect(best).to_have_text(digit)


def verdict(page: Page) -> Locator:
    return page.locator("strong", has_text="is ahead by")


@pytest.fixture
def lenet(app_url, page):
    page.goto(f"{app_url}/?network=lenet5")
    page.get_by_role("radio", name="pad").click()
    expect(pad(page)).to_be_visible()
    expect(page).to_have_url(re.compile("from=pad"))
    return page


def test_lenet_answers_while_one_draws(lenet):
    seen = lenet.get_by_role("img", name="the picture chosen")
    sample = seen.get_attribute("src")
    draw(lenet, SEVEN, lift=False)
    says(lenet, "7")
    assert seen.get_attribute("src") == sample, "the rest of the page waits for the stroke's end"
    lenet.mouse.up()
    expect(seen).not_to_have_attribute("src", sample)
    expect(verdict(lenet)).to_contain_text("7 is ahead by")
    expect(lenet.get_by_text("weights trained by this project on MNIST").first).to_be_visible()

    seven = seen.get_attribute("src")
    lenet.get_by_role("button", name="Clear").click()
    expect(lenet.get_by_text("answers while you draw")).to_be_visible()
    expect(seen).to_have_attribute("src", sample)
    draw(lenet, ZERO)
    says(lenet, "0")
    expect(seen).not_to_have_attribute("src", re.compile(f"{re.escape(seven)}|{re.escape(sample)}"))

    lenet.get_by_role("tab", name="What it says").click()
    expect(lenet.get_by_role("list", name="Scores of the 10 best classes").locator("li.best .name")).to_have_text("0")


def test_strokes_are_taken_back_from_the_keyboard(lenet):
    draw(lenet, [(0.5, 0.2), (0.5, 0.8)])
    says(lenet, "1")
    draw(lenet, [(0.2, 0.5), (0.8, 0.5)])
    expect(verdict(lenet)).not_to_contain_text("1 is ahead by")
    undo, clear = (lenet.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    undo.focus()
    lenet.keyboard.press("Enter")
    says(lenet, "1")
    lenet.keyboard.press("Tab")
    expect(clear).to_be_focused()
    lenet.keyboard.press("Space")
    expect(lenet.get_by_text("answers while you draw")).to_be_visible()
    expect(clear).to_be_disabled()


def test_a_drawing_is_there_again_when_the_pad_is(lenet):
    draw(lenet, SEVEN)
    says(lenet, "7")
    lenet.get_by_role("radio", name="sample").click()
    expect(pad(lenet)).not_to_be_attached()
    expect(lenet.get_by_role("radio", name="pad")).to_have_count(1)  # the page before goes a moment later
    lenet.get_by_role("radio", name="pad").click()
    says(lenet, "7")
    lenet.get_by_role("button", name="Undo").click()
    expect(lenet.get_by_text("answers while you draw")).to_be_visible()


def test_a_finger_draws_and_does_not_scroll(app_url, browser):
    tab = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark")
    tab.goto(f"{app_url}/?network=lenet5&from=pad")
    expect(pad(tab)).to_be_visible(timeout=60_000)
    expect(tab.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    expect(tab.locator("g.node.lit")).to_be_visible()  # what comes above it has its height
    tab.wait_for_load_state("networkidle")
    pad(tab).scroll_into_view_if_needed()
    before = pad(tab).bounding_box()
    touch = tab.context.new_cdp_session(tab)
    for kind, point in zip(["touchStart", *["touchMove"] * 16], points(tab, ZERO), strict=True):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [dict(zip("xy", point, strict=True))]})
    says(tab, "0")
    assert pad(tab).bounding_box() == before
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(verdict(tab)).to_contain_text("0 is ahead by")
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.close()
