"""Finding one's way on the explore page, as a reader does."""

import re

from playwright.sync_api import Locator, Page, expect


def node(page: Page, path: str) -> Locator:
    """The node of the graph that shows a layer."""
    return page.locator(f'g.node[id="{path}"]')


def view(page: Page) -> Locator:
    """The graph's viewport."""
    return page.get_by_role("listbox", name="Layer graph")


def lit(page: Page, path: str) -> None:
    """The graph shows this layer as the selected one."""
    expect(node(page, path)).to_have_class(re.compile(r"\blit\b"))


def choose(page: Page, label: str, value: str) -> None:
    """In a select box, by typing; with keys alone, as its list is drawn anew while one looks for a place to click."""
    box = page.get_by_role("combobox", name=label)
    box.fill(value)
    expect(page.get_by_role("option", name=value).first).to_be_visible()
    box.press("Enter")


def row(page: Page, path: str) -> Locator:
    """The row of a layer in the table."""
    return page.locator(".body .row").filter(has=page.get_by_role("rowheader", name=path, exact=True))


def click_row(page: Page, path: str) -> None:
    """In the table of layers."""
    row(page, path).get_by_role("gridcell").first.click()


def selected(page: Page, path: str, heading: str, *, in_url: bool = True) -> None:
    """Graph, table, select box, layer card and URL all have this layer as the selected one.

    Args:
        heading: what the layer card, of which "Its numbers" has to be open, starts with.
        in_url: False for a network's first convolution, which the URL leaves out.
    """
    lit(page, path)
    expect(page.locator("g.node.lit")).to_have_count(1)
    expect(node(page, path)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("combobox", name="Layer")).to_have_value(path)
    expect(row(page, path)).to_have_attribute("aria-selected", "true")
    table, marked = page.locator(".scroll[role=grid]").bounding_box(), row(page, path).bounding_box()
    assert table["y"] <= marked["y"] < marked["y"] + marked["height"] <= table["y"] + table["height"] + 1
    expect(page.locator(".body .row[aria-selected=true]")).to_have_count(1)
    expect(page.get_by_role("tabpanel", name="Its numbers")).to_contain_text(heading)
    expect(page).to_have_url(
        re.compile(rf"[?&]layer={re.escape(path)}(&|$)") if in_url else re.compile(r"^(?!.*layer=)")
    )
