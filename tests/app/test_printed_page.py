"""The page of printed tables: its knobs, and in a real browser why a cell differs."""

import re
from pathlib import Path

import pytest
from components import given, turn
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from cnnviz.against import printed, tables

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("screens/printed.py")
    return app.run()


def metrics(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric]


def words(app: AppTest) -> str:
    return " ".join(text.value for text in app.markdown)


@pytest.mark.parametrize("key", tables())
def test_every_table_shows_its_totals_and_each_reason(key):
    app = opened(network=key)
    assert not app.exception
    assert not app.error
    assert not app.warning
    held = printed(key)
    total = "none" if held.printed_total is None else f"{held.printed_total:,}"
    assert metrics(app) == [total, f"{held.computed_total:,}", f"{len(held.differing)} of {held.compared:,}"]
    listed = [row for frame in app.dataframe for row in frame.value["why"]]
    assert ("54.25 places along a side" in words(app)) == (key == "alexnet")
    assert listed == [cell.reason for _, _, cell in held.differing]
    assert len(app.get("plotly_chart")) == bool(held.lacking)


def test_the_first_table_is_googlenets_and_the_page_begins_with_a_question():
    app = opened()
    assert metrics(app) == ["6,414,360", "6,998,552", "81 of 1,042"]
    assert app.markdown[0].value.endswith("?**")
    assert "13 of them lack 584,192 parameters" in words(app)


def test_another_network_is_another_table():
    app = opened(network="googlenet", cell="4b/conv1x1b/params")
    app.segmented_control(key="network").set_value("resnet18").run()
    assert metrics(app)[:2] == ["11,511,784", "11,511,784"]
    assert "cell" not in app.query_params
    turn(app, differing=True)
    assert given(app, "printed")[0]["differing"]
    assert app.query_params["differing"] == "true"
    assert not app.exception


def test_a_network_without_a_table_is_a_sentence_and_a_table():
    app = opened(network="resnet50")
    assert [warning.value for warning in app.warning] == [
        "No table of 'resnet50' is printed; there are those of lenet5, alexnet, vgg16, vgg19, googlenet, resnet18."
    ]
    assert metrics(app)[1] == "6,998,552"


@pytest.mark.parametrize(
    ("selected", "total"), [("resnet50", "6,998,552"), ("resnet18-printed", "11,511,784"), ("vgg19", "143,667,240")]
)
def test_the_network_of_another_page_is_shown_where_it_has_a_table(selected, total):
    app = AppTest.from_file(MAIN, default_timeout=120)
    app.session_state["network"] = selected
    app.switch_page("screens/printed.py").run()
    assert metrics(app)[1] == total
    assert not app.exception


@pytest.mark.parametrize("query", [{"cell": "<b>x</b>"}, {"differing": "maybe"}, {"network": "os:system"}])
def test_rubbish_in_the_url_gives_a_page(query):
    app = opened(**query)
    assert not app.exception
    assert not app.error
    assert metrics(app)[1] == "6,998,552"


# --- in a browser --------------------------------------------------------------


@pytest.mark.browser
def test_rows_that_agree_are_hidden_at_once(app_url, page: Page):
    page.goto(f"{app_url}/printed?network=googlenet")
    row = page.get_by_role("row", name="conv2-1")
    expect(row).to_be_visible()
    page.get_by_role("switch", name="Differing rows only").check()
    assert not row.is_visible(), "without a word of Python's"
    expect(page).to_have_url(re.compile(r"differing=true"))
    page.reload()
    expect(page.get_by_role("row", name="maxpool1")).to_be_visible()
    expect(row).to_be_hidden()
    page.get_by_role("switch", name="Differing rows only").uncheck()
    expect(page).not_to_have_url(re.compile(r"differing"))


@pytest.mark.browser
def test_a_cell_that_differs_says_why_and_is_a_link(app_url, page: Page):
    page.goto(f"{app_url}/printed?network=googlenet")
    why = page.get_by_role("status").filter(has_text="cells differ")
    expect(why).to_contain_text("81 of 1,042 printed cells differ")
    page.get_by_role("button", name="4b conv1x1b, params: 1560 printed, 12,312 computed").click()
    said = page.get_by_text("Follows from the 64 channels that the row reads, 1 × 1 × 64 × 24 + 24")
    expect(said).to_be_visible()
    expect(page).to_have_url(re.compile(r"cell=4b(/|%2F)conv1x1b(/|%2F)params"))
    box = said.bounding_box()
    assert box["y"] + box["height"] <= 720, "table and reason fit one screen"

    page.keyboard.press("ArrowRight")  # to the next that differs
    expect(page.get_by_text("A pooling gives as many maps as it reads")).to_be_visible()
    expect(page).to_have_url(re.compile(r"cell=4b(/|%2F)maxpool-a(/|%2F)out(\+|%20)c"))
    page.reload()
    expect(page.get_by_text("A pooling gives as many maps as it reads")).to_be_visible()
    expect(page.get_by_role("button", name="4b maxpool-a, out c")).to_have_attribute("aria-pressed", "true")

    page.get_by_text("Differing rows only").click()
    expect(page.get_by_role("region", name="Printed table").locator("tbody tr:visible")).to_have_count(
        len({id(row) for row, _, _ in printed("googlenet").differing})
    )


@pytest.mark.browser
def test_a_phone_scrolls_the_table_and_not_the_page(app_url, browser):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(f"{app_url}/printed?network=lenet5")
    expect(tab.get_by_role("button", name="text convolution, stride: 2 printed, 1 computed")).to_be_attached()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.close()
