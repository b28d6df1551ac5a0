"""Two networks side by side, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
LIT = re.compile(r"\blit\b")


def node(page: Page, side: int, path: str):
    """The node that shows a layer, in the left graph (0) or the right one (1)."""
    return page.get_by_role("listbox", name="Layer graph").nth(side).locator(f'g.node[id="{path}"]')


def sees(page: Page, side: int, path: str):
    """The card of a column, once it shows what a layer sees."""
    return page.get_by_role("tabpanel", name="What it sees").nth(side).get_by_text(f"{path}, conv")


def test_a_click_on_the_right_changes_the_right_alone(app_url, page):
    page.goto(f"{app_url}/beside?network=resnet34&layer=layer2.0.conv1&network2=plain34&layer2=layer2.0.conv1")
    for side in (0, 1):
        expect(node(page, side, "layer2.0.conv1")).to_have_class(LIT)
        expect(sees(page, side, "layer2.0.conv1")).to_be_visible()

    node(page, 1, "layer1.0.conv2").click()
    expect(sees(page, 1, "layer1.0.conv2")).to_be_visible()
    expect(page).to_have_url(re.compile(r"layer2=layer1\.0\.conv2"))

    for _ in range(2):
        expect(sees(page, 0, "layer2.0.conv1")).to_be_visible()
        expect(sees(page, 1, "layer1.0.conv2")).to_be_visible()
        expect(node(page, 0, "layer2.0.conv1")).to_have_class(LIT)
        expect(node(page, 1, "layer1.0.conv2")).to_have_class(LIT)
        expect(page).to_have_url(re.compile(r"[?&]network=resnet34&layer=layer2\.0\.conv1"))
        page.reload()


def test_keys_and_folds_stay_on_their_side(app_url, page):
    page.goto(f"{app_url}/beside?network=resnet34")
    expect(sees(page, 1, "conv1")).to_be_visible()
    expect(node(page, 1, "conv1")).to_have_class(LIT)
    page.get_by_role("listbox", name="Layer graph").nth(1).focus()
    for path in ("maxpool", "layer1.0.conv1"):
        page.keyboard.press("ArrowDown")
        expect(node(page, 1, path)).to_have_class(LIT)
    expect(sees(page, 1, "layer1.0.conv1")).to_be_visible()
    page.keyboard.press("f")
    expect(node(page, 1, "layer1.1.conv1")).to_be_attached()
    expect(node(page, 0, "layer1.1.conv1")).not_to_be_attached()
    expect(node(page, 0, "conv1")).to_have_class(LIT)


def test_what_is_picked_together_is_lit_in_both(app_url, page):
    page.goto(f"{app_url}/beside?network=resnet34&together=true")
    expect(sees(page, 1, "conv1")).to_be_visible()
    node(page, 0, "layer1.0.conv1").click()
    expect(node(page, 1, "layer1.0.conv1")).to_have_class(LIT)
    expect(sees(page, 1, "layer1.0.conv1")).to_be_visible()
    expect(page).to_have_url(re.compile(r"layer2=layer1\.0\.conv1"))


def test_a_phone_has_both_networks_and_their_totals_on_its_first_screen(app_url, browser):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(f"{app_url}/beside?network=vgg16")
    total = tab.get_by_role("cell", name="138,357,544")
    expect(total).to_be_visible()
    box = total.bounding_box()
    assert box["y"] + box["height"] < 844
    expect(sees(tab, 1, "conv1")).to_be_visible()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.close()
