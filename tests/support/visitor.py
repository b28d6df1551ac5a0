"""A visitor of a running app without a browser: Streamlit's websocket and its uploads, as its page speaks them."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parents[2]


class Server:
    """An app that runs on this machine, for this machine alone."""

    def __init__(self, port: int, log: Path, process: subprocess.Popen) -> None:
        self.port, self._log, self.process = port, log, process

    @property
    def log(self) -> str:
        """All that it has said so far."""
        return self._log.read_text(errors="replace")

    def ask(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Its answer to a request, whose path is sent as it is: status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def token(self) -> str:
        """One for requests that change something, as a page gets it."""
        cookie = self.ask("GET", "/_stcore/health")[1]["set-cookie"]
        return cookie.partition("=")[2].partition(";")[0]

    def metrics(self) -> dict[str, float]:
        """What it tells of itself, by name and labels."""
        text = self.ask("GET", "/_stcore/metrics")[2].decode()
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@contextmanager
def serving(log: Path, **environment: str) -> Iterator[Server]:
    """The app, started as README has it, on a free port."""
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.headless=true"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, env=os.environ | environment
        ) as process,
    ):
        try:
            end = time.monotonic() + 120
            while not healthy(port):
                assert process.poll() is None, "the app ended"
                assert time.monotonic() < end, "the app didn't start"
                time.sleep(0.1)
            yield Server(port, log, process)
        finally:
            process.terminate()


def healthy(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).read()
    except OSError:
        return False
    return True


class Visitor:
    """One who has opened a page."""

    def __init__(self, server: Server, query: str = "", **handshake: object) -> None:
        self.server, self.query = server, query
        self._open = ExitStack()
        self.socket: ClientConnection = self._open.enter_context(
            connect(
                f"ws://127.0.0.1:{server.port}/_stcore/stream",
                max_size=None,
                open_timeout=60,
                **({"subprotocols": ["streamlit"]} | handshake),
            )
        )
        self.session = ""
        self.elements: dict[str, tuple[str, object]] = {}
        self.fragments: dict[str, str] = {}  # by the identity of the controls in them

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(self, message: BackMsg) -> None:
        self.socket.send(message.SerializeToString())

    def run(self, *widgets: object, page: str = "") -> "Visitor":
        """Have the page run with these widgets' states, and wait for its end."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = page
        message.rerun_script.widget_states.widgets.extend(widgets)
        self.send(message)
        return self.seen()

    def event(self, control: str, event: str, value: object) -> "Visitor":
        """Have one of our components, named by its identity, send an event to its fragment."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.fragment_id = self.fragments[control]
        widgets = message.rerun_script.widget_states.widgets
        widgets.add(id=control, json_value="{}")
        name = f"$$STREAMLIT_INTERNAL_KEY_{control}__events"
        widgets.add(id=name, json_trigger_value=json.dumps([{"event": event, "value": value}]))
        self.send(message)
        return self.seen()

    def seen(self, timeout: float = 120) -> "Visitor":
        """Take what comes until a run has ended."""
        self.elements, end = {}, time.monotonic() + timeout
        while True:
            found = ForwardMsg.FromString(self.socket.recv(timeout=max(0.1, end - time.monotonic())))
            kind = found.WhichOneof("type")
            if kind == "new_session":
                self.session = found.new_session.initialize.session_id
            elif kind == "delta" and found.delta.HasField("new_element"):
                element = found.delta.new_element
                name = element.WhichOneof("type")
                place = ",".join(map(str, found.metadata.delta_path))
                shown = getattr(element, name) if name else None
                self.elements[place] = (name, shown)
                if found.delta.fragment_id and hasattr(shown, "id"):
                    self.fragments[shown.id] = found.delta.fragment_id
            elif kind == "page_info_changed":
                self.query = found.page_info_changed.query_string
            elif kind == "script_finished":
                return self

    def of(self, kind: str) -> list[object]:
        """The page's elements of a kind."""
        return [element for name, element in self.elements.values() if name == kind]

    @property
    def said(self) -> list[str]:
        """What the page says in boxes: errors, warnings, exceptions."""
        return [alert.body for alert in self.of("alert")] + [box.message for box in self.of("exception")]

    def upload(self, data: bytes | Iterator[bytes], name: str, file: str = "", **headers: str) -> tuple[int, str]:
        """Bring a file; gives the answer's status and the file's number."""
        file, token, mark = file or str(uuid.uuid4()), self.server.token(), uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'.encode()
        body = head + data + f"\r\n--{mark}--\r\n".encode()
        sent = {
            "Content_Type": f"multipart/form-data; boundary={mark}",
            "Cookie": f"_streamlit_xsrf={token}",
            "X_Xsrftoken": token,
        }
        path = f"/_stcore/upload_file/{self.session}/{file}"
        return self.server.ask("PUT", path, body, **(sent | headers))[0], file
