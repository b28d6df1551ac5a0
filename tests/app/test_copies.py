"""A page that is copied: it is that of the first who opened the link, and from there on a page of its own."""

import time
from types import SimpleNamespace

import pytest
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from visitor import Server, Visitor, serving

from app import copies
from app.copies import Copies


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("log") / "log") as server:
        with Visitor(server) as first:
            first.run()  # loads torch, and isn't copied
        yield server


def downloads(visitor: Visitor) -> list[str]:
    """The files that its buttons give; each page that is made has its own."""
    return [button.deferred_file_id for button in visitor.of("download_button")]


def seen(visitor: Visitor) -> dict[str, object]:
    """All that a page has, but for the numbers of its files."""
    for button in visitor.of("download_button"):
        button.ClearField("deferred_file_id")
    return dict(visitor.elements)


def control(server: Server, key: str) -> str:
    """The identity of a control of the first page."""
    with Visitor(server) as visitor:
        visitor.run()
        return next(shown.id for _, shown in visitor.elements.values() if getattr(shown, "id", "").endswith(f"-{key}"))


@pytest.mark.parametrize("page", ["", "kernels", "compare", "lenet"])
def test_who_opens_a_link_a_moment_later_gets_a_copy(server, page):
    with Visitor(server) as first, Visitor(server) as second, Visitor(server, "x=1") as other:
        for visitor in (first, second, other):
            visitor.run(page=page)
        assert downloads(second) == downloads(first)
        assert not set(downloads(first)) & set(downloads(other)), "another link is made anew"
        assert seen(second) == seen(first) == seen(other)


def test_a_copy_goes_on_by_itself_as_a_page_that_was_made(server):
    views, maps, network = (control(server, key) for key in ("selection", "maps", "network"))
    with Visitor(server) as first, Visitor(server) as copied, Visitor(server, "y=1") as made:
        for visitor in (first, copied, made):
            visitor.run()
        assert downloads(first) == downloads(copied) != downloads(made)

        for visitor in (copied, made):  # events of components, in fragments
            visitor.event(views, "pick", "layer2.0.conv1")
        assert "layer=layer2.0.conv1" in copied.query
        assert seen(copied) == seen(made)
        for visitor in (copied, made):
            visitor.event(maps, "pick", 7)
        assert "channel=7" in copied.query
        assert seen(copied) == seen(made)

        first.event(views, "pick", "layer1.0.conv2")
        assert first.query == "layer=layer1.0.conv2", "whose page was copied knows nothing of what others pick"
        assert "layer2.0.conv1" in copied.query

        for visitor in (copied, made):  # a control of Streamlit's, whose callback lets layer and channel go
            visitor.run(WidgetState(id=network, string_value="lenet5"))
        assert "channel" not in copied.query
        assert seen(copied) == seen(made)
        assert any("LeNet-5" in text.body for text in copied.of("markdown"))
        first.run()
        assert any("ResNet-18" in text.body for text in first.of("markdown"))


def test_the_files_of_a_copy_stay_when_the_first_has_left_and_its_page_is_forgotten(server):
    with Visitor(server, "z=1") as first:
        first.run()
    with Visitor(server, "z=1") as copied:
        copied.run()
        files = downloads(copied)
        assert files == downloads(first)
        for number in range(copies.MOST):
            with Visitor(server, f"z=1&other={number}") as other:
                other.run()
        ask = BackMsg()
        ask.backend_operation_request.session_id = copied.session
        ask.backend_operation_request.request_id = "its CSV"
        ask.backend_operation_request.deferred_file.file_id = files[0]
        copied.send(ask)
        answer = ForwardMsg()
        while not answer.HasField("backend_operation_response"):
            answer = ForwardMsg.FromString(copied.socket.recv(timeout=30))
        answer = answer.backend_operation_response
        assert not answer.error_msg
        status, _, data = server.ask("GET", answer.deferred_file.url)
        assert status == 200
        assert data.startswith(b"name,")


def test_who_has_been_here_before_gets_a_page_of_ones_own(server):
    across = control(server, "across")
    with Visitor(server) as first, Visitor(server) as back:
        first.run()
        back.run(WidgetState(id=across, bool_value=True))
        assert not set(downloads(first)) & set(downloads(back))
        graph = next(shown for shown in back.of("bidi_component") if shown.id.endswith("-graph"))
        assert '"LR"' in graph.json


def test_what_passes_or_failed_is_not_for_others():
    error, warning, spinner, cleared, again = (ForwardMsg() for _ in range(5))
    error.delta.new_element.alert.format = Alert.ERROR
    warning.delta.new_element.alert.format = Alert.WARNING
    spinner.delta.new_transient.elements.add().spinner.text = "Running …"
    cleared.delta.new_transient.SetInParent()
    again.auto_rerun.interval = 1
    assert [copies._lasts(one) for one in (error, warning, spinner, cleared, again)] == [
        False,
        True,
        False,
        True,
        False,
    ]


@pytest.fixture
def visits(monkeypatch):
    """Has a page drawn for who opens a link; what is drawn, and what is given."""
    found = []

    def by(run: object, messages: object) -> object:
        give = lambda run: found.append(f"copy of {link[0]}")  # noqa: E731
        return SimpleNamespace(since=time.monotonic(), give=give, forget=lambda: found.append("forgotten"))

    link = [""]
    monkeypatch.setattr(copies, "get_script_run_ctx", lambda: SimpleNamespace(_enqueue=None))
    monkeypatch.setattr(copies, "_link", lambda _: link[0])
    monkeypatch.setattr(copies, "_Made", SimpleNamespace(by=by))
    monkeypatch.setattr(copies.runtime, "exists", lambda: True)

    def visit(pages: Copies, opened: str) -> list[str]:
        link[0] = opened
        found.clear()
        pages.draw(lambda: found.append(opened))
        return list(found)

    return visit


def test_a_page_is_copied_for_some_seconds_and_the_oldest_gives_way(visits):
    pages = Copies(seconds=60, most=2)
    assert [visits(pages, link) for link in "abab"] == [["a"], ["b"], ["copy of a"], ["copy of b"]]
    assert visits(pages, "c") == ["c", "forgotten"]
    assert visits(pages, "a") == ["a", "forgotten"]
    assert visits(pages, "c") == ["copy of c"]
    pages = Copies(seconds=0)
    assert [visits(pages, "a") for _ in "aa"] == [["a"], ["a", "forgotten"]]
