"""The comparison of all networks: its knobs, and in a real browser its main gesture."""

import json
import re
from pathlib import Path

import pytest
from components import Answer, turn
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from cnnviz.networks import cards

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
HAVE_FIGURES = 11  # networks with published weights


def opened(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("screens/compare.py")
    return app.run()


def listed(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["key"])


def chart(app: AppTest) -> dict:
    return json.loads(app.get("plotly_chart")[0].proto.spec)


def shown(app: AppTest) -> set[str]:
    return {name for trace in chart(app)["data"] for name in trace.get("text") or ()}


def bubbles(app: AppTest) -> dict:
    [drawn] = Answer(app).charts
    return drawn


def networks(app: AppTest, on: bool) -> set[str]:
    """Those on the front, or those beaten by another."""
    return {point["name"] for point in bubbles(app)["points"] if point["on"] == on}


def words(app: AppTest) -> str:
    return " ".join([Answer(app).words, *(text.value for text in app.markdown)])


def test_all_networks_with_their_front():
    app = opened()
    assert not app.exception
    assert app.markdown[0].value.endswith("?**")
    assert listed(app) == list(cards())
    assert len(bubbles(app)["points"]) == HAVE_FIGURES
    on = networks(app, on=True)
    assert on == {"alexnet-owt", "googlenet-bn", "resnet34", "resnet50", "resnet101", "resnet152"}
    assert networks(app, on=False) == {"resnet18", "vgg11", "vgg13", "vgg16", "vgg19"}
    assert len(bubbles(app)["front"]) == len(on)
    assert "One protocol for all: one network, one centre crop" in words(app)
    assert "18 of the 29 have no such figure." in words(app)
    assert "ms here" not in app.dataframe[0].value, "nothing is timed before it is asked for"


def test_the_cost_and_the_accuracy_are_knobs():
    app = opened(cost="parameters", accuracy="top-1")
    on = networks(app, on=True)
    assert on == {"googlenet-bn", "resnet34", "resnet50", "resnet101", "resnet152"}, "alexnet has more parameters"
    assert bubbles(app)["y"]["title"] == "top-1 accuracy, %"
    turn(app, cost="memory")
    assert "memory" in bubbles(app)["x"]["title"]
    assert app.query_params["cost"] == "memory"
    assert not app.exception


def test_accuracy_of_networks_without_a_figure_is_an_empty_chart():
    app = opened(choice="CIFAR-10", chart="Accuracy")
    assert not app.exception
    assert bubbles(app)["points"] == []
    assert "10 of the 10 have no such figure." in words(app)


def test_vggs_convolutions_beside_alexnets():
    app = opened()
    app.selectbox(key="choice").set_value("VGG-16 and AlexNet").run()
    assert listed(app) == ["alexnet", "vgg16"]
    assert app.segmented_control(key="chart").value == "Parameters"
    assert shown(app) == {"3,747,200", "14,714,688", "58,631,144", "123,642,856"}
    assert "In all its convolutions vgg16 has 14,714,688 parameters, alexnet 3,747,200" in words(app)
    app.selectbox(key="choice").set_value("All").run()
    assert app.segmented_control(key="chart").value == "Accuracy"
    app.segmented_control(key="chart").set_value("Parameters").run()
    assert not shown(app), "a number in each of so many bars is too small to be read"
    assert not app.exception


@pytest.mark.parametrize(
    ("choice", "keys"),
    [
        ("Published weights", 11),
        ("The article's four", ["alexnet", "vgg16", "googlenet", "resnet152"]),
        ("Residual and plain", 8),
        ("CIFAR-10", 10),
    ],
)
def test_ready_made_choices(choice, keys):
    app = opened(choice=choice)
    found = listed(app)
    assert (len(found) if isinstance(keys, int) else found) == keys
    assert not app.exception


def test_a_choice_of_ones_own_is_a_link():
    app = opened(networks=["lenet5", "resnet50"])
    assert listed(app) == ["lenet5", "resnet50"]
    app.multiselect(key="networks").set_value(["vgg11"]).run()
    assert listed(app) == ["vgg11"]
    app.multiselect(key="networks").set_value([]).run()
    assert len(listed(app)) == 1
    assert not app.exception


def test_what_is_printed_stands_beside_the_computed():
    cards = {text.value.split("**")[1]: text.value for text in opened().markdown if "FLOP" in text.value}
    assert list(cards) == ["AlexNet", "VGGNet", "Inception", "ResNet-152"]
    assert "- 138M parameters = 138,357,544." in cards["VGGNet"]
    assert "- 19.6B FLOP ≠ 15,470,264,320. It is vgg19's 19.63 billion" in cards["VGGNet"]
    assert "- top-5 accuracy 93.3 %: an ensemble of seven networks, 144 crops" in cards["Inception"]
    assert any("the second best of 2012 is 73.8 %" in text.value for text in opened().markdown)
    assert not [text for text in opened(choice="CIFAR-10").markdown if "FLOP" in text.value]


def test_a_picture_is_timed_when_one_asks_for_it():
    app = opened(networks=["lenet5", "resnet20"])
    app.button[0].click().run()
    times = app.dataframe[0].value["ms here"]
    assert not app.exception
    assert (times > 0).all()
    assert any("median of a few passes of one picture on CPU" in caption.value for caption in app.caption)


@pytest.mark.parametrize(
    "query", [{"choice": "?"}, {"networks": "os:system"}, {"chart": "?"}, {"cost": "?"}, {"accuracy": "?"}]
)
def test_rubbish_in_the_url_gives_a_page(query):
    app = opened(**query)
    assert not app.exception
    assert not app.error
    assert listed(app)


# --- in a browser --------------------------------------------------------------


@pytest.mark.browser
def test_the_main_picture_fits_one_screen_and_a_choice_changes_it(app_url, page: Page):
    page.goto(f"{app_url}/compare")
    bubbles, drawing = page.locator(".charts"), page.locator(".js-plotly-plot")
    expect(bubbles.get_by_text("resnet152")).to_be_visible()
    box = bubbles.bounding_box()
    assert box["y"] + box["height"] <= 720
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    page.get_by_role("combobox", name="Networks").click()
    page.get_by_role("option", name="VGG-16 and AlexNet").click(force=True)
    expect(page.get_by_text("alexnet 3,747,200: 3.9 times as many")).to_be_visible()
    expect(drawing.get_by_text("14,714,688")).to_be_visible()
    expect(page).to_have_url(re.compile(r"choice=VGG-16"))
    page.reload()
    expect(page.get_by_text("alexnet 3,747,200: 3.9 times as many")).to_be_visible()


@pytest.mark.browser
def test_a_phone_has_no_page_to_scroll_sideways(app_url, browser):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(f"{app_url}/compare")
    expect(tab.locator(".charts").get_by_text("resnet152")).to_be_visible()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.close()
