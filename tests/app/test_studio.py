"""The activation studio's main gesture, in a real browser: a layer, a channel, a place, and its number taken apart."""

import re

import numpy as np
import pytest
from explorer import lit, node
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def number_of(text: str) -> float:
    return float(text.replace("−", "-"))


def worked(page: Page):
    """The article that takes a number apart."""
    return (
        page.locator("article")
        .filter(has_text="the network computed")
        .or_(page.locator("article").filter(has_text="the very number"))
    )


def test_a_number_is_taken_apart_down_to_its_products(app_url, page):
    page.goto(f"{app_url}/?network=resnet20")
    expect(page.get_by_role("img", name="16 feature maps of conv1")).to_be_visible()
    node(page, "layer1.0.conv1").click()
    grid = page.get_by_role("img", name="16 feature maps of layer1.0.conv1")
    grid.locator("canvas").click(position={"x": 40, "y": 50})
    expect(page).to_have_url(re.compile("channel=0"))

    large = page.get_by_role("img", name="channel 0 of layer1.0.conv1 over the picture")
    box = large.bounding_box()
    large.locator("canvas").click(position={"x": box["width"] * 20.5 / 32, "y": box["height"] * 8.5 / 32})
    expect(page).to_have_url(re.compile(r"at=8(,|%2C)20"))
    expect(page.get_by_text("at channel 0, row 8, column 20 of layer1.0.conv1")).to_be_visible()
    expect(page.get_by_text("framed is what the unit in row 8, column 20 of layer1.0.conv1 sees")).to_be_visible()
    value = number_of(page.get_by_text("at channel 0, row 8").locator("strong").inner_text())
    assert value == pytest.approx(
        number_of(page.get_by_text("row 8, column 20: ").inner_text().split(": ")[1]), rel=1e-5
    )

    steps = worked(page)
    expect(steps).to_contain_text("A window of 3 × 3 in 16 channels of relu")
    expect(steps.locator("li")).to_have_count(6)
    expect(steps.locator(".grid")).to_have_count(18)
    rows = steps.locator(".sum tr").all()
    added = [number_of(row.locator("td").first.inner_text()) for row in rows]
    assert len(added) == 9, "six channels, the other ten, the bias, and what they make together"
    assert sum(added[:-1]) == pytest.approx(added[-1], abs=2e-3 * max(map(abs, added)))
    assert added[-1] == pytest.approx(value, rel=1e-4)
    expect(steps.locator(".check")).to_contain_text(re.compile("they differ by|the very number"))

    large.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_text("at channel 0, row 9, column 21 of layer1.0.conv1")).to_be_visible()
    expect(page).to_have_url(re.compile(r"at=9(,|%2C)21"))
    page.reload()
    expect(page.get_by_text("at channel 0, row 9, column 21 of layer1.0.conv1")).to_be_visible()

    node(page, "conv1").click()
    expect(page.get_by_role("img", name="16 feature maps of conv1")).to_be_visible()
    expect(page).not_to_have_url(re.compile("channel=|at="))


def test_the_picture_shows_through_and_the_heat_lies_in_the_frame(app_url, page):
    page.goto(f"{app_url}/?network=resnet20&layer=layer2.0.conv2&channel=3&at=7,7")
    large = page.get_by_role("img", name="channel 3 of layer2.0.conv2 over the picture")
    pixels = "canvas => canvas.toDataURL()"
    canvas = large.locator("canvas")
    expect(page.get_by_text("It sees 21 × 21 pixels: the frame.")).to_be_visible()
    seen = {}
    for part in (0, 70, 100):
        page.get_by_role("slider", name="How much covers the picture").fill(str(part))
        seen[part] = canvas.evaluate(pixels)
    assert len(set(seen.values())) == 3
    page.get_by_text("Effective field").click()
    expect(page.get_by_text("of the strongest pixel lies within")).to_be_visible()
    expect(page.get_by_text("no weight")).to_be_visible()
    assert canvas.evaluate(pixels) not in seen.values()


def test_a_click_on_a_place_sends_little(app_url, page):
    sizes: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))))
    page.goto(f"{app_url}/?network=resnet18&layer=conv1&channel=3&at=50,50")
    expect(page.get_by_text("row 50, column 50 of conv1: how")).to_be_visible()
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    page.wait_for_load_state("networkidle")
    for column, most in ((51, None), (52, 60_000)):
        before = len(sizes)
        page.get_by_role("img", name="channel 3 of conv1 over the picture").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text(f"row 50, column {column} of conv1: how")).to_be_visible()
        expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
        assert most is None or sum(sizes[before:]) < most


def test_a_click_on_a_class_shows_where_its_score_comes_from_and_occlusion_can_be_stopped(app_url, page):
    page.goto(f"{app_url}/?network=vgg16&layer=features.18&weights=random&size=224")
    page.get_by_role("tab", name="What it says").click()
    expect(page.get_by_text("the answer means nothing")).to_be_visible()
    first = page.get_by_role("list", name="Scores of the 10 best classes").get_by_role("button").first
    first.click()
    expect(page).to_have_url(re.compile(r"target=\d+"))
    expect(page.get_by_role("img", name="Grad-CAM of features.18")).to_be_visible()
    expect(first).to_have_attribute("aria-pressed", "true")
    page.get_by_text("occlusion", exact=True).click()
    page.get_by_role("button", name="Cover the picture").click()
    expect(page.get_by_text(re.compile(r"Covering … [1-9]"))).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Cover the picture")).to_be_visible()
    expect(page.get_by_text("Covering")).to_have_count(0)
    page.goto(f"{app_url}/?network=resnet20&layer=conv1&weights=random&target=2&by=occlusion")
    page.get_by_role("tab", name="What it says").click()
    page.get_by_role("button", name="Cover the picture").click()
    expect(page.get_by_text("a grey square of 6 × 6 pixels")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.get_by_role("tab", name="What it sees").click()
    expect(page.get_by_role("img", name="16 feature maps of conv1")).to_be_visible()


def test_the_grid_is_saved_as_a_picture_and_as_numbers(app_url, page):
    page.goto(f"{app_url}/?network=resnet20&layer=layer1.0.conv2&scale=network&order=activity")
    expect(page.get_by_role("img", name="16 feature maps of layer1.0.conv2")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The same in Python:")).to_be_visible()
    files = {}
    for form in ("PNG", "NPZ"):
        with page.expect_download() as coming:
            page.get_by_role("button", name=form, exact=True).click()
        files[form] = coming.value
    assert [file.suggested_filename for file in files.values()] == [
        "resnet20-layer1.0.conv2.png",
        "resnet20-layer1.0.conv2.npz",
    ]
    maps = np.load(files["NPZ"].path())
    assert {name: maps[name].shape for name in maps.files} == {"layer1.0.conv2": (16, 32, 32)}
    assert Image.open(files["PNG"].path()).format == "PNG"


def test_a_layer_is_picked_in_the_chart_of_the_whole_network(app_url, page):
    page.goto(f"{app_url}/?network=resnet20&layer=layer1.0.conv1")
    page.get_by_role("tab", name="The whole network").click()
    chart = page.get_by_role("slider", name="Layers, in the order of the forward pass")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"^layer1\.0\.conv1 \(conv, 16 × 32 × 32\): mean "))
    first = int(chart.get_attribute("aria-valuenow"))

    node(page, "layer2.0.conv1").click()
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"^layer2\.0\.conv1 "))
    assert int(chart.get_attribute("aria-valuenow")) > first

    box = chart.bounding_box()
    chart.click(position={"x": box["width"] - 10, "y": box["height"] / 3})
    lit(page, "fc")
    expect(page).to_have_url(re.compile("layer=fc"))
    chart.press("Home")
    lit(page, "input")
    expect(chart).to_have_attribute("aria-valuenow", "1")
