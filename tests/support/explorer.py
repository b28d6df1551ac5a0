"""Finding one's way on the explore page, as a reader does."""

import re

from playwright.sync_api import Locator, Page, expect

HEADER, ROW = 35, 30  # heights of the table's header and rows, in pixels


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
    """In a select box, by typing."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    page.get_by_role("combobox", name=label).fill(value)
    # at once: a pointer waits until the list stands still, which a run that ends meanwhile draws anew
    page.get_by_role("option", name=value, exact=True).click(force=True)


def click_row(page: Page, row: int) -> None:
    """In the table of layers, the first being 0."""
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 300, "y": HEADER + ROW * (row + 0.5)})


def selected(page: Page, path: str, heading: str, *, in_url: bool = True, in_table: bool = True) -> None:
    """Graph, table, select box, layer card and URL all have this layer as the selected one.

    Args:
        heading: what the layer card, of which "Its numbers" has to be open, starts with.
        in_url: False for a network's first convolution, which the URL leaves out.
        in_table: False for a layer whose row is further down than the table shows.
    """
    lit(page, path)
    expect(page.locator("g.node.lit")).to_have_count(1)
    expect(node(page, path)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("combobox", name="Layer")).to_have_value(path)
    if in_table:
        expect(page.get_by_test_id("stDataFrame").first.locator("tr[aria-selected=true] td").first).to_have_text(path)
    expect(page.get_by_role("tabpanel", name="Its numbers")).to_contain_text(heading)
    expect(page).to_have_url(
        re.compile(rf"[?&]layer={re.escape(path)}(&|$)") if in_url else re.compile(r"^(?!.*layer=)")
    )
