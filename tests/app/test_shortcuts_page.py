"""The page on shortcuts: its knobs, and in a real browser its main gesture."""

import json
import re
import time
from pathlib import Path

import pytest
from components import Answer, given, turn
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("screens/shortcuts.py")
    return app.run()


def traces(app: AppTest) -> list[dict]:
    return json.loads(app.get("plotly_chart")[0].proto.spec)["data"]


def series(app: AppTest) -> list[dict]:
    """The lines of the training's two panels."""
    return [line for panel in Answer(app).charts for line in panel["series"]]


def words(app: AppTest) -> str:
    return " ".join([Answer(app).words, *(text.value for text in (*app.markdown, *app.caption))])


def test_it_opens_with_a_sentence_and_a_question():
    app = opened()
    assert not app.exception
    assert app.markdown[0].value.endswith("?**")


@pytest.mark.parametrize(
    "query",
    [
        {"point": "?"},
        {"norm": "?"},
        {"point": "Gradients", "depth": "19", "begin": "?", "derived": "?", "chance": "-1"},
        {"point": "Cut", "trained": "vgg16", "block": "layer9.0", "damage": "?", "maps": "fc"},
    ],
)
def test_rubbish_in_the_url_gives_a_page(query):
    app = opened(**query)
    assert not app.exception
    assert not app.error
    assert app.get("plotly_chart") or Answer(app).charts


def test_the_training_curves_stand_beside_the_papers_errors():
    app = opened(point="Training")
    assert "plain56 is worse in training, 52.0 % of errors, plain20 19.0 %" in words(app)
    assert "resnet56 is better in training, 14.1 % of errors, resnet20 14.6 %" in words(app)
    assert "20 layers 8.75, 32 layers 7.51, 44 layers 7.17, 56 layers 6.97, 110 layers 6.43 %" in words(app)
    assert "8 epochs" in words(app)
    assert "164 epochs" in words(app)
    stars = [line["points"] for line in series(app) if line["look"] == "none"]
    assert [[y for _, y, _ in points] for points in stars] == [[8.75], [6.97]]
    plain56 = next(line for line in series(app) if line["name"] == "plain56" and "thick" in line["look"])
    assert plain56["points"][-1][:2] == [8, 52.03], "in training, in the last epoch"


def test_without_batch_norm_one_epoch_was_recorded():
    app = opened(point="Training", norm="false")
    assert {len(line["points"]) for line in series(app)} == {1}
    assert "resnet56 diverged" in words(app)
    turn(app, norm=True)
    assert "resnet56 is better" in words(app)
    assert "norm" not in app.query_params


def test_with_batch_norm_plain_gradients_do_not_vanish():
    app = opened(point="Gradients", depth="56")
    assert "the plain network's gradient **explodes**" in words(app)
    assert "the residual one's neither vanishes nor explodes" in words(app)
    assert [len(trace["y"]) for trace in traces(app)] == [56, 56]
    app.select_slider(key="depth").set_value(26).run()
    assert [len(trace["y"]) for trace in traces(app)] == [26, 26]
    app.toggle(key="norm").set_value(False).run()
    assert "neither vanishes" in words(app)
    app.selectbox(key="begin").set_value("PyTorch").run()
    assert "the plain network's gradient **vanishes**" in words(app)
    assert "the article is right" in words(app)
    before = traces(app)[0]["y"]
    app.segmented_control(key="derived").set_value("its weights").run()
    app.number_input(key="chance").set_value(5).run()
    assert traces(app)[0]["y"] != before
    assert not app.exception


def test_gradients_of_the_recorded_trainings():
    app = opened(point="Gradients", depth="56", when="in training")
    assert "plain, epoch 1: 2.73 at the first, 0.222 at the last" in words(app)
    assert [len(trace["y"]) for trace in traces(app)] == [56] * 4
    app.toggle(key="norm").set_value(False).run()
    assert "residual, epoch 1: diverged" in words(app)
    assert not app.exception


def test_the_three_options_stand_side_by_side():
    app = opened(point="Options A, B, C", options="resnet18", option="A")
    assert list(Answer(app).numbers.values()) == [
        *("11,515,688", "1,794,805,760"),
        *("11,689,512", "1,814,073,344"),
        *("12,043,816", "1,878,298,624"),
    ]
    assert "nothing on the shortcuts has a weight." in words(app)
    assert "A 25.03 and 7.76; B 24.52 and 7.46; C 24.19 and 7.40" in words(app)
    [padded] = given(app, "graph")
    turn(app, option="B")
    [projected] = given(app, "graph")
    assert ["conv 1×1" in drawing["svg"] for drawing in (padded, projected)] == [False, True]
    assert "3 projections with 173,824 parameters" in words(app)
    assert "at stride 1" not in words(app)
    turn(app, options="resnet50")
    assert "layer1.0's, from 64 to 256 maps, is one at stride 1" in words(app)
    turn(app, options="resnet20")
    assert Answer(app).numbers["A, parameters"] == "269,722"
    assert not app.exception


def test_a_trained_network_loses_a_block_or_a_shortcut():
    app = opened(point="Cut", trained="resnet56", image="rocket")
    assert "one **block dropped**: 27 of 27 times" in words(app)
    assert "one **shortcut cut**: 2 of 27 times" in words(app)
    assert [len(trace["x"]) for trace in traces(app)] == [27, 27]
    assert "**layer1.0, block dropped**: ship" in words(app)
    app.segmented_control(key="damage").set_value("shortcut cut").run()
    assert "**layer1.0, shortcut cut**: ship" not in words(app)
    app.selectbox(key="block").set_value("layer1.2").run()
    assert "**layer1.2, shortcut cut**: ship 94 %" in words(app)
    assert app.selectbox(key="maps").options[0] == "layer1.2"
    app.selectbox(key="maps").set_value("layer3.8").run()
    assert not app.exception
    assert not app.error


def test_a_plain_network_has_no_shortcut_to_cut():
    app = opened(point="Cut", trained="resnet56", damage="shortcut cut", block="layer2.0")
    app.selectbox(key="trained").set_value("plain56").run()
    assert app.segmented_control(key="damage").options == ["block dropped"]
    assert "layer2.0" not in app.selectbox(key="block").options
    assert not app.exception
    assert not app.error


def test_learning_to_copy_begins_ends_and_says_where_the_weights_went():
    app = opened(point="Identity", blocks="1", decay="0.01")
    assert not app.exception
    assert "**3,460 times** the variance of this picture" in words(app)
    assert "ones on the diagonal and zeros elsewhere, it is **0**" in words(app)
    assert not [button for button in app.button if button.label == "Stop"]
    next(button for button in app.button if button.label == "Learn to copy it").click().run()
    deadline = time.monotonic() + 300
    while "After 1,000 steps" not in words(app):
        assert time.monotonic() < deadline
        app.run()
    assert not app.exception
    assert "**residual**: under 0.01 % of the variance is wrong, its weights **went to zero**" in words(app)
    assert len(traces(app)) == 4
    app.select_slider(key="decay").set_value(0.0).run()  # another wish, of which nothing is known yet
    assert not app.get("plotly_chart")
    assert not app.exception


# --- in a browser --------------------------------------------------------------


@pytest.mark.browser
def test_the_main_picture_fits_one_screen_and_batch_norm_changes_it(app_url, page: Page):
    page.goto(f"{app_url}/shortcuts?point=Gradients&depth=56&begin=PyTorch")
    expect(page.get_by_text("the plain network's gradient explodes")).to_be_visible()
    box = page.locator(".js-plotly-plot").bounding_box()
    assert box["y"] + box["height"] <= 720
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    page.get_by_text("Batch norm", exact=True).click()
    expect(page.get_by_text("the plain network's gradient vanishes")).to_be_visible()
    expect(page).to_have_url(re.compile(r"norm=false"))
    page.reload()
    expect(page.get_by_text("the plain network's gradient vanishes")).to_be_visible()


@pytest.mark.browser
def test_two_stacks_learn_to_copy_live_and_can_be_stopped(app_url, page: Page):
    page.goto(f"{app_url}/shortcuts?point=Identity&blocks=8")
    page.get_by_role("button", name="Learn to copy it").click()
    expect(page.get_by_text(re.compile(r"After [1-9]\d* steps")).first).to_be_visible()  # while it learns
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.get_by_role("button", name="Learn to copy it")).to_be_visible()
    expect(page.get_by_role("img", name="The residual stack's copy")).to_be_visible()
    box = page.locator(".js-plotly-plot").bounding_box()
    assert box["y"] + box["height"] <= 720


@pytest.mark.browser
@pytest.mark.parametrize("point", ["Training", "Gradients", "Options A, B, C", "Cut", "Identity"])
def test_a_phone_has_no_page_to_scroll_sideways(app_url, browser, point):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(f"{app_url}/shortcuts?point={point}")
    expect(
        tab.get_by_role("img" if point == "Cut" else "heading", name=re.compile("layer1.0, block|Shortcuts"))
    ).to_be_visible()
    expect(tab.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.close()
