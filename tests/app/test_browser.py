"""The main job, in a real browser, on a real photograph."""

import re
from pathlib import Path

import pytest
from explorer import choose, node, selected, view
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PHOTOGRAPH = Path(__file__).parents[2] / "assets" / "photographs" / "astronaut.jpg"


def test_the_main_job_on_a_photograph(app_url, page):
    page.goto(app_url)
    expect(page.get_by_text("11,689,512")).to_be_visible()

    choose(page, "Network", "googlenet")
    expect(page.get_by_text("6,998,552")).to_be_visible()
    expect(node(page, "inception3a.concat")).to_contain_text("256 × 28 × 28")

    own = page.get_by_role("img", name="the picture chosen")
    before = own.get_attribute("src")
    page.get_by_role("radio", name="file").click()
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(PHOTOGRAPH)
    expect(own).not_to_have_attribute("src", before)
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    node(page, "inception3a.branch5x5").click()
    expect(page.get_by_text("inception3a.branch5x5, conv 5×5, pad 2, gives 32 × 28 × 28")).to_be_visible()
    expect(node(page, "inception3a.branch5x5")).to_have_class(re.compile("lit"))
    expect(page).to_have_url(re.compile(r"network=googlenet.*layer=inception3a\.branch5x5"))
    expect(page.get_by_text("weights trained by this project on CIFAR-10 (googlenet.safetensors)")).to_be_visible()

    grid = page.get_by_role("img", name="32 feature maps of inception3a.branch5x5")
    grid.locator("canvas").click(position={"x": 40, "y": 50})
    expect(page).to_have_url(re.compile("channel=0"))
    expect(page.get_by_text("The picture as googlenet receives it")).to_be_visible()
    drawn = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    assert grid.locator("canvas").evaluate(drawn) > 20, "the maps have no colours"


def test_a_link_opens_its_place_and_survives_a_reload(app_url, page):
    page.goto(f"{app_url}/?network=resnet50&layer=layer2.0.conv2&channel=5")
    for _ in range(2):
        expect(page.get_by_text("layer2.0.conv2, conv 3×3 / 2, pad 1, gives 128 × 28 × 28")).to_be_visible()
        expect(page.get_by_text("Channel 5", exact=True)).to_be_visible()
        page.get_by_role("tab", name="Its numbers").click()
        selected(page, "layer2.0.conv2", "conv 3×3 / 2, pad 1")
        expect(page).to_have_url(re.compile("network=resnet50.*channel=5"))
        page.reload()


def test_equal_blocks_open_in_the_graph_and_close_again(app_url, page):
    page.goto(f"{app_url}/?network=resnet152")
    run = page.locator("g.cluster.run", has_text="layer3.1 to layer3.35")
    expect(run).to_contain_text("×35")
    run.click(position={"x": 20, "y": 8})
    expect(node(page, "layer3.20.conv1")).to_be_attached()
    page.locator('g.cluster.opened[id="block:layer3.1"]').click(position={"x": 20, "y": 8})
    expect(node(page, "layer3.20.conv1")).not_to_be_attached()


def test_a_picture_that_cannot_be_read_changes_nothing_else(app_url, page, tmp_path):
    broken = tmp_path / "holiday.png"
    broken.write_bytes(PHOTOGRAPH.read_bytes()[:400])
    page.goto(f"{app_url}/?network=lenet5")
    expect(page.get_by_text("61,706")).to_be_visible()
    page.get_by_role("radio", name="file").click()
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(broken)
    expect(page.get_by_test_id("stAlert").filter(has_text="holiday.png")).to_be_visible()
    expect(page.get_by_role("img", name="6 feature maps of conv1")).to_be_visible()
    expect(node(page, "conv2")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_within_its_width(app_url, browser, scheme):
    tab = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    tab.goto(f"{app_url}/?network=resnet20")
    maps = tab.get_by_role("img", name="16 feature maps of conv1")
    expect(maps).to_be_visible()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    above, card, below = (part.bounding_box() for part in (view(tab), tab.get_by_role("combobox", name="Layer"), maps))
    assert above["y"] + above["height"] < card["y"] < below["y"], "the graph stands above its layer's card"
    tab.close()


def test_nothing_is_fetched_from_elsewhere(app_url, browser):
    """A lecture hall may have no network: not even an icon comes from outside."""
    tab = browser.new_page()
    asked, missing = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: missing.append(message.text) if "ERR_NAME" in message.text else None)
    tab.goto(f"{app_url}/?network=lenet5")
    expect(tab.get_by_role("img", name="6 feature maps of conv1")).to_be_visible()
    tab.wait_for_load_state("networkidle")
    tab.close()
    assert not [url for url in asked if not url.startswith((app_url, app_url.replace("http", "ws"), "data:", "blob:"))]
    assert not missing
