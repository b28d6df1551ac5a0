"""One selection, shown and changed in graph, table, select box and URL, and whose it is."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from explorer import choose, click_row, lit, node, selected, view
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def explorer(app_url, page):
    """Opens a network's page at the numbers of its layers."""

    def opened(query: str, tab: Page = page) -> Page:
        tab.goto(f"{app_url}/?{query}")
        tab.get_by_role("tab", name="Its numbers").click()
        expect(tab.locator("g.node.lit")).to_be_visible()
        tab.wait_for_load_state("networkidle")
        return tab

    return opened


def click_conv2(page: Page) -> None:
    node(page, "conv2").click()


def arrow_keys_to_conv2(page: Page) -> None:
    view(page).press("Home")
    for path in ("conv1", "pool1", "conv2"):
        view(page).press("ArrowDown")
        lit(page, path)
    view(page).press("Enter")


WAYS: dict[str, Callable[[Page], None]] = {
    "graph": click_conv2,
    "table": partial(click_row, path="conv2"),
    "search": partial(choose, label="Layer", value="conv2"),
    "keys": arrow_keys_to_conv2,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_layer_picked_in_one_place_is_selected_in_all(explorer, way):
    page = explorer("network=lenet5")
    selected(page, "conv1", "conv 5×5", in_url=False)
    WAYS[way](page)
    selected(page, "conv2", "conv 5×5 · 6 × 14 × 14")
    click_row(page, "pool2") if way != "table" else node(page, "pool2").click()
    selected(page, "pool2", "average pool 2×2")
    WAYS[way](page)  # the same value as before must count again
    selected(page, "conv2", "conv 5×5 · 6 × 14 × 14")


def test_escape_goes_back_level_by_level(explorer):
    page = explorer("network=resnet20&layer=layer1.1.conv2&channel=3")
    view(page).press("f")
    expect(node(page, "layer1.2.conv1")).to_be_attached()
    view(page).press("Escape")
    expect(page).not_to_have_url(re.compile("channel="))
    lit(page, "layer1.1.conv2")
    view(page).press("Escape")
    expect(node(page, "layer1.2.conv1")).not_to_be_attached()
    expect(page).to_have_url(re.compile(r"layer=layer1\.1\.conv2"))
    view(page).press("Escape")
    expect(page).not_to_have_url(re.compile("layer="))
    lit(page, "conv1")


def test_back_and_forward_go_to_the_layers_that_one_was_at(explorer):
    page = explorer("network=lenet5")
    node(page, "conv2").click()
    selected(page, "conv2", "conv 5×5 · 6 × 14 × 14")
    click_row(page, "pool2")
    selected(page, "pool2", "average pool 2×2")
    page.go_back()
    selected(page, "conv2", "conv 5×5 · 6 × 14 × 14")
    page.go_back()
    selected(page, "conv1", "conv 5×5", in_url=False)
    page.go_forward()
    selected(page, "conv2", "conv 5×5 · 6 × 14 × 14")


def test_two_tabs_do_not_disturb_each_other(explorer, browser):
    mine = explorer("network=lenet5")
    other = browser.new_page(viewport={"width": 1280, "height": 720})
    explorer("network=lenet5", other)
    node(mine, "conv2").click()
    node(other, "conv3").click()
    selected(other, "conv3", "conv 5×5 · 16 × 5 × 5")
    other.get_by_role("switch", name="Across").press("Space")
    expect(other).to_have_url(re.compile("across=true"))
    selected(mine, "conv2", "conv 5×5 · 6 × 14 × 14")
    click_row(mine, "pool2")  # a run of the one, after one of the other
    selected(mine, "pool2", "average pool 2×2")
    selected(other, "conv3", "conv 5×5 · 16 × 5 × 5")
    expect(mine).not_to_have_url(re.compile("across="))
    other.close()


def test_a_card_is_dealt_before_python_answers(explorer):
    page = explorer("network=resnet18")
    page.wait_for_function("window.cnnvizDecks?.selection?.conv1")
    told = page.evaluate("""() => new Promise(resolve => {
      dispatchEvent(new CustomEvent("cnnviz:pick", { detail: { name: "selection", pick: "layer2.0.conv1" } }))
      const hosts = [...document.querySelectorAll("*")].filter(element => element.shadowRoot?.querySelector("article"))
      const frame = left => left ? requestAnimationFrame(() => frame(left - 1)) : resolve(
        [hosts[0].shadowRoot.textContent, window.cnnvizSelected.selection.layer])
      frame(3)
    })""")
    assert "conv 3×3 / 2, pad 1 · 64 × 56 × 56 → 128 × 28 × 28" in told[0]
    assert told[1] == "conv1", "Python hasn't answered yet"
    selected(page, "layer2.0.conv1", "conv 3×3 / 2, pad 1 · 64 × 56 × 56 → 128 × 28 × 28")
