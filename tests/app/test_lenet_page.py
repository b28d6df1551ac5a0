"""The page on LeNet-5: what its knobs change, and in a real browser its table."""

from pathlib import Path

import pytest
from components import Answer, turn
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from cnnviz.lessons import lenet

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("screens/lenet.py")
    return app.run()


def said(app: AppTest) -> str:
    return " ".join([Answer(app).words, *(element.value for element in (*app.markdown, *app.caption))])


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_the_table_its_saving_and_the_paper_s_total():
    app = opened()
    assert not app.exception
    assert app.markdown[0].value.endswith("?**")
    assert metrics(app)["C3's weights, table I and all six"] == "1,516 / 2,416"
    assert "**60,000**. Shared by all places, they make 340,908 connections" in said(app)
    assert len(app.get("plotly_chart")) == 1
    assert [chart["name"] for chart in Answer(app).charts] == ["table", "digits", "distances"]
    table = Answer(app).charts[0]
    assert sum(len(reads) for reads in table["columns"]) == 60, "of 96"


@pytest.mark.parametrize(("c3", "weights"), [(0, 76), (6, 101), (15, 151)])
def test_each_map_has_as_many_weights_as_it_reads_maps(c3, weights):
    app = opened(c3=str(c3))
    assert f"{weights} weights" in said(app)
    assert Answer(app).charts[0]["picked"] == c3
    assert "Table I saves 37.3 % of C3's weights" in said(app)
    turn(app, reads="all six")
    assert "151 weights" in said(app)
    assert "120 pairs" in said(app)


def test_a_digit_with_wrong_units_is_still_the_nearest_until_it_isn_t():
    app = opened(digit="7", flipped="0")
    answer = Answer(app)
    assert (answer.numbers["Nearest, so the answer"], answer.numbers["Its distance"]) == ("7", "0")
    digits, distances = answer.charts[1:]
    assert digits["bitmaps"][0] == digits["bitmaps"][8], "drawn is the figure of 7"
    assert [frame["at"] for frame in digits["framed"]] == [0, 8]
    assert distances["rows"][7]["total"] == "0"
    turn(app, flipped=84)
    wrong = Answer(app)
    nearest = wrong.numbers["Nearest, so the answer"]
    assert nearest != "7"
    assert wrong.charts[1]["framed"][1]["at"] == int(nearest) + 1
    assert wrong.charts[2]["rows"][int(nearest)]["total"] == wrong.numbers["Its distance"]
    turn(app, digit=1, flipped=0)
    assert Answer(app).charts[1]["bitmaps"][0] == digits["bitmaps"][2], "drawn is the figure of 1"
    assert not app.exception


@pytest.mark.browser
def test_the_map_that_is_slid_to_is_told(app_url, page: Page):
    page.goto(f"{app_url}/lenet")
    expect(page.get_by_text("76 weights")).to_be_visible()
    page.get_by_role("slider", name="Map of C3").press("End")
    expect(page.get_by_text(f"{lenet.weights_of([range(6)])} weights")).to_be_visible()
    expect(page).to_have_url(f"{app_url}/lenet?c3=15")
