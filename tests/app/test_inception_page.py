"""Inception: its knobs, and in a real browser its main gesture."""

import json
import re
from pathlib import Path

import pytest
from components import Answer
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("screens/inception.py")
    return app.run()


def words(app: AppTest) -> str:
    return " ".join([Answer(app).words, *(text.value for text in app.markdown)])


def arms(app: AppTest) -> dict[str, dict[str, str]]:
    """The table of the arms, by arm and column."""
    head, *rows = Answer(app).rows
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def chart(app: AppTest) -> dict:
    return json.loads(app.get("plotly_chart")[0].proto.spec)


def test_3a_is_what_one_comes_to():
    app = opened()
    assert not app.exception
    assert app.markdown[0].value.endswith("?**")
    assert "163,696 parameters give 256 channels; naive, 387,296 give 416" in words(app)
    assert app.selectbox(key="module").value == "3a"
    assert list(arms(app)) == ["1 × 1", "3 × 3", "5 × 5", "pooling", "all"]
    assert arms(app)["all"]["parameters"] == "163,696"
    assert arms(app)["all"]["naive channels"] == "416"
    assert [row["total"] for row in Answer(app).charts[1]["rows"]] == ["387,296", "163,696"]


def test_a_preset_turns_every_knob():
    app = opened()
    app.selectbox(key="module").set_value("5b").run()
    assert app.slider(key="inputs").value == 832
    assert app.slider(key="conv1x1").value == 384
    assert app.number_input(key="side").value == 7
    assert arms(app)["all"]["channels"] == "1,024"
    assert "inputs" in app.query_params
    assert not app.exception


@pytest.mark.parametrize("knob", ["inputs", "conv1x1", "reduce3x3", "conv3x3", "reduce5x5", "conv5x5", "pool_proj"])
def test_every_width_is_a_knob(knob):
    app = opened()
    before = arms(app)["all"]
    app.slider(key=knob).set_value(app.slider(key=knob).value + 8).run()
    after = arms(app)["all"]
    more = {name: number(after[name]) > number(before[name]) for name in ("parameters", "naive parameters")}
    assert more["parameters"]
    naive = more["naive parameters"]
    assert naive == (knob not in ("reduce3x3", "reduce5x5", "pool_proj")), "the naive module has no reductions"
    assert app.selectbox(key="module").value == "my own"
    assert not app.exception


def test_the_side_changes_macs_alone():
    app = opened()
    app.number_input(key="side").set_value(56).run()
    before, after = arms(opened())["all"], arms(app)["all"]
    assert after["parameters"] == "163,696"
    assert number(after["MACs"]) == 4 * number(before["MACs"])


def test_a_link_opens_a_module_of_ones_own():
    app = opened(inputs="480", reduce3x3="48")
    assert app.slider(key="inputs").value == 480
    assert app.slider(key="reduce3x3").value == 48
    assert app.selectbox(key="module").value == "my own"


@pytest.mark.parametrize(
    "query", [{"inputs": "?"}, {"conv5x5": "999999"}, {"side": "0"}, {"about": "?"}, {"about": "Module", "of": "?"}]
)
def test_rubbish_in_the_url_gives_a_page(query):
    app = opened(**query)
    assert not app.exception
    assert not app.error
    assert "parameters give" in words(app)


# --- in a whole network


@pytest.mark.parametrize("key", ["googlenet", "googlenet-bn"])
def test_the_arms_on_a_picture(key):
    app = opened(about="On a picture", of=key, place="5b")
    assert not app.exception
    assert not app.error
    assert app.markdown[0].value.endswith("?**")
    energies, answers = (json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart"))
    assert len(energies) == 4
    assert next(iter(answers[0]["y"])) == "as it is"
    assert len(answers[0]["y"]) == 5
    told = [text.value for text in app.caption if "channels (" in text.value]
    assert [re.search(r"(\d+) of 1024", text)[1] for text in told] == ["384", "384", "128", "128"]
    assert sum(int(re.search(r"(\d+)% of the energy", text)[1]) for text in told) == pytest.approx(100, abs=2)
    app.selectbox(key="place").set_value("3a").run()
    assert "64 of 256 channels (25%)" in " ".join(text.value for text in app.caption)
    assert not app.exception


def test_weights_are_read_with_the_caution_that_they_need():
    app = opened(about="Weights")
    before = chart(app)["data"]
    assert len(before) == 4
    assert len(before[0]["x"]) == 9
    behind = " ".join(text.value for text in app.warning)
    assert "sizes now and at the start are correlated by **0.998**" in words(app)
    assert ("Random weights can't tell" in words(app)) == ("random weights" in behind)
    app.segmented_control(key="against").set_value("against its start").run()
    assert chart(app)["data"] != before
    app.selectbox(key="of").set_value("googlenet-bn").run()
    assert "Batch norm follows every convolution here" in words(app)
    assert not app.exception


def test_what_the_heads_cost():
    app = opened(about="Heads")
    assert [metric.value for metric in app.metric[:3]] == ["6,998,552", "13,378,280", "6,379,728"]
    assert list(app.dataframe[0].value["reads"]) == ["inception4a.concat", "inception4d.concat"]
    assert not app.exception


# --- in a browser --------------------------------------------------------------


@pytest.mark.browser
def test_the_main_picture_fits_one_screen_and_a_preset_changes_it(app_url, page: Page):
    page.goto(f"{app_url}/inception")
    drawing = page.locator(".charts")
    expect(drawing.get_by_text("163,696")).to_be_visible()
    box = drawing.bounding_box()
    assert box["y"] + box["height"] <= 720
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    page.get_by_role("combobox", name="Module of GoogLeNet").click()
    page.get_by_role("option", name="5b").click(force=True)
    expect(page).to_have_url(re.compile(r"inputs=832"))
    expect(drawing.get_by_text("1,024")).to_be_visible()
    page.reload()
    expect(drawing.get_by_text("1,024")).to_be_visible()
