"""Inception: its knobs, and in a real browser its main gesture."""

import json
import re
from pathlib import Path

import pytest
from components import Answer, given, stand, turn
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


def row_of_table_1(app: AppTest) -> str | None:
    """The preset that the knobs stand at, None if they are one's own."""
    [board] = given(app, "knobs")
    return next((name for name, row in board["presets"].items() if row == board["values"]), None)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_3a_is_what_one_comes_to():
    app = opened()
    assert not app.exception
    assert app.markdown[0].value.endswith("?**")
    assert "163,696 parameters give 256 channels; naive, 387,296 give 416" in words(app)
    assert row_of_table_1(app) == "3a"
    assert list(arms(app)) == ["1 × 1", "3 × 3", "5 × 5", "pooling", "all"]
    assert arms(app)["all"]["parameters"] == "163,696"
    assert arms(app)["all"]["naive channels"] == "416"
    assert [row["total"] for row in Answer(app).charts[1]["rows"]] == ["387,296", "163,696"]


def test_a_preset_turns_every_knob():
    app = opened()
    [board] = given(app, "knobs")
    assert list(board["presets"]) == ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    assert board["presetLabel"] == "Module of GoogLeNet"
    assert all(list(row) == [knob["name"] for knob in board["knobs"]] for row in board["presets"].values())
    turn(app, **board["presets"]["5b"])
    assert stand(app) == {
        **{"inputs": 832, "conv1x1": 384, "reduce3x3": 192, "conv3x3": 384},
        **{"reduce5x5": 48, "conv5x5": 128, "pool_proj": 128, "side": 7},
    }
    assert row_of_table_1(app) == "5b"
    assert arms(app)["all"]["channels"] == "1,024"
    assert app.query_params["inputs"] == "832"
    assert not app.exception


@pytest.mark.parametrize("row", ["3a", "4d", "5a"])
def test_every_row_of_table_1_is_within_reach_of_the_knobs(row):
    [board] = given(opened(), "knobs")
    for knob in board["knobs"]:
        assert knob["low"] <= board["presets"][row][knob["name"]] <= knob["high"]


@pytest.mark.parametrize("knob", ["inputs", "conv1x1", "reduce3x3", "conv3x3", "reduce5x5", "conv5x5", "pool_proj"])
def test_every_width_is_a_knob(knob):
    app = opened()
    before = arms(app)["all"]
    turn(app, **{knob: stand(app)[knob] + 8})
    after = arms(app)["all"]
    more = {name: number(after[name]) > number(before[name]) for name in ("parameters", "naive parameters")}
    assert more["parameters"]
    naive = more["naive parameters"]
    assert naive == (knob not in ("reduce3x3", "reduce5x5", "pool_proj")), "the naive module has no reductions"
    assert row_of_table_1(app) is None
    assert app.query_params[knob] == str(stand(app)[knob])
    assert not app.exception


def test_the_side_changes_macs_alone():
    app = turn(opened(), side=56)
    before, after = arms(opened())["all"], arms(app)["all"]
    assert after["parameters"] == "163,696"
    assert number(after["MACs"]) == 4 * number(before["MACs"])


def test_a_link_opens_a_module_of_ones_own():
    app = opened(inputs="480", reduce3x3="48")
    assert stand(app)["inputs"] == 480
    assert stand(app)["reduce3x3"] == 48
    assert row_of_table_1(app) is None


@pytest.mark.parametrize(
    "query", [{"inputs": "?"}, {"conv5x5": "999999"}, {"side": "0"}, {"about": "?"}, {"about": "Module", "of": "?"}]
)
def test_rubbish_in_the_url_gives_a_page(query):
    app = opened(**query)
    assert not app.exception
    assert not app.error
    assert "163,696 parameters give" in words(app), "as usual"


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
    [before] = Answer(app).charts
    assert [len(arm["points"]) for arm in before["series"]] == [9, 9, 9, 9]
    behind = " ".join(text.value for text in app.warning)
    assert "sizes now and at the start are correlated by **0.998**" in words(app)
    assert ("Random weights can't tell" in words(app)) == ("random weights" in behind)
    [after] = Answer(turn(app, against="against its start")).charts
    *arms, start = after["series"]
    assert [arm["points"] for arm in arms] != [arm["points"] for arm in before["series"]]
    assert {y for _, y, _ in start["points"]} == {1}
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
    preset = page.get_by_label("Module of GoogLeNet")
    expect(preset).to_have_value("3a")
    preset.select_option("5b")
    expect(page).to_have_url(re.compile(r"inputs=832"))
    expect(drawing.get_by_text("1,024")).to_be_visible()
    page.reload()
    expect(drawing.get_by_text("1,024")).to_be_visible()
    expect(preset).to_have_value("5b")
    page.get_by_role("slider", name="Pool projection").press("ArrowRight")
    expect(preset).to_have_value("my own")
    expect(drawing.get_by_text("1,025")).to_be_visible()
