"""The graph's viewport: what mouse, fingers and keys do to it, and what it says of itself."""

import re

import pytest
from explorer import choose, lit, node, view
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser
NEAR = 1.5  # pixels


@pytest.fixture
def graph(app_url, page):
    """Opens a network's page, and waits until its graph can be used."""

    def opened(query: str, layer: str = "conv1") -> Page:
        page.goto(f"{app_url}/?{query}")
        lit(page, layer)
        expect(page.get_by_role("tab", name="What it sees")).to_be_visible()
        page.wait_for_load_state("networkidle")
        view(page).scroll_into_view_if_needed()
        return page

    return opened


def middle(part: Locator) -> tuple[float, float]:
    box = part.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def width(part: Locator) -> float:
    box = part.bounding_box()
    assert box
    return box["width"]


def still(part: Locator) -> tuple[float, float]:
    """Where it is once smooth scrolling has ended."""
    before = None
    while before != (now := middle(part)):
        before = now
        part.page.wait_for_timeout(120)
    return now


def settled(page: Page, url: str) -> None:
    expect(page).to_have_url(re.compile(url))


def test_the_wheel_with_ctrl_zooms_about_the_pointer(graph):
    page = graph("network=resnet18")
    held = node(page, "layer1.0.conv2")
    x, y = middle(held)
    page.mouse.move(x, y)
    before = width(held)
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    expect(page.get_by_role("button", name="Show the whole network")).to_be_visible()
    page.wait_for_timeout(100)
    assert width(held) > 2 * before
    # by its outline, as text isn't scaled with full precision
    assert middle(held) == pytest.approx((x, y), abs=NEAR)


def test_a_plain_wheel_scrolls_and_at_its_end_the_page(graph):
    page = graph("network=lenet5")
    x, y = middle(view(page))
    page.mouse.move(x, y)
    top = "document.querySelector('[data-testid=stMain]').scrollTop"
    before = page.evaluate(top)
    for _ in range(12):
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(60)
    assert page.evaluate(top) > before


def test_zoom_stays_within_limits_and_fits_again(graph):
    page = graph("network=resnet18")
    first = width(node(page, "conv1"))
    view(page).focus()
    for _ in range(20):
        page.keyboard.press("+")
    assert width(node(page, "conv1")) < 4.5 * first / 0.7
    page.keyboard.press("0")
    frame, drawn = view(page).bounding_box(), page.locator(".sheet svg").bounding_box()
    assert drawn["height"] <= frame["height"]
    for _ in range(20):
        page.get_by_role("button", name="Zoom out").click()
    assert page.locator(".sheet svg").bounding_box()["height"] == pytest.approx(frame["height"], rel=0.1)
    page.get_by_role("button", name="Fit to read").click()
    assert width(node(page, "conv1")) == pytest.approx(first, abs=1)


def test_dragging_pans_and_picks_nothing(graph):
    page = graph("network=resnet152")
    start = middle(node(page, "layer1.0.conv2"))
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0], start[1] - 60, steps=3)
    page.mouse.move(start[0], start[1] - 120, steps=3)
    page.mouse.up()
    assert middle(node(page, "layer1.0.conv2")) == pytest.approx((start[0], start[1] - 120), abs=NEAR)
    page.wait_for_timeout(300)
    lit(page, "conv1")
    assert "layer=" not in page.url


def test_a_click_lights_node_and_path_at_once_and_then_reaches_the_server(graph):
    page = graph("network=resnet152")
    spent = page.evaluate(
        """async () => {
          const root = [...document.querySelectorAll('*')].find(e => e.shadowRoot?.querySelector('g.node')).shadowRoot
          const node = root.querySelector('[id="layer2.0.conv2"]'), began = performance.now()
          node.dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true }))
          const spent = performance.now() - began
          return [node.classList.contains("lit"), root.querySelectorAll("g.edge.lead").length, spent]
        }"""
    )
    assert spent[0], "the click lights it before anything else happens"
    assert spent[1] > 10
    assert spent[2] < 50  # 2 ms on a quiet machine
    settled(page, r"layer=layer2\.0\.conv2")
    lit(page, "layer2.0.conv2")
    leads = re.compile(r"\blead\b")
    for path in ("input", "conv1", "layer1.0.downsample.0", "layer2.0.conv1"):
        expect(node(page, path)).to_have_class(leads)
    for path in ("layer2.0.downsample.0", "layer2.0.conv3", "fc"):
        expect(node(page, path)).not_to_have_class(leads)


def test_a_layer_picked_elsewhere_comes_into_view(graph):
    page = graph("network=resnet18")
    choose(page, "Layer", "layer4.1.conv2")
    lit(page, "layer4.1.conv2")
    still(node(page, "layer4.1.conv2"))
    frame, box = view(page).bounding_box(), node(page, "layer4.1.conv2").bounding_box()
    assert frame["y"] <= box["y"]
    assert box["y"] + box["height"] <= frame["y"] + frame["height"]


def test_arrow_keys_follow_the_data(graph):
    page = graph("network=resnet18")
    view(page).focus()
    for path in ("maxpool", "layer1.0.conv1", "layer1.0.conv2"):
        page.keyboard.press("ArrowDown")
        lit(page, path)
        expect(view(page)).to_have_attribute("aria-activedescendant", path)
    settled(page, r"layer=layer1\.0\.conv2")  # the selection follows when the keys rest
    page.keyboard.press("ArrowUp")
    lit(page, "layer1.0.conv1")
    page.keyboard.press("Enter")
    settled(page, r"layer=layer1\.0\.conv1")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    lit(page, "layer2.0.conv2")
    for key, path in (
        ("ArrowRight", "layer2.0.downsample.0"),
        ("ArrowLeft", "layer2.0.conv2"),
        ("ArrowRight", "layer2.0.downsample.0"),
        ("ArrowDown", "layer2.0.add"),
        ("ArrowUp", "layer2.0.downsample.0"),
        ("ArrowUp", "layer1.0.add"),
        ("ArrowRight", "layer2.0.downsample.0"),
        ("Home", "input"),
        ("ArrowUp", "input"),
    ):
        page.keyboard.press(key)
        lit(page, path)


def test_arrow_keys_cross_the_arms_of_a_module(graph):
    page = graph("network=googlenet&layer=inception3a.branch3x3_reduce", "inception3a.branch3x3_reduce")
    view(page).focus()
    for key, path in (
        ("ArrowDown", "inception3a.branch3x3"),
        ("ArrowRight", "inception3a.branch5x5"),
        ("ArrowRight", "inception3a.pool_proj"),
        ("ArrowUp", "inception3a.pool"),
        ("ArrowLeft", "inception3a.branch5x5_reduce"),
        ("ArrowLeft", "inception3a.branch3x3_reduce"),
        ("ArrowLeft", "inception3a.branch1x1"),
        ("ArrowDown", "inception3a.concat"),
    ):
        page.keyboard.press(key)
        lit(page, path)


def press_f(page: Page) -> None:
    view(page).press("f")


def press_the_graphs_button(page: Page) -> None:
    page.get_by_role("button", name=re.compile(r"^(Unf|F)old layer3\.1$")).click()


def press_the_pages_button(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^(Unf|F)old$")).click()


def press_the_knob(page: Page) -> None:
    page.locator('g.knob[data-run="layer3.1"]').click()


@pytest.mark.parametrize("fold", [press_f, press_the_graphs_button, press_the_pages_button, press_the_knob])
def test_a_run_opens_and_folds_and_what_stands_there_stays(graph, fold):
    page = graph("network=resnet152&layer=layer3.1.conv2", "layer3.1.conv2")
    before = still(node(page, "layer3.1.conv2"))
    view(page).focus()
    fold(page)
    expect(node(page, "layer3.20.conv1")).to_be_attached()
    assert still(node(page, "layer3.1.conv2")) == pytest.approx(before, abs=2 * NEAR)
    if fold is press_f:
        expect(view(page)).to_be_focused()
    fold(page)
    expect(node(page, "layer3.20.conv1")).not_to_be_attached()
    assert still(node(page, "layer3.1.conv2")) == pytest.approx(before, abs=2 * NEAR)
    lit(page, "layer3.1.conv2")


def test_a_tip_tells_shapes_parameters_and_macs(graph):
    page = graph("network=resnet18")
    node(page, "conv1").hover()
    tip = page.locator(".frame .tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("3 × 224 × 224 → 64 × 112 × 112")
    expect(tip).to_contain_text("9,536 parameters")
    expect(tip).to_contain_text("118,013,952 MACs")
    page.keyboard.press("Escape")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    assert page.locator("g.node title").count() == 0, "the browser would show a second tip"


def test_two_fingers_zoom(app_url, browser):
    tab = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    tab.goto(f"{app_url}/?network=vgg16")
    lit(tab, "features.0")
    view(tab).scroll_into_view_if_needed()
    before, (x, y) = width(node(tab, "features.0")), middle(view(tab))
    touch = tab.context.new_cdp_session(tab)
    for kind, apart in (("Start", 40), ("Move", 50), ("Move", 80)):
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.wait_for_timeout(100)
    assert width(node(tab, "features.0")) == pytest.approx(2 * before, rel=0.15)
    assert tab.evaluate("visualViewport.scale") == 1
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.close()


@pytest.mark.parametrize("network", ["vgg16", "googlenet"])
def test_a_phone_reads_it_and_its_page_keeps_its_width(app_url, browser, network):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(f"{app_url}/?network={network}")
    expect(tab.locator("g.node.lit")).to_be_visible()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    size = tab.locator("g.node.lit text").first.evaluate("text => text.getBoundingClientRect().height")
    assert size >= 9
    for button in tab.get_by_role("toolbar", name="View of the graph").get_by_role("button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 32
    tab.close()


def test_dark_pages_have_dark_nodes_with_light_words(app_url, browser):
    tab = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="dark")
    tab.goto(f"{app_url}/?network=resnet18")
    lit(tab, "conv1")
    colour = "(part, name) => getComputedStyle(part)[name].match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 3"
    assert node(tab, "maxpool").locator("polygon").first.evaluate(colour, "fill") < 90
    assert node(tab, "maxpool").locator("tspan").first.evaluate(colour, "fill") > 180
    tab.close()


def test_a_narrower_window_keeps_what_one_looks_at(graph):
    page = graph("network=resnet152&layer=layer3.1.conv2", "layer3.1.conv2")
    page.set_viewport_size({"width": 1000, "height": 720})
    page.wait_for_timeout(400)
    frame, (_, y) = view(page).bounding_box(), middle(node(page, "layer3.1.conv2"))
    assert frame["y"] < y < frame["y"] + frame["height"]


def board(page: Page) -> Locator:
    return page.locator(".frame .tensor")


def test_a_pass_lights_layer_after_layer_and_where_it_rests_is_picked(graph):
    page = graph("network=lenet5")
    shapes = {"input": "1 × 32 × 32", "conv1": "6 × 28 × 28", "pool1": "6 × 14 × 14", "conv2": "16 × 10 × 10"}
    expect(board(page)).to_be_hidden()
    page.get_by_role("button", name="Play the forward pass").click()
    for path, shape in shapes.items():
        lit(page, path)
        expect(board(page)).to_contain_text(shape)
        expect(board(page)).to_contain_text(path)
        expect(page.locator(".frame .said")).to_contain_text(f"{path}, ")
    assert "layer=" not in page.url, "no step goes to the server"
    page.get_by_role("button", name="Pause the forward pass").click()
    settled(page, r"layer=(conv2|pool2)")
    expect(board(page)).to_be_visible()
    reached = page.locator("g.node.lit").get_attribute("id")
    assert f"layer={reached}" in page.url
    page.wait_for_timeout(1300)
    lit(page, reached)


def test_a_pass_goes_by_key_to_its_end_and_stops_by_escape(graph):
    page = graph("network=lenet5&layer=fc1", "fc1")
    view(page).focus()
    page.keyboard.press(" ")
    lit(page, "conv1")
    page.keyboard.press("ArrowDown")  # pauses, and steps
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(1300)
    assert page.locator("g.node.lit").get_attribute("id") in ("conv2", "pool2")
    page.keyboard.press("End")
    lit(page, "output")
    settled(page, "layer=output")
    page.keyboard.press("Home")
    page.keyboard.press(" ")  # goes on from there, a node a second, of which a slow machine may miss some
    expect(page.locator("g.node.lit")).to_have_id(re.compile("pool1|conv2|pool2|conv3|fc1"))
    page.keyboard.press("Escape")
    expect(board(page)).to_be_hidden()
    settled(page, "layer=(pool1|conv2|pool2|conv3|fc1|softmax|output)")
    expect(page.get_by_role("button", name="Play the forward pass")).to_be_visible()
    page.keyboard.press(" ")
    lit(page, "output")
    settled(page, "layer=output")
    expect(board(page)).to_contain_text("10")
    expect(page.get_by_role("button", name="Play the forward pass")).to_be_visible()
    node(page, "conv1").click()
    expect(board(page)).to_be_hidden()


def test_a_folded_run_is_one_step_of_a_pass(graph):
    page = graph("network=resnet18")
    view(page).focus()
    page.keyboard.press(" ")
    for path in ("input", "conv1", "maxpool", "layer1.0.add", "layer2.0.conv1"):
        lit(page, path)
        if path == "layer1.0.add":
            expect(board(page)).to_contain_text("layer1.0 to layer1.1 · ×2")
    page.keyboard.press("Escape")


def test_a_pass_draws_wide_tensors_wide_and_vectors_as_bars(graph):
    page = graph("network=lenet5")
    face = "path => { const box = path.getBBox(); return [box.width, box.height] }"
    view(page).focus()
    page.keyboard.press(" ")
    sizes = {}
    for path in ("input", "conv1", "pool1"):
        lit(page, path)
        page.wait_for_timeout(650)
        sizes[path] = board(page).locator("path").first.evaluate(face)
    page.keyboard.press(" ")
    assert sizes["input"][0] > sizes["conv1"][0] > sizes["pool1"][0]
    assert sizes["input"][0] == pytest.approx(sizes["input"][1])
    page.keyboard.press("End")
    page.wait_for_timeout(650)
    width, height = board(page).locator("path").first.evaluate(face)
    assert width > 2 * height


def test_a_pass_tells_no_shape_that_is_to_be_guessed(graph):
    page = graph("network=lenet5&expect=true")
    view(page).focus()
    page.keyboard.press(" ")
    lit(page, "conv1")
    expect(board(page)).to_contain_text("conv1")
    expect(board(page)).not_to_contain_text("28")
    expect(board(page).locator("svg")).to_be_hidden()
