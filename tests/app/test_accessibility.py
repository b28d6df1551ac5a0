"""No page has a serious violation of what axe-core checks, whatever the mode and the width."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

# rule -> a piece of the element's HTML; Streamlit draws it, and no option of Streamlit's reaches it
STREAMLITS = {
    "color-contrast": 'class="token',  # st.code: the colours of a program's words
}


def violations(page: Page) -> list[str]:
    """What axe-core calls serious or critical, one line an element: in light on a projector, in dark on a phone.

    Colours don't depend on the width, nor does what fits on the colours.
    """
    found = _violations(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("[data-testid=stApp]")).to_have_css("color-scheme", "dark")
    found += [f"dark, on a phone: {one}" for one in _violations(page)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 844})
    return found


def _violations(page: Page) -> list[str]:
    # what is fading, or waits faded for the server, has colours of its own for a moment
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    page.evaluate(
        """() => Promise.allSettled(document.getAnimations().filter(
          animation => Number.isFinite(animation.effect.getComputedTiming().endTime)).map(animation => animation.finished))"""
    )
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]} {json.dumps(node['any'][:1] + node['all'][:1])[:300]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
        if STREAMLITS.get(rule["id"], "\0") not in node["html"]
    ]


@pytest.fixture
def screen(browser):
    tab = browser.new_page(viewport={"width": 1280, "height": 844}, color_scheme="light", reduced_motion="reduce")
    tab.set_default_timeout(30_000)
    yield tab
    tab.close()


def test_explore(app_url, screen):
    screen.goto(f"{app_url}/?network=resnet20&layer=layer1.0.conv2&channel=3")
    expect(screen.get_by_role("img", name="16 feature maps of layer1.0.conv2")).to_be_visible()
    expect(screen.locator("g.node.lit")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)
    screen.get_by_role("tab", name="Its numbers").click()
    expect(screen.locator("math")).to_be_visible()
    screen.get_by_role("button", name="Export").click()
    expect(screen.get_by_test_id("stCode").locator(".token").first).to_be_visible()
    assert not violations(screen)


@pytest.mark.parametrize(
    "place", ["layer=layer1.0.conv2&channel=3&at=10,12", "layer=conv1&channel=1&at=0,5", "layer=fc&channel=3"]
)
def test_a_number_and_how_it_was_computed(app_url, screen, place):
    screen.goto(f"{app_url}/?network=resnet20&{place}")
    expect(screen.get_by_text("they differ by")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_kernels_of_a_layer(app_url, screen):
    screen.goto(f"{app_url}/?network=resnet20&layer=layer1.0.conv2&channel=3")
    screen.get_by_role("tab", name="Its kernels").click()
    expect(screen.get_by_role("img", name="16 kernels of output channel 3")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


@pytest.mark.parametrize("by", ["Grad-CAM", "occlusion"])
def test_where_a_score_comes_from(app_url, screen, by):
    screen.goto(f"{app_url}/?network=resnet20&layer=layer3.2.conv2&target=3&by={by}")
    screen.get_by_role("tab", name="What it says").click()
    if by == "occlusion":
        screen.get_by_role("button", name="Cover the picture").or_(screen.get_by_text("a grey square")).first.click()
    expect(screen.get_by_role("slider", name="How much covers the picture")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_the_whole_network(app_url, screen):
    screen.goto(f"{app_url}/?network=resnet20&layer=layer3.2.conv2")
    screen.get_by_role("tab", name="The whole network").click()
    expect(screen.get_by_role("slider", name="Layers, in the order of the forward pass")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_a_concatenation(app_url, screen):
    screen.goto(f"{app_url}/?network=googlenet&layer=inception3a.concat&order=activity&scale=network&channel=70")
    expect(screen.get_by_role("img", name="256 feature maps of inception3a.concat")).to_be_visible()
    expect(screen.get_by_role("slider", name="How much covers the picture")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_a_drawing_and_what_is_said_of_it(app_url, screen):
    screen.goto(f"{app_url}/?network=lenet5&from=pad")
    pad = screen.get_by_role("img", name="Drawing pad")
    expect(pad).to_be_visible()
    screen.get_by_role("tab", name="What it says").click()
    expect(screen.get_by_role("list", name="Scores of the 10 best classes")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)
    pad.click()
    expect(screen.get_by_role("list", name="Scores of the digits")).to_be_visible()
    assert not violations(screen)


@pytest.mark.parametrize("source", ["file", "camera"])
def test_a_picture_of_ones_own(app_url, screen, source):
    screen.goto(f"{app_url}/?network=resnet20&from={source}")
    expect(screen.get_by_text("Until there is one, cat is seen.")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_kernels(app_url, screen):
    screen.goto(f"{app_url}/kernels")
    expect(screen.locator(".drawn svg")).to_have_count(4)
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


@pytest.mark.parametrize(("path", "knob"), [("kernels?stride=2", "in layer"), ("inception", "Pool projection")])
def test_what_a_knob_means(app_url, screen, path, knob):
    screen.goto(f"{app_url}/{path}")
    expect(screen.locator(".drawn svg").first).to_be_visible()
    button = screen.get_by_role("button", name=f"What {knob} is")
    button.click()
    meaning = screen.locator(f"#{button.get_attribute('popovertarget')}")
    expect(meaning).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)
    expect(meaning).to_be_visible()


def test_the_proof_of_kernels(app_url, screen):
    screen.goto(f"{app_url}/kernels?show=proof")
    expect(screen.get_by_role("img", name="2 × (3 × 3): after 2 layers")).to_be_visible()
    expect(screen.locator(".js-plotly-plot")).to_have_count(2)
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_kernels_in_a_network(app_url, screen):
    screen.goto(f"{app_url}/kernels?show=network&large=googlenet")
    expect(screen.locator("g.node[id='inception3a.branch5x5.conv2']")).to_be_attached()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_lenet(app_url, screen):
    screen.goto(f"{app_url}/lenet")
    expect(screen.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(screen.locator(".js-plotly-plot")).to_have_count(1)
    expect(screen.locator(".drawn svg")).to_have_count(3)
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


@pytest.mark.parametrize("idea", ["ReLU", "LRN", "Pooling", "Dropout", "Augmentation", "Two towers", "Worth"])
def test_alexnets_ideas(app_url, screen, idea):
    screen.goto(f"{app_url}/alexnet?idea={idea}")
    expect(screen.locator(".js-plotly-plot .main-svg, .drawn svg").first).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


@pytest.mark.parametrize("about", ["Module", "On a picture", "Weights", "Heads"])
def test_inception(app_url, screen, about):
    screen.goto(f"{app_url}/inception?about={about}")
    expect(screen.locator(".js-plotly-plot .main-svg, .drawn svg").first).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_printed(app_url, screen):
    screen.goto(f"{app_url}/printed?network=resnet18&cell=6/conv3-1/pad")
    expect(screen.get_by_text("A half-sided pad").first).to_be_attached()  # in a table that is drawn
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_compare(app_url, screen):
    screen.goto(f"{app_url}/compare")
    expect(screen.locator(".js-plotly-plot .main-svg, .drawn svg").first).to_be_visible()
    expect(screen.get_by_text("It is vgg19's 19.63 billion")).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


@pytest.mark.parametrize("about", ["Training", "Gradients", "Options A, B, C", "Cut"])
def test_shortcuts(app_url, screen, about):
    screen.goto(f"{app_url}/shortcuts?point={about}")
    expect(screen.locator(".js-plotly-plot .main-svg, g.node, .drawn svg").first).to_be_visible()
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_learning_the_identity(app_url, screen):
    screen.goto(f"{app_url}/shortcuts?point=Identity&blocks=1")
    screen.get_by_role("button", name="Learn to copy it").click()
    expect(screen.get_by_text("After 1,000 steps")).to_be_visible(timeout=120_000)
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)


def test_side_by_side(app_url, screen):
    screen.goto(f"{app_url}/beside?network=resnet20&network2=plain20")
    expect(screen.locator("g.node.lit")).to_have_count(2)
    expect(screen.get_by_role("img", name="16 feature maps of conv1")).to_have_count(2)
    screen.wait_for_load_state("networkidle")
    assert not violations(screen)
    screen.get_by_role("button", name="Lecture").click()
    expect(screen.get_by_text("Projector")).to_be_visible()
    assert not violations(screen)
