"""AlexNet's ideas: every knob, and in a real browser the main gesture."""

import json
import re
from pathlib import Path

import pytest
from components import Answer, grid, turn
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
    return " ".join([Answer(app).words, *(text.value for text in (*app.markdown, *app.caption))])


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


@pytest.mark.parametrize("idea", IDEAS)
def test_every_idea_opens_with_a_question(idea):
    app = opened(idea=idea)
    assert not app.exception
    assert not app.error
    assert app.markdown[0].value.endswith("?**")
    assert charts(app) or Answer(app).charts
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
    return float(re.search(r"at most ([\d.]+)\s%", words(app))[1])


def test_lrns_four_constants_are_knobs():
    app = opened(idea="LRN")
    assert "k^β = 1.682" in words(app)
    small = added(app)
    turn(app, alpha="0.1")
    large = added(app)
    assert large > 100 * small, "alpha decides"
    turn(app, n=15)
    assert added(app) >= large
    turn(app, beta=0.0)
    assert "k^β = 1.000" in words(app)
    assert added(app) == 0
    turn(app, beta=0.75)
    turn(app, k=1.0)
    assert "k^β = 1.000" in words(app)
    assert not app.exception


def test_lrn_of_other_networks():
    app = opened(idea="LRN", on="alexnet", alpha="0.01")
    assert app.session_state["alpha"] == "0.01"
    assert [grid(app, key)["title"] for key in ("maps before", "maps after")] == ["relu1 before", "relu1 after"]
    assert "random weights" in words(app) or "trained" in words(app)
    assert not app.exception


def pooled(app: AppTest) -> list[str]:
    return [grid(app, key)["title"].partition(", ")[2] for key in ("pooled 0", "pooled 1")]


def test_pooling_windows_are_knobs():
    app = opened(idea="Pooling", on="relu4")
    assert "fell by 0.4 and 0.3 points" in words(app)
    assert "loses 1.4 points on held-out pictures, 0.1 to 3.3 over 3 seeds" in words(app)
    assert pooled(app) == ["pooled by 3 × 3, 2 apart: 15 × 15", "pooled by 2 × 2, 2 apart: 16 × 16"]
    turn(app, window=2)
    assert pooled(app) == ["pooled by 2 × 2, 2 apart: 16 × 16", "pooled by 3 × 3, 2 apart: 15 × 15"]
    turn(app, window=4)
    turn(app, apart=1)
    assert pooled(app)[0] == "pooled by 4 × 4, 1 apart: 29 × 29"
    assert [row["window"] for row in Answer(app).charts[0]["rows"]] == [4, 2]
    assert not app.exception


def titles(app: AppTest) -> list[str]:
    return [chart["title"] for chart in Answer(app).charts]


def away(app: AppTest) -> float:
    return float(re.fullmatch(r"The mean of \d+ masks?: ([\d.]+)% away", titles(app)[2])[1])


def test_dropout_is_drawn_and_averaged():
    app = opened(idea="Dropout")
    assert titles(app)[0].startswith("Mask 100 of 100: ")
    assert "**8 against 7, 8 against 7, 8 against 6** epochs" in words(app)
    turn(app, masks=500)
    many = away(app)
    turn(app, masks=1)
    assert many < away(app) / 4
    shown = Answer(app).charts[0]["crossed"]
    turn(app, draw=7)
    assert Answer(app).charts[0]["crossed"] != shown
    turn(app, p=0.0)
    assert away(app) == 0
    assert Answer(app).charts[0]["crossed"] == []
    assert not app.exception


def test_masks_come_one_by_one():
    app = opened(idea="Dropout")
    next(button for button in app.button if button.label == "Draw one by one").click().run()
    assert titles(app)[0].startswith("Mask 1 of 100: ")
    next(button for button in app.button if button.label == "All at once").click().run()
    assert titles(app)[0].startswith("Mask 100 of 100: ")
    assert not app.exception


def frames(app: AppTest) -> list[dict]:
    return Answer(app).charts[0]["frames"]


def test_the_papers_count_of_crops_beside_ours():
    app = opened(idea="Augmentation")
    assert Answer(app).numbers["Crops"] == "2,178"
    assert "The paper says 2,048 = 32 × 32 × 2" in words(app)
    assert len(frames(app)) == 10
    assert "of ten crops say what their mean says" in words(app)
    turn(app, mirror=False)
    assert Answer(app).numbers["Crops"] == "1,089"
    assert "2,048" not in words(app)
    turn(app, cover=232)
    assert Answer(app).numbers["Crops"] == "81"
    turn(app, crop=200)
    assert Answer(app).numbers["Crops"] == "1,089"
    turn(app, crops="random")
    before = frames(app)
    turn(app, draw=3)
    assert frames(app) != before
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
    usual = opened(idea="Augmentation")
    assert charts(app)[0]["data"] != charts(usual)[0]["data"]
    assert Answer(app).charts[0]["picture"] != Answer(usual).charts[0]["picture"]
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
    assert charts(app) or Answer(app).charts


# --- in a browser --------------------------------------------------------------


@pytest.mark.browser
def test_the_main_picture_fits_one_screen_and_a_constant_changes_it(app_url, page: Page):
    page.goto(f"{app_url}/alexnet?idea=LRN")
    expect(page.get_by_text("at most 0.", exact=False)).to_be_visible()
    box = page.locator(".charts").bounding_box()
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
    expect(tab.locator(".js-plotly-plot, .charts svg").first).to_be_visible()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.close()
