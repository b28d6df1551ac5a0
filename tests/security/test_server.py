"""The app as a server that strangers reach: what one of them does is refused, or nothing to the others."""

import contextlib
import io
import os
import re
import socket

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from visitor import Server, Visitor, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus

MARK = "Zwiebelfisch"  # whatever a visitor calls his own; nowhere else to be found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder):
    git = folder / "git"  # is what the server finds by that name
    git.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n')
    git.chmod(0o700)
    with serving(folder / "log", PATH=f"{folder}:{os.environ['PATH']}") as found:
        with Visitor(found) as first:
            first.run()
        yield found


def still_fine(server: Server) -> None:
    """Somebody else sees a page, and nothing of it all."""
    with Visitor(server, "network=lenet5") as other:
        assert other.run().said == []
        assert len(other.of("metric")) == 4
    assert server.process.poll() is None


def picture(name: str = "PNG") -> bytes:
    Image.new("RGB", (40, 30), "red").save(file := io.BytesIO(), name)
    return file.getvalue()


# --- who may talk to it -------------------------------------------------------------


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1.evil.example", "null", "file://"])
def test_a_page_from_elsewhere_gets_no_session(server, origin):
    with pytest.raises(InvalidStatus) as refused:
        Visitor(server, additional_headers={"Origin": origin})
    assert refused.value.response.status_code == 403
    assert "external IP" not in server.log, "nobody on the Internet was asked for an address meanwhile"
    with Visitor(server, additional_headers={"Origin": f"http://127.0.0.1:{server.port}"}) as own:
        own.run()


def test_answers_are_for_pages_of_its_own(server):
    for path in ("/_stcore/health", "/_stcore/metrics", "/_stcore/host-config", "/answers/cost", "/"):
        headers = server.ask("GET", path, Origin="http://evil.example")[1]
        assert "access-control-allow-origin" not in headers, path


def test_without_its_token_nothing_is_sent_and_nothing_is_deleted(server):
    with Visitor(server, "from=file") as visitor:
        visitor.run()
        assert visitor.upload(picture(), "a.png", X_Xsrftoken="")[0] == 403
        assert visitor.upload(picture(), "a.png", Cookie="a=b")[0] == 403
        assert visitor.upload(picture(), "a.png", X_Xsrftoken=server.token())[0] == 403, "another's token"
        status, file = visitor.upload(picture(), "a.png")
        assert status == 204
        path = f"/_stcore/upload_file/{visitor.session}/{file}"
        assert server.ask("DELETE", path)[0] == 403
    visitor.session = "00000000-0000-0000-0000-000000000000"
    assert visitor.upload(picture(), "a.png")[0] == 400, "nobody's session"


@pytest.mark.parametrize("path", ["interact", "mcp", "openapi.json"])
def test_no_program_is_let_in_beside_the_pages(server, path):
    assert server.ask("POST", f"/_stcore/agent/{path}", b"{}", Content_Type="application/json")[0] >= 400


# --- files --------------------------------------------------------------------------


@pytest.mark.parametrize("up", ["..", "%2e%2e", "..%2f..", "%252e%252e", "..%5c..", "....//", "%c0%ae%c0%ae", "/"])
@pytest.mark.parametrize("place", ["app/static", "static", "media", "component/x", "_stcore/bidi-components/x"])
def test_no_path_leads_to_other_files(server, place, up):
    for target in ("main.py", "etc/passwd", ".streamlit/config.toml", "../../../../etc/passwd"):
        status, headers, body = server.ask("GET", f"/{place}/{up}/{target}")
        assert status in (307, 400, 403, 404) or headers["content-type"].startswith("text/html"), "the page itself"
        for secret in (b"set_page_config", b"root:", b"maxUploadSize"):
            assert secret not in body


def test_its_own_file_is_there(server):
    status, headers, body = server.ask("GET", "/app/static/math.woff2")
    assert (status, body[:4]) == (200, b"wOF2")
    assert headers["x-content-type-options"] == "nosniff"


def test_what_is_too_large_is_refused_before_or_while_it_comes(server):
    with Visitor(server, "from=file") as visitor:
        visitor.run()
        path, token = f"/_stcore/upload_file/{visitor.session}/x", server.token()
        known = {
            "Cookie": f"_streamlit_xsrf={token}",
            "X_Xsrftoken": token,
            "Content_Type": "multipart/form-data; boundary=x",
        }
        assert server.ask("PUT", path, b"", **known, Content_Length=str(10**12))[0] == 413
        head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
        chunks = (head if number == 0 else bytes(2**20) for number in range(120))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it doesn't listen to the end
            assert server.ask("PUT", path, chunks, **known)[0] == 413
    assert server.metrics().get('cache_memory_bytes{cache_type="UploadedFileManager",cache=""}', 0) < 2**20
    still_fine(server)


def test_uploads_that_never_end_are_in_nobodys_way(server):
    parked = []
    with Visitor(server, "from=file") as visitor:
        visitor.run()
        token = server.token()
        for number in range(40):
            parked.append(socket.create_connection(("127.0.0.1", server.port)))
            parked[-1].sendall(
                f"PUT /_stcore/upload_file/{visitor.session}/{number} HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n"
                f"Cookie: _streamlit_xsrf={token}\r\nX-Xsrftoken: {token}\r\n"
                f"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode()
            )
        still_fine(server)
        assert visitor.upload(picture(), "a.png")[0] == 204
    for connection in parked:
        connection.close()


def shown(visitor: Visitor) -> str:
    return " ".join([*visitor.said, *(element.body for element in visitor.of("markdown"))])


def bring(visitor: Visitor, widget: str, data: bytes, name: str) -> WidgetState:
    """Upload a file into a widget; gives the state that a browser repeats from then on."""
    status, file = visitor.upload(data, name)
    assert status == 204
    state = WidgetState(id=widget)
    found = state.file_uploader_state_value.uploaded_file_info.add()
    found.file_id, found.name, found.size = file, name, len(data)
    visitor.run(state)
    assert not visitor.of("exception")
    return state


def test_whose_file_had_to_go_keeps_the_picture(server):
    with Visitor(server, "network=lenet5&from=file") as visitor:
        visitor.run()
        upload, own_weights = (element.id for element in visitor.of("file_uploader"))
        states = [bring(visitor, upload, picture(), "mine.png"), bring(visitor, own_weights, b"rubbish", "mine.pt")]
        for state in states:
            token, [info] = server.token(), state.file_uploader_state_value.uploaded_file_info
            path = f"/_stcore/upload_file/{visitor.session}/{info.file_id}"
            assert server.ask("DELETE", path, Cookie=f"_streamlit_xsrf={token}", X_Xsrftoken=token)[0] == 204
        visitor.run(*states)
        assert not visitor.of("exception")
        assert "Seen is mine.png." in shown(visitor)


# --- messages -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "code"),
    [(b"\xff" * 100, 1002), (os.urandom(5_000), 1002), (bytes(5 * 2**20), 1009), ("text", None)],
    ids=["rubbish", "chance", "too much", "text"],
)
def test_a_rubbish_frame_ends_its_own_connection_alone(server, frame, code):
    with Visitor(server, "network=lenet5") as other, Visitor(server) as visitor:
        other.run()
        visitor.run()
        visitor.socket.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            visitor.seen(20)
        assert code is None or closed.value.rcvd.code == code
        assert "Traceback" not in str(closed.value)
        assert other.run().said == []


def test_messages_that_make_no_sense_are_no_ones_trouble(server):
    with Visitor(server, "network=lenet5") as visitor:
        visitor.run()
        visitor.send(BackMsg())
        visitor.send(BackMsg(debug_disconnect_websocket=True))
        visitor.send(BackMsg(debug_shutdown_runtime=True))
        visitor.send(BackMsg(stop_script=True))
        message = BackMsg()
        message.rerun_script.fragment_id = "no such fragment"
        message.rerun_script.page_script_hash = "../../etc/passwd"
        message.rerun_script.query_string = "%ff%00&&&===&network=%F0%9F&size[]=1;--"
        visitor.send(message)
        visitor.run(
            WidgetState(id="$$ID-0-network", string_value="x" * 100_000), WidgetState(id="$$ID-0-None", int_value=2**62)
        )
        assert not visitor.of("exception")
        assert len(visitor.of("metric")) == 4
    still_fine(server)


@pytest.mark.parametrize("value", ["[[]]", '{"a":' * 10_000, "null", '{"pick": {"layer": [1]}, "at": "x"}'])
def test_who_sends_nonsense_may_lose_a_page_but_learns_nothing(server, value):
    with Visitor(server, "network=lenet5") as visitor:
        visitor.run()
        known = [element.id for kind in ("number_input", "bidi_component") for element in visitor.of(kind)]
        visitor.run(*(WidgetState(id=number, json_value=value) for number in [*known, "nobody's"]))
        for box in visitor.of("exception"):
            assert not box.stack_trace
            assert "redacted" in box.message
    still_fine(server)


@pytest.mark.parametrize("size", ["1e400", "-inf", "nan", "9" * 400])
def test_a_number_in_the_link_that_is_none_gives_a_page(server, size):
    with Visitor(server, f"network=lenet5&size={size}&kernel={size}&zoom={size}") as visitor:
        visitor.run()
        if not visitor.of("metric"):  # it goes there once more
            visitor.seen()
        assert not visitor.of("exception")
        assert len(visitor.of("metric")) == 4


def misses(server: Server) -> float:
    return sum(
        value for name, value in server.metrics().items() if name.startswith("cache_lookups") and '"miss"' in name
    )


def test_nobody_empties_the_caches_of_all(server):
    with Visitor(server, "network=vgg11") as one, Visitor(server, "network=vgg11") as other:
        one.run()
        other.run()
        before = misses(server)
        one.send(BackMsg(clear_cache=True))
        one.run()
        other.run()
        assert misses(server) == before


def test_nobody_has_git_asked_while_all_wait(server, folder):
    with Visitor(server) as visitor:
        visitor.run()
        visitor.send(BackMsg(load_git_info=True))
        visitor.run()
    assert not (folder / "asked").exists()


# --- what it keeps and tells -----------------------------------------------------------


def test_its_log_has_neither_names_nor_pictures_nor_links_of_visitors(server):
    weights = save({f"{MARK}.weight": np.zeros(3, np.float32)})
    with Visitor(server, f"network=lenet5&from=file&layer={MARK}&image={MARK}&{MARK}={MARK}") as visitor:
        visitor.run()
        assert any(MARK in text for text in visitor.said), "the layer that isn't there"
        upload, own_weights = (element.id for element in visitor.of("file_uploader"))
        for widget, name, data in (
            (upload, f"{MARK}.png", picture()),
            (upload, f"{MARK}-broken.png", picture()[:60]),
            (own_weights, f"{MARK}.safetensors", weights),
            (own_weights, f"{MARK}.pt", b"rubbish"),
        ):
            bring(visitor, widget, data, name)
            assert name in shown(visitor), "it has arrived"
        server.ask("GET", f"/{MARK}?{MARK}", Cookie=f"{MARK}=1", User_Agent=MARK)
        server.ask("GET", f"/media/{MARK}")
    assert MARK not in server.log
    assert visitor.session not in server.log


def test_it_tells_how_busy_it_is_and_nothing_of_anybody(server):
    with Visitor(server, "network=lenet5") as visitor:
        visitor.run()
        status, headers, body = server.ask("GET", "/_stcore/metrics")
        assert visitor.session.encode() not in body
    text = body.decode()
    assert (status, headers["content-type"]) == (200, "application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert MARK not in text
    types = dict(re.findall(r"^# TYPE (\S+) (gauge|counter|histogram)$", text, re.MULTILINE))
    units = dict(re.findall(r"^# UNIT (\S+) (\S+)$", text, re.MULTILINE))
    assert all(name.endswith(f"_{unit}") for name, unit in units.items())
    ours = [line for line in text.splitlines() if line.startswith("cnnviz_")]
    for line in ours:
        name = re.fullmatch(r'([a-z_]+)\{[a-z]+="[a-z0-9:]+"\} \d+', line)[1]
        assert types[name.removesuffix("_total")] == ("counter" if name.endswith("_total") else "gauge")
    told = server.metrics()
    assert told['cnnviz_workers{device="cpu"}'] == 1
    assert told['cnnviz_jobs_finished_total{device="cpu"}'] >= 1
    assert told['cnnviz_jobs_waiting{device="cpu"}'] == told['cnnviz_jobs_refused_total{device="cpu"}'] == 0
    assert 0 < told['cnnviz_cache_bytes{cache="maps"}'] <= told['cnnviz_cache_limit_bytes{cache="maps"}']
    assert server.ask("GET", "/_stcore/metrics?families=cnnviz_workers")[2].decode().count("\n") == 4
