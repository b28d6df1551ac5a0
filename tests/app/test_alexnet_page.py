"""AlexNet's ideas: every knob, and in a real browser the main gesture."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
IDEAS = ("ReLU", "LRN", "Pooling", "Dropout", "Augmentation", "Two towers", "Worth")


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("screens/alexnet.py")
    return app.run()


def words(app: AppTest) -> str:
    return " ".join(text.value for text in (*app.markdown, *app.caption))


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


@pytest.mark.parametrize("idea", IDEAS)
def test_every_idea_opens_with_a_question(idea):
    app = opened(idea=idea)
    assert not app.exception
    assert not app.error
    assert app.markdown[0].value.endswith("?**")
    assert charts(app)
    app.segmented_control(key="idea").set_value("Two towers").run()
    assert not app.exception


def test_the_curves_do_not_show_six_times_and_say_so():
    app = opened()
    assert (
        "**7** epochs with ReLU and **7** with tanh: these curves do **not** show the paper's factor of six"
        in words(app)
    )
    assert len(charts(app)) == 3
    assert "Bundled logs" in words(app)


def test_depth_and_gain_are_knobs():
    app = opened()
    before = charts(app)[1]["data"]
    app.slider(key="gain").set_value(1.0).run()
    after = charts(app)[1]["data"]
    assert before != after
    app.slider(key="layers").set_value(5).run()
    assert len(charts(app)[1]["data"][0]["x"]) == 5
    assert not app.exception


def added(app: AppTest) -> float:
    return float(re.search(r"at most \*\*([\d.]+)\s%\*\*", words(app))[1])


def test_lrns_four_constants_are_knobs():
    app = opened(idea="LRN")
    assert "k^β = **1.682**" in words(app)
    small = added(app)
    app.select_slider(key="alpha").set_value("0.1").run()
    large = added(app)
    assert large > 100 * small, "alpha decides"
    app.slider(key="n").set_value(15).run()
    assert added(app) >= large
    app.slider(key="beta").set_value(0.0).run()
    assert "k^β = **1.000**" in words(app)
    assert added(app) == 0
    app.slider(key="beta").set_value(0.75).run()
    app.slider(key="k").set_value(1.0).run()
    assert "k^β = **1.000**" in words(app)
    assert not app.exception


def test_lrn_of_other_networks():
    app = opened(idea="LRN", on="alexnet", alpha="0.01")
    assert app.select_slider(key="alpha").value == "0.01"
    assert "relu1 before" in words(app)
    assert "random weights" in words(app) or "trained" in words(app)
    assert not app.exception


def test_pooling_windows_are_knobs():
    app = opened(idea="Pooling", on="relu4")
    assert "fell by 0.4 and 0.3 points" in words(app)
    assert "loses 1.4 points on held-out pictures, 0.1 to 3.3 over 3 seeds" in words(app)
    assert "pooled by 3 × 3, 2 apart: 15 × 15" in words(app)
    assert "pooled by 2 × 2, 2 apart: 16 × 16" in words(app)
    app.slider(key="window").set_value(2).run()
    assert "pooled by 2 × 2, 2 apart" in words(app)
    assert "pooled by 3 × 3, 2 apart" in words(app)
    app.slider(key="window").set_value(4).run()
    app.slider(key="apart").set_value(1).run()
    assert "pooled by 4 × 4, 1 apart: 29 × 29" in words(app)
    assert not app.exception


def test_dropout_is_drawn_and_averaged():
    app = opened(idea="Dropout")
    assert "**Mask 100 of 100**" in words(app)
    assert "**8 against 7, 8 against 7, 8 against 6** epochs" in words(app)
    app.select_slider(key="masks").set_value(500).run()
    many = float(re.search(r"500 masks\*\*: ([\d.]+)% away", words(app))[1])
    app.select_slider(key="masks").set_value(1).run()
    one = float(re.search(r"1 mask\*\*: ([\d.]+)% away", words(app))[1])
    assert many < one / 4
    shown = charts(app)[0]
    app.number_input(key="draw").set_value(7).run()
    assert charts(app)[0] != shown
    app.slider(key="p").set_value(0.0).run()
    assert re.search(r"1 mask\*\*: 0\.0% away", words(app))
    assert not app.exception


def test_masks_come_one_by_one():
    app = opened(idea="Dropout")
    next(button for button in app.button if button.label == "Draw one by one").click().run()
    assert "**Mask 1 of 100**" in words(app)
    next(button for button in app.button if button.label == "All at once").click().run()
    assert "**Mask 100 of 100**" in words(app)
    assert not app.exception


def test_the_papers_count_of_crops_beside_ours():
    app = opened(idea="Augmentation")
    assert app.metric[0].value == "2,178"
    assert "The paper says **2,048** = 32 × 32 × 2" in words(app)
    assert len(charts(app)[0]["layout"]["shapes"]) == 10
    assert "of ten crops say what their mean says" in words(app)
    app.toggle(key="mirror").set_value(False).run()
    assert app.metric[0].value == "1,089"
    assert "2,048" not in words(app)
    app.slider(key="cover").set_value(232).run()
    assert app.metric[0].value == "81"
    app.slider(key="crop").set_value(200).run()
    assert app.metric[0].value == "1,089"
    app.segmented_control(key="crops").set_value("random").run()
    before = charts(app)[0]["layout"]["shapes"]
    app.number_input(key="draw").set_value(3).run()
    assert charts(app)[0]["layout"]["shapes"] != before
    assert not app.exception


def test_where_two_towers_differ():
    app = opened(idea="Two towers")
    assert [metric.value for metric in app.metric[:3]] == ["62,378,344", "60,965,224", "1,413,120"]
    table = app.dataframe[0].value.set_index("layer")
    assert list(table.index[table["difference"] != 0]) == ["conv2", "conv4", "conv5", "all"]


def test_what_the_ideas_are_worth_comes_out_of_the_logs():
    app = opened(idea="Worth")
    table = app.dataframe[0].value.set_index("left out")["held-out accuracy, %"]
    assert table["none"] == pytest.approx(72.5, abs=0.1)
    assert table["local response normalisation"] < table["overlapping pooling"] < table["none"]
    assert min(table["dropout"], table["augmentation"]) > table["none"], "these two don't pay in 8 epochs"
    assert "Bundled logs" in words(app)


def test_another_picture_is_another_answer():
    app = opened(idea="Augmentation", image="rocket")
    assert app.selectbox(key="image").value == "rocket"
    assert charts(app)[1]["data"] != charts(opened(idea="Augmentation"))[1]["data"]
    assert not app.exception


@pytest.mark.parametrize(
    "query",
    [
        {"idea": "?"},
        {"idea": "LRN", "alpha": "-1", "n": "99", "k": "0"},
        {"idea": "LRN", "on": "os:system"},
        {"idea": "Pooling", "window": "0"},
        {"idea": "Dropout", "p": "7", "masks": "0"},
        {"idea": "Augmentation", "cover": "3", "crop": "9999"},
        {"from": "file"},
    ],
)
def test_rubbish_in_the_url_gives_a_page(query):
    app = opened(**query)
    assert not app.exception
    assert not app.error
    assert charts(app)


# --- in a browser --------------------------------------------------------------


@pytest.mark.browser
def test_the_main_picture_fits_one_screen_and_a_constant_changes_it(app_url, page: Page):
    page.goto(f"{app_url}/alexnet?idea=LRN")
    expect(page.get_by_text("at most 0.", exact=False)).to_be_visible()
    box = page.locator(".js-plotly-plot").bounding_box()
    assert box["y"] + box["height"] <= 720
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    alpha = page.get_by_role("slider", name="α")
    alpha.focus()
    for _ in range(3):
        alpha.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"alpha=0\.1"))
    expect(page.get_by_text("at most 0.", exact=False)).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize("idea", IDEAS)
def test_a_phone_has_no_page_to_scroll_sideways(app_url, browser, idea):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(f"{app_url}/alexnet?idea={idea}")
    expect(tab.locator(".js-plotly-plot").first).to_be_visible()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.close()
