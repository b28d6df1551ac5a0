"""What a lecturer does with a page, in a real browser."""

import io
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from cnnviz.addresses import own_addresses
from cnnviz.views.qr import qr_code

pytestmark = pytest.mark.browser


def read(shown: Page | Locator) -> list[str]:
    """What a phone would read there."""
    return [code.text for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(shown.screenshot())))]


def lecture(page: Page) -> None:
    page.get_by_role("button", name="Lecture").click()


@pytest.mark.parametrize("length", [20, 120, 400])
def test_a_code_says_its_text(page, length):
    text = ("http://192.168.1.5:8501/?layer=" + "layer1.0.conv1&" * 40)[:length]
    page.set_content(f"<div style='width: 500px; background: #111'>{qr_code(text)}</div>")
    assert read(page) == [text]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_the_rooms_phones_read_the_link_to_this_place(hall_url, browser, scheme, size):
    tab = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    tab.goto(f"{hall_url}/?network=lenet5&layer=conv2&channel=3")
    expect(tab.get_by_text("61,706")).to_be_visible()
    lecture(tab)
    if not own_addresses():
        expect(tab.get_by_text("this machine has no address in a network")).to_be_visible()
        return
    code = tab.get_by_role("button", name="QR code of the link")
    expect(code).to_be_visible()
    port = urlsplit(hall_url).port
    wanted = (
        f"http://{own_addresses()[0]}:{port}/?network=lenet5&size=32&layer=conv2&order=channel&scale=layer&colour=kind&across=false"
        "&classes=10&channel=3&weights=auto&from=sample&image=digit-3&zoom=1.0&expect=false"
    )
    expect(tab.locator(".share .link")).to_have_text(wanted)
    assert read(code) == [wanted]
    code.click()
    large = tab.get_by_role("dialog", name="QR code of the link")
    expect(large).to_contain_text(f"{own_addresses()[0]}:{port}")
    assert read(large) == [wanted]
    drawn = large.locator("svg").bounding_box()
    assert min(drawn["width"], drawn["height"]) > 0.85 * min(size), "as large as the screen has room for"
    tab.keyboard.press("Escape")
    expect(large).to_be_hidden()
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= size[0]
    tab.goto(wanted)
    expect(tab.get_by_text("conv2, conv 5×5, gives 16 × 10 × 10")).to_be_visible()
    expect(tab.get_by_text("Channel 3", exact=True)).to_be_visible()
    tab.close()


def test_a_link_is_copied_also_where_the_clipboard_is_not_lent(hall_url, browser):
    context = browser.new_context()
    context.add_init_script("delete Navigator.prototype.clipboard")  # as on a page from http
    tab = context.new_page()
    tab.goto(f"{hall_url}/?network=lenet5")
    expect(tab.get_by_text("61,706")).to_be_visible()
    lecture(tab)
    tab.get_by_role("button", name="Copy link").click()
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    link = tab.locator(".share .link").text_content()
    tab.keyboard.press("Escape")
    field = tab.get_by_role("combobox", name="Network")
    field.focus()
    tab.keyboard.press("Control+V")
    expect(field).to_have_value(re.compile(re.escape(link)))
    context.close()


def test_a_server_for_this_machine_alone_offers_phones_nothing(app_url, page):
    page.goto(f"{app_url}/kernels")
    lecture(page)
    expect(page.get_by_text("this server answers on this machine only")).to_be_visible()
    expect(page.locator(".share .link")).to_contain_text(re.compile(rf"{re.escape(app_url)}/kernels\?.*kernel=5"))
    expect(page.get_by_role("button", name="QR code of the link")).to_be_hidden()


def type_of(page: Page) -> tuple[float, float, float]:
    """Heights of type in pixels: of the root, on a node, and of a row of the table."""
    root = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
    node = page.locator("g.node.lit text").first.evaluate("text => text.getBoundingClientRect().height")
    return root, node, page.get_by_role("grid", name="Table of layers").bounding_box()["height"]


def test_projector_mode_holds_everywhere_and_goes_without_a_trace(app_url, page):
    page.goto(f"{app_url}/?network=resnet18")
    expect(page.get_by_role("img", name="64 feature maps of conv1")).to_be_visible()
    before = type_of(page)
    lecture(page)
    switch = page.get_by_text("Projector", exact=True)
    switch.click()
    expect(page).to_have_url(re.compile("projector=true"))
    expect(page.get_by_role("grid", name="Table of layers")).to_have_css("height", "375px")
    expect(page.locator(".frame.projector g.node.lit")).to_be_visible()
    after = type_of(page)
    assert after[0] == 20
    assert after[1] > 1.2 * before[1]
    page.reload()
    expect(page.locator("html")).to_have_css("font-size", "20px")
    page.get_by_role("link", name="Kernels").click()
    expect(page.get_by_text("Kernel replication")).to_be_visible()
    expect(page).to_have_url(re.compile("kernels.*projector=true"))
    page.reload()
    expect(page.locator("html")).to_have_css("font-size", "20px")
    page.get_by_role("link", name="Explore").click()
    expect(page).to_have_url(re.compile("projector=true"))
    expect(page.locator("g.node.lit")).to_be_visible()
    lecture(page)
    switch.click()
    expect(page).not_to_have_url(re.compile("projector"))
    expect(page.locator("html")).to_have_css("font-size", "16px")
    expect(page.get_by_role("grid", name="Table of layers")).to_have_css("height", "300px")
    expect(page.locator(".frame:not(.projector) g.node.lit")).to_be_visible()
    assert type_of(page) == pytest.approx(before)


@pytest.mark.parametrize("query", ["network=vgg16&layer=features.5&channel=4", "network=googlenet", "network=lenet5"])
def test_in_projector_mode_no_word_is_cut_off(app_url, page, query):
    page.goto(f"{app_url}/?projector=true&{query}")
    expect(page.locator("html")).to_have_css("font-size", "20px")
    expect(page.get_by_role("grid", name="Table of layers")).to_have_css("height", "375px")
    expect(
        page.get_by_text("Click a channel to enlarge it").last
    ).to_be_visible()  # the first page's may still be there
    cut = page.evaluate(
        """() => [...document.querySelectorAll("[data-testid=stMain] :is(button, label, p, [data-testid=stMetric] *)")]
          .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible")
          .map(e => e.textContent)"""
    )
    assert not cut
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 1280


def test_hidden_numbers_are_not_in_the_page(app_url, page):
    page.goto(f"{app_url}/?network=lenet5&expect=true")
    expect(page.locator("g.node.lit")).to_be_visible()
    expect(page.get_by_text("Click a channel to enlarge it")).to_be_visible()
    graph = page.get_by_role("listbox", name="Layer graph")
    page.get_by_role("tab", name="Its numbers").click()
    for told in ("61,706", "6 × 28 × 28", "122,304"):
        expect(graph).not_to_contain_text(told)
        assert told not in page.content()
    page.get_by_role("button", name="Show", exact=False).filter(has_text="Show").nth(1).click()
    expect(graph).to_contain_text("6 × 28 × 28")
    expect(page.get_by_text("61,706")).to_be_hidden()


@pytest.mark.parametrize(
    ("path", "sheets"),
    [
        *(("kernels", 1), ("shortcuts?point=Gradients", 1), ("shortcuts?point=Cut", 1)),
        *(("printed?network=googlenet", 2), ("compare", 1)),
    ],
)
def test_a_page_prints_in_its_whole_length_and_without_buttons(app_url, page: Page, path, sheets):
    page.goto(f"{app_url}/{path}")
    last = page.get_by_test_id("stCaptionContainer").or_(page.locator(".answer .note")).last
    expect(last).to_be_visible()  # with which these pages end
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    expect(page.locator("header")).to_be_visible()
    content = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
    columns = page.locator(".stColumn:visible")
    side_by_side = columns.evaluate_all(
        lefts := "columns => columns.map(e => Math.sign(e.offsetLeft - columns[0].offsetLeft))"
    )
    page.emulate_media(media="print")
    expect(page.locator("header")).to_be_hidden()
    expect(page.get_by_role("button", name="Lecture")).to_be_hidden()
    # all of it, and not what the screen has shown, as soon as the charts are drawn
    page.wait_for_function("document.documentElement.scrollHeight > 720")
    whole = page.evaluate("document.documentElement.scrollHeight")
    assert whole >= 0.6 * content  # less what is left out
    assert columns.evaluate_all(lefts) == side_by_side
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".scroll").evaluate_all("all => all.every(e => e.scrollHeight <= e.clientHeight + 1)")
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", pdf)) == sheets
    assert b"/MediaBox [0 0 1020 " in pdf  # points: 3/4 of the window's 1,280 pixels, and of 40 on either side


LECTURE = (Path(__file__).parents[2] / "docs" / "lecture.md").read_text(encoding="utf-8")


def test_the_lecture_goes_from_start_to_end(app_url, page):
    """Each link of the lecture in its order: what it says is to be seen there, is, on the first screen."""
    links = re.findall(r"^\| \d+ to \d+ \| \[`([^`]+)`\]\(http://localhost:8501([^)]+)\)", LECTURE, re.MULTILINE)
    assert [shown for shown, _ in links] == [target for _, target in links]
    assert len(links) == 8

    def first_screen(*texts: str) -> None:
        for text in texts:
            found = page.get_by_text(text).first
            expect(found).to_be_visible()
            box = found.bounding_box()
            assert box["y"] + box["height"] <= 720, text

    def lenet() -> None:
        drawing = page.get_by_role("img", name="Drawing pad")
        expect(drawing).to_be_visible()
        box = drawing.bounding_box()
        assert box["y"] + box["height"] <= 720
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 5)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 4 / 5, steps=12)
        expect(page.get_by_text(re.compile("^1 is ahead by")).first).to_be_visible()
        page.mouse.up()

    def alexnet() -> None:
        page.get_by_role("tab", name="Its numbers").click()
        expect(page.get_by_text("96·3·11·11 + 96 = ?")).to_be_visible()
        page.get_by_role("tabpanel").get_by_role("button", name="Show").click()
        expect(page.get_by_text("96·3·11·11 + 96 = 34,944")).to_be_visible()
        expect(page.get_by_text("⌊(227 + 2·0 − 11)/4⌋ + 1 = 55")).to_be_visible()

    def ideas() -> None:
        first_screen("AlexNet's ideas")
        page.get_by_text("Worth", exact=True).click()
        expect(page.get_by_text("8 epochs, 3 seeds")).to_be_visible()

    def kernels() -> None:
        first_screen("28.0 %", "25", "18")
        for name, value in (("Channels in", 16), ("out", 32)):
            page.get_by_role("spinbutton", name=name, exact=True).fill(str(value))
            page.keyboard.press("Enter")
        expect(page.get_by_text("the stack has 8.0 % more weights")).to_be_visible()

    def shortcuts() -> None:
        first_screen("plain56 is worse in training, 52.0 % of errors, plain20 19.0 %", "resnet56 is better in training")
        page.get_by_text("Gradients", exact=True).click()
        expect(page.get_by_text("the residual one's neither vanishes nor explodes")).to_be_visible()

    promised = (
        lenet,
        alexnet,
        ideas,
        kernels,
        lambda: first_screen("163,696", "387,296"),
        shortcuts,
        lambda: first_screen("resnet34 has 0.8 % more parameters than plain34, and 0.53 % more MACs."),
        lambda: first_screen("13 of them lack 584,192 parameters", "6,998,552"),
    )
    for (_, target), seen in zip(links, promised, strict=True):
        page.goto(f"{app_url}{target}")
        expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
        page.wait_for_load_state("networkidle")
        seen()
