"""A visitor of the app without a browser: speaks Streamlit's websocket protocol, and reads of its answers what it must.

Many of them share two cores with the server that they load. Frames as large as pictures and maps are therefore counted
and not decoded; a browser decodes them on a machine of its own.
"""

import asyncio
import json
import re
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from cnnviz.errors import CnnvizError

SMALL = 4_000  # bytes of a frame that is decoded; what a page says in words is smaller
HEAD, HASH = 400, 10  # bytes in which a message says whose it is; the tag of its first field, its hash
CACHED = 10_000  # bytes from which on Streamlit lets a browser keep a message, and sends its hash when it comes again
_COMPONENT = re.compile(rb"cnnviz\.(\w+)")
PATIENCE = 120  # seconds
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NotServed(CnnvizError):
    """The app gave no page, or another one than was asked for."""


@dataclass
class Page:
    """What the controls and fragments of a page go by: the same for all visitors, the first of whom reads it."""

    ids: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)


class Visitor:
    """One tab. It keeps of the page what it takes to say where it is.

    Args:
        url: of an app on this machine; no other is ever loaded.
        page: shared by all visitors of a page.
        query: of the address that is opened, as 'network=resnet18'.

    Attributes:
        query: of the address as the app has written it since.
        selected: the layer, and the channel, that the page shows.
        drawn: our components that the last run has sent, and the seconds after which each was here.
        texts, said: what the last run has said, and of that the warnings and errors.
        received: bytes so far.
    """

    def __init__(self, url: str, page: Page, query: str = "") -> None:
        if urlsplit(url).hostname not in LOOPBACK:
            raise NotServed(
                f"{url} was given, but only an app on this machine may be loaded, as http://127.0.0.1:8501."
            )
        self.url, self.page, self.query = url, page, query
        self.selected: tuple[str | None, int | None] = (None, None)
        self.session = ""
        self.drawn: dict[str, float] = {}
        self.texts: list[str] = []
        self.said: list[str] = []
        self.received = 0
        self._began = 0.0
        self._socket: ClientConnection | None = None
        self._known: dict[str, str] = {}  # components that came before, by the hash of their message
        self._states: dict[str, Any] = {}

    # --- what a person does ------------------------------------------------------

    async def arrive(self) -> float:
        """Open the page, also again after the connection broke; the seconds until all of it is there."""
        self._began = time.perf_counter()
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        # second is the token that a browser has by a cookie, for who is logged in; third the session to be had again
        protocols: Any = ["streamlit", "none", *([self.session] if self.session else [])]
        self._socket = await connect(
            address,
            subprotocols=protocols,
            origin=self.url,  # type: ignore[arg-type]  # a NewType
            compression=None,
            max_size=None,
            open_timeout=60,
            ping_interval=None,
            proxy=None,
        )
        return await self._run()

    async def pick(self, layer: str) -> float:
        """Pick a layer, as by a click on its node; the seconds until the page has followed."""
        self._began = time.perf_counter()
        took = await self._run(of="selection", event={"event": "pick", "value": layer})
        if self.selected[0] != layer:
            raise NotServed(f"{layer} was picked, but the page shows {self.selected[0]}: {' '.join(self.said)}")
        return took

    async def pick_channel(self, channel: int) -> float:
        """Pick a channel in the grid of maps."""
        self._began = time.perf_counter()
        took = await self._run(of="maps", event={"event": "pick", "value": channel})
        if self.selected[1] != channel:
            raise NotServed(f"Channel {channel} was picked, but the page shows {self.selected[1]}.")
        return took

    async def choose_file(self) -> float:
        """Say that the picture comes from a file; the seconds until the page asks for one."""
        self._began = time.perf_counter()
        self._states["from"] = ("string_array_value", "file")
        return await self._run()

    async def upload(self, data: bytes, name: str = "picture.png") -> float:
        """Bring a picture of one's own, by HTTP as a browser does; the seconds until the page shows what it gives."""
        self._began = time.perf_counter()
        asked = BackMsg()
        asked.file_urls_request.request_id = name
        asked.file_urls_request.file_names.append(name)
        asked.file_urls_request.session_id = self.session
        await self._send(asked)
        given = await self._until("file_urls_response")
        file = given.file_urls_response.file_urls[0]
        await _put(self.url + file.upload_url, data, name)
        self._states["upload"] = ("file_uploader_state_value", (file, name, len(data)))
        took = await self._run()
        if "maps" not in self.drawn or not any(name in text for text in self.texts):
            raise NotServed(f"{name} was brought, but the page doesn't show it: {' '.join(self.said)}")
        return took

    def drop(self) -> None:
        """The connection is gone, without a word to the server."""
        if self._socket:
            self._socket.transport.abort()

    async def leave(self) -> None:
        """Close the tab."""
        if self._socket:
            await self._socket.close()

    # --- the protocol ------------------------------------------------------------

    async def _send(self, message: BackMsg) -> None:
        assert self._socket is not None
        await self._socket.send(message.SerializeToString())

    async def _run(self, of: str = "", event: dict[str, Any] | None = None) -> float:
        """Have the page run and wait until it has, or one of its fragments for an event of a component in it.

        Returns:
            Seconds since whoever calls has begun.
        """
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = self.query
        asked.context_info.url = f"{self.url}/"
        asked.context_info.color_scheme = "light"
        asked.cached_message_hashes.extend(self._known)
        for key, (kind, value) in self._states.items():
            state = asked.widget_states.widgets.add(id=self.page.ids[key])
            if kind == "file_uploader_state_value":
                file, name, size = value
                info = state.file_uploader_state_value.uploaded_file_info.add(
                    file_id=file.file_id, name=name, size=size
                )
                info.file_urls.CopyFrom(file)
            else:
                getattr(state, kind).data.append(value)
        if of:
            asked.fragment_id = self.page.fragments[of]
            name = f"$$STREAMLIT_INTERNAL_KEY_{self.page.ids[of]}__events"
            asked.widget_states.widgets.add(id=name).json_trigger_value = json.dumps([event])
            asked.widget_states.widgets.add(id=self.page.ids[of]).json_value = "{}"  # as a browser says of no state
        self.drawn, self.said, self.texts = {}, [], []
        await self._send(message)
        finished = await self._until("script_finished")
        if finished.script_finished not in (
            ForwardMsg.FINISHED_SUCCESSFULLY,
            ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
        ):
            raise NotServed(f"The page broke off: {ForwardMsg.ScriptFinishedStatus.Name(finished.script_finished)}.")
        return time.perf_counter() - self._began

    async def _until(self, kind: str) -> ForwardMsg:
        """The next message of a kind; what comes before is looked at."""
        assert self._socket is not None
        while True:
            try:
                frame = await asyncio.wait_for(self._socket.recv(decode=False), PATIENCE)
            except TimeoutError:
                raise NotServed(f"Nothing has come from {self.url} for {PATIENCE} seconds.") from None
            self.received += len(frame)
            if len(frame) > SMALL and (component := _COMPONENT.search(frame, 0, HEAD)) and "maps" in self.page.ids:
                self._note(component[1].decode())
                if len(frame) > CACHED and frame[0] == HASH:  # its length comes next
                    self._known[frame[2 : 2 + frame[1]].decode()] = component[1].decode()
                continue
            message: ForwardMsg = ForwardMsg.FromString(frame)
            found = message.WhichOneof("type")
            if found == "delta":
                self._look(message)
            elif found == "ref_hash":
                self._note(self._known[message.ref_hash])
            elif found == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif found == "new_session":
                self.session = message.new_session.initialize.session_id
            if found == kind:
                return message

    def _look(self, message: ForwardMsg) -> None:
        delta = message.delta
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise NotServed(f"The page shows an exception: {element.exception.type}.")
        if kind == "alert":
            self.said.append(element.alert.body)
        elif kind == "markdown":
            self.texts.append(element.markdown.body)
        shown = getattr(element, str(kind))
        identity = getattr(shown, "id", "")
        key = identity.split("-", 2)[-1]
        self.page.ids[key] = identity
        if delta.fragment_id:
            self.page.fragments[key] = delta.fragment_id
        if kind == "dataframe":
            self._note("table")
        if kind == "bidi_component":
            self._note(shown.component_name.removeprefix("cnnviz."))
        if kind == "bidi_component" and key == "selection":
            told = json.loads(shown.json)
            self.selected = told["layer"], told["channel"]

    def _note(self, component: str) -> None:
        self.drawn.setdefault(component, time.perf_counter() - self._began)


async def _put(url: str, data: bytes, name: str) -> None:
    """Bring a file to where the server has said, with the token that its cookie has."""
    where = urlsplit(url)
    boundary = "----cnnviz"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: image/png\r\n\r\n"
    ).encode()
    body += data + f"\r\n--{boundary}--\r\n".encode()
    token = await asyncio.to_thread(_token, f"{where.scheme}://{where.netloc}")
    head = (
        f"PUT {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n"
        f"X-Xsrftoken: {token}\r\nCookie: _streamlit_xsrf={token}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(head.encode() + body)
    await writer.drain()
    answer = await reader.readline()
    writer.close()
    if b" 204" not in answer:
        raise NotServed(f"The picture {name} wasn't taken: {answer.decode().strip()}.")


_tokens: dict[str, str] = {}


def _token(server: str) -> str:
    """The token that a server gives a browser against forged requests."""
    if server not in _tokens:
        with urllib.request.urlopen(f"{server}/_stcore/health", timeout=30) as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        found = [cookie for cookie in cookies if cookie.startswith("_streamlit_xsrf=")]
        _tokens[server] = found[0].partition("=")[2].partition(";")[0] if found else ""
    return _tokens[server]
