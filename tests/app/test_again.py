"""A connection that broke and came back: the page is sent again, as long as it would be the same."""

import io
import re

import numpy as np
import pytest
from explorer import node, selected
from PIL import Image
from playwright.sync_api import Page as Tab
from playwright.sync_api import WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from visitor import Visitor, serving

from app.again import Large, Page

FULL, PART, EARLY = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
    ForwardMsg.FINISHED_EARLY_FOR_RERUN,
)


# --- what a page shows -----------------------------------------------------------


def begin(*fragments: str) -> ForwardMsg:
    message = ForwardMsg()
    message.new_session.name = "page"
    message.metadata.run.fragment_ids.extend(fragments)
    return message


def finish(how: int = FULL) -> ForwardMsg:
    return ForwardMsg(script_finished=how)


def block(*place: int, of: str = "") -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend(place)
    message.delta.add_block.allow_empty = True
    message.delta.fragment_id = of
    return message


def text(words: str, *place: int, of: str = "", large: bool = False) -> ForwardMsg:
    message = ForwardMsg(hash=words)
    message.metadata.delta_path.extend(place)
    message.metadata.cacheable = large
    message.delta.new_element.markdown.body = words
    message.delta.fragment_id = of
    return message


def shown(page: Page, *known: str) -> list[str] | None:
    found = page.messages(frozenset(known))
    if found is None:
        return None
    return [message.ref_hash or message.delta.new_element.markdown.body for message in found]


def noted(*messages: ForwardMsg, large: Large | None = None) -> Page:
    page = Page(large or Large())
    for message in messages:
        page.note(message)
    return page


def test_a_fragments_run_replaces_what_was_in_it_and_nothing_else():
    whole = [begin(), text("above", 0, 0), block(0, 1, of="f"), text("one", 0, 1, 0, of="f")]
    whole += [block(0, 1, 1, of="g"), text("inner", 0, 1, 1, 0, of="g"), text("below", 0, 2), finish()]
    assert shown(noted(*whole)) == ["above", "", "one", "", "inner", "below"]
    again = [begin("f"), block(0, 1, of="f"), text("two", 0, 1, 0, of="f"), finish(PART)]
    assert shown(noted(*whole, *again)) == ["above", "", "two", "below"], "what is nested in it goes with it"
    within = [begin("g"), block(0, 1, 1, of="g"), text("other", 0, 1, 1, 0, of="g"), finish(PART)]
    assert shown(noted(*whole, *within)) == ["above", "", "one", "", "other", "below"]


def test_the_next_page_leaves_nothing_of_the_last():
    assert shown(noted(begin(), text("old", 0, 5), finish(), begin(), text("new", 0, 0), finish())) == ["new"]


def test_an_element_in_the_place_of_a_container_takes_all_of_it():
    page = noted(begin(), block(0, 0), text("early", 0, 0, 0), text("gone", 0, 0), text("after", 0, 1), finish())
    assert shown(page) == ["gone", "after"]


def test_what_is_not_all_of_a_page_is_not_sent():
    assert shown(noted(begin(), text("half", 0, 0))) is None
    assert shown(noted(begin(), text("half", 0, 0), finish(EARLY))) is None
    broken = [begin(), block(0, 0, of="f"), finish(), begin("f"), finish(EARLY)]
    assert shown(noted(*broken)) is None
    assert shown(noted(*broken, begin("f"), block(0, 0, of="f"), finish(PART))) is None, "some of it had been lost"
    moving = ForwardMsg()
    moving.auto_rerun.interval = 1
    assert shown(noted(begin(), text("a clock", 0, 0), moving, finish())) is None
    assert shown(Page()) is None


def test_larger_messages_are_kept_once_for_all_pages_and_within_bounds():
    large = Large(most=2 * text("x" * 99, 0, 0, large=True).ByteSize())
    one, other = (noted(begin(), text("x" * 99, 0, 0, large=True), finish(), large=large) for _ in range(2))
    assert shown(one) == shown(other) == ["x" * 99]
    assert shown(one, "x" * 99) == ["x" * 99], "by its hash, which a browser that has it asks for"
    assert one.messages(frozenset(["x" * 99]))[0].WhichOneof("type") == "ref_hash"
    referred = ForwardMsg(ref_hash="x" * 99)
    referred.metadata.delta_path.extend((0, 0))
    assert shown(noted(begin(), referred, finish(), large=large)) == ["x" * 99]
    noted(begin(), *(text(letter * 99, 0, at, large=True) for at, letter in enumerate("yz")), finish(), large=large)
    assert shown(one) is None, "others took its room"


def test_what_is_the_same_elsewhere_is_sent_to_its_own_place():
    large = Large()
    noted(begin(), text("maps", 0, 3, large=True), finish(), large=large)
    page = noted(begin(), text("above", 0, 3), text("maps", 0, 4, large=True), finish(), large=large)
    assert [list(message.metadata.delta_path) for message in page.messages(frozenset())] == [[0, 3], [0, 4]]
    assert [list(message.metadata.delta_path) for message in page.messages(frozenset(["maps"]))] == [[0, 3], [0, 4]]


# --- a running app ---------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("log") / "log") as server:
        with Visitor(server) as first:
            first.run()  # loads torch
        yield server


def back(visitor: Visitor) -> Visitor:
    """The same tab on a new connection."""
    return Visitor(visitor.server, visitor.query, subprotocols=["streamlit", "none", visitor.session])


def made(visitor: Visitor) -> set[str]:
    """What tells a page that was made anew: the numbers of its files."""
    return {button.deferred_file_id for button in visitor.of("download_button")}


def control(visitor: Visitor, key: str) -> str:
    return next(shown.id for _, shown in visitor.elements.values() if getattr(shown, "id", "").endswith(f"-{key}"))


def test_a_tab_comes_back_to_its_page(server):
    with Visitor(server, "again=1") as visitor:
        before = dict(visitor.run().elements)
        files, views, maps = made(visitor), control(visitor, "selection"), control(visitor, "maps")
        visitor.event(views, "pick", "layer2.0.conv1")
        visitor.event(maps, "pick", 5)
        assert "channel=5" in visitor.query
        drawn = dict(visitor.elements)
    with back(visitor) as again:
        again.run()
        assert again.session == visitor.session
        assert made(again) == files, "it wasn't made anew"
        assert drawn.items() <= again.elements.items()
        assert len(again.elements) >= len(before)
        again.fragments |= visitor.fragments
        again.event(views, "pick", "layer1.0.conv2")
        assert "layer=layer1.0.conv2" in again.query


def test_what_has_changed_meanwhile_is_made_anew(server):
    with Visitor(server, "again=2") as visitor:
        visitor.run()
        files, across = made(visitor), control(visitor, "across")
    visitor.query = "again=2&across=true"
    with back(visitor) as again:  # a click that went as the connection did
        again.run(WidgetState(id=across, bool_value=True))
        assert made(again)
        assert not made(again) & files
        files = made(again)
    with back(again) as same:
        same.run(WidgetState(id=across, bool_value=True))
        assert made(same) == files
    same.query += "&layer=layer3.0.conv1"
    with back(same) as elsewhere:
        assert not made(elsewhere.run()) & files
    with back(elsewhere) as other:
        other.run(page="kernels")
        assert any("Kernel replication" in heading.body for heading in other.of("heading"))


def test_a_picture_is_still_there_for_all_who_come_back(server):
    data = io.BytesIO()
    Image.fromarray(np.arange(48 * 48 * 3, dtype=np.uint8).reshape(48, 48, 3)).save(data, "PNG")
    visitors = [Visitor(server, "network=lenet5&from=file") for _ in range(140)]  # Streamlit itself would keep 128
    first = visitors[0]
    for visitor in visitors:
        visitor.run()
    status, file = first.upload(data.getvalue(), "mine.png")
    assert status == 204
    state = WidgetState(id=control(first, "upload"))
    info = state.file_uploader_state_value.uploaded_file_info.add(file_id=file, name="mine.png", size=1)
    info.file_urls.file_id = file
    assert any("mine.png" in said.body for said in first.run(state).of("markdown"))
    for visitor in visitors:
        visitor.__exit__()
    with back(first) as again:
        again.run(state)
        assert any("mine.png" in said.body for said in again.of("markdown"))


@pytest.mark.browser
def test_a_browser_comes_back_to_its_page(app_url, page: Tab):
    connections: list[WebSocketRoute] = []
    files: set[str] = set()

    def connect(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        connections.append(socket)

        def pass_on(data: str | bytes) -> None:
            files.add(ForwardMsg.FromString(data).delta.new_element.download_button.deferred_file_id)
            socket.send(data)

        server.on_message(pass_on)

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    page.goto(f"{app_url}/?network=resnet20")
    page.get_by_role("tab", name="Its numbers").click()
    page.wait_for_load_state("networkidle")
    node(page, "layer1.0.conv1").click()
    selected(page, "layer1.0.conv1", "conv 3×3, pad 1 · 16 × 32 × 32")
    expect(page).to_have_url(re.compile(r"layer=layer1\.0\.conv1"))  # Python, too, has done with the pick
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    before = set(files)
    connections[0].close()
    page.wait_for_timeout(100)
    expect(page.locator("[data-testid=stApp][data-test-connection-state=CONNECTED]")).to_be_attached()
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    assert len(connections) == 2
    assert files == before, "the page was sent again, not made anew"
    selected(page, "layer1.0.conv1", "conv 3×3, pad 1 · 16 × 32 × 32")
    node(page, "layer1.0.conv2").click()
    selected(page, "layer1.0.conv2", "conv 3×3, pad 1 · 16 × 32 × 32")
