"""A page whose connection broke and came back is sent again, not made anew, where it would be the same.

When a hall's Wi-Fi drops, all come back in the same second, each to a page that nothing has changed on. Some of it may
be lost, so a browser asks for a run; making a page takes several times as long as sending it. Each session therefore
knows what its page shows, by the messages that it was made of: most of them it shares with the pages of others. It
counts on what Streamlit keeps where, in the version that is pinned.
"""

import threading
from collections import OrderedDict
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_cache import create_reference_msg
from streamlit.runtime.scriptrunner_utils.run_descriptor import RunDescriptor
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.common import unpack_widget_state_value

MOST = 24_000_000  # bytes of larger messages, maps and pictures for the most part, that are kept for all pages together
_OF_A_PAGE = ("page_config_changed", "navigation", "parent_message", "logo")  # besides its elements
_TRIGGERS = ("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value")


def install() -> None:
    """Have sessions note what they send, and send it again where that will do."""
    enqueue, run, resume = AppSession._enqueue_forward_msg, AppSession.request_rerun, AppSession.register_file_watchers

    def enqueue_and_note(session: AppSession, message: ForwardMsg) -> None:
        enqueue(session, message)
        _page_of(session).note(message)

    def resume_and_note(session: AppSession) -> None:  # called for a new session, and for one that is back
        _page_of(session).back = True
        resume(session)

    def run_or_send(session: AppSession, asked: ClientState | None) -> None:
        page = _page_of(session)
        back, page.back = page.back, False
        if back and asked and session._scriptrunner is None and _unchanged(session, asked):
            found = page.messages(frozenset(asked.cached_message_hashes))
            if found is not None:
                _send(session, found)
                return
        if asked and not asked.fragment_id:
            page.asked = asked.page_script_hash, asked.page_name
        run(session, asked)

    AppSession._enqueue_forward_msg = enqueue_and_note
    AppSession.register_file_watchers = resume_and_note
    AppSession.request_rerun = run_or_send


class Large:
    """The larger messages of all pages, by their hash; the longest unseen go first.

    Args:
        most: bytes.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._bytes = most, 0
        self._kept: OrderedDict[str, tuple[ForwardMsg, int]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, message: ForwardMsg) -> None:
        """Keep a message, or one that is the same."""
        with self._lock:
            if message.hash in self._kept:
                self._kept.move_to_end(message.hash)
                return
            size = message.ByteSize()
            self._kept[message.hash] = message, size
            self._bytes += size
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1][1]

    def get(self, name: str) -> ForwardMsg | None:
        """The message of a hash, if it is still kept."""
        with self._lock:
            found = self._kept.get(name)
            return found[0] if found else None


LARGE = Large()


class Page:
    """What a session's page shows: its messages by their places, the larger ones by their hash.

    Attributes:
        back: whether its connection is a new one, on which nothing was asked for yet.
        asked: of the app's pages, the one that was asked for last, by its hash and its name in the URL.
    """

    def __init__(self, large: Large = LARGE) -> None:
        self.back = False
        self.asked = ("", "")
        self._large = large
        self._whole = self._whole_before = self._goes_on = False
        self._others: list[ForwardMsg] = []
        self._shown: dict[tuple[int, ...], ForwardMsg | str] = {}
        self._fragments: dict[str, tuple[int, ...]] = {}  # where each begins

    def note(self, message: ForwardMsg) -> None:
        """A message goes out, after all that went before."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._begin(message)
        elif kind in ("delta", "ref_hash"):
            self._show(message)
        elif kind in _OF_A_PAGE:
            self._others.append(message)
        elif kind == "auto_rerun":
            self._goes_on = True
        elif kind == "script_finished":
            done = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
            self._whole = self._whole_before and message.script_finished in done

    def _begin(self, message: ForwardMsg) -> None:
        again = list(message.metadata.run.fragment_ids)
        self._whole_before, self._whole = not again or self._whole, False
        if not again:
            self._goes_on = False
            self._others, self._shown, self._fragments = [], {}, {}
        for fragment in again:  # all within it is made anew
            if fragment in self._fragments:
                self._forget_within(self._fragments[fragment])

    def _forget_within(self, start: tuple[int, ...]) -> None:
        self._shown = {place: shown for place, shown in self._shown.items() if place[: len(start)] != start}

    def _show(self, message: ForwardMsg) -> None:
        place = tuple(message.metadata.delta_path)
        if message.WhichOneof("type") == "ref_hash":
            self._shown[place] = message.ref_hash
            return
        delta = message.delta
        if delta.HasField("new_transient"):
            return
        if delta.fragment_id and delta.HasField("add_block"):
            start = self._fragments.get(delta.fragment_id)
            if start is None or len(place) < len(start):
                self._fragments[delta.fragment_id] = place
        before = self._shown.get(place)
        if isinstance(before, ForwardMsg) and before.delta.HasField("add_block") and delta.HasField("new_element"):
            self._forget_within(place)
        if message.metadata.cacheable:
            self._large.keep(message)
            self._shown[place] = message.hash
        else:
            self._shown[place] = message

    def messages(self, known: frozenset[str]) -> list[ForwardMsg] | None:
        """All that shows it, None where it isn't all here.

        Args:
            known: hashes of messages that the browser has kept.
        """
        if not self._whole or self._goes_on:
            return None
        found = list(self._others)
        for place, shown in sorted(self._shown.items(), key=lambda item: item[0]):  # what holds others comes first
            message = self._large.get(shown) if isinstance(shown, str) else shown
            if message is None:
                return None
            found.append(_at(place, create_reference_msg(message) if message.hash in known else message))
        return found


def _at(place: tuple[int, ...], message: ForwardMsg) -> ForwardMsg:
    """A message in its place: what is the same elsewhere has the same hash."""
    if tuple(message.metadata.delta_path) == place:
        return message
    moved = ForwardMsg()
    moved.CopyFrom(message)
    moved.metadata.delta_path[:] = place
    return moved


_PAGES: WeakKeyDictionary[AppSession, Page] = WeakKeyDictionary()


def _page_of(session: AppSession) -> Page:
    page = _PAGES.get(session)
    if page is None:  # and not setdefault, which would make one for each message
        page = _PAGES[session] = Page()
    return page


def _unchanged(session: AppSession, asked: ClientState) -> bool:
    """Whether a browser asks for the page that its session has: its place, and what all controls say."""
    page = asked.page_script_hash
    here = page == session._pages_manager.current_page_script_hash or (page, asked.page_name) == _page_of(session).asked
    if asked.fragment_id or asked.is_history_navigation or not here:
        return False
    state = session.session_state
    query = {
        name: value if isinstance(value, list) else [value] for name, value in state.query_params._query_params.items()
    }
    return parse_qs(asked.query_string, keep_blank_values=True) == query and all(
        _same(state, sent) for sent in asked.widget_states.widgets
    )


def _same(state: SessionState, sent: WidgetState) -> bool:
    """Whether a control says what its session knows of it; one that is on the page no more says nothing."""
    metadata = state._get_widget_metadata(sent.id)
    if metadata is None:
        return True
    if sent.WhichOneof("value") in _TRIGGERS:
        return not unpack_widget_state_value(sent)
    try:
        known = state._getitem(sent.id, state._key_id_mapper.id_key_mapping.get(sent.id))
    except KeyError:
        return False
    return bool(metadata.deserializer(unpack_widget_state_value(sent)) == known)


def _send(session: AppSession, messages: list[ForwardMsg]) -> None:
    """As a run would, which it is to the browser."""
    run = RunDescriptor.create()
    begin = session._create_new_session_message(session._client_state.page_script_hash, run)
    begin.new_session.initialize.session_status.script_is_running = True
    session._enqueue_forward_msg(begin)
    for message in messages:
        session._enqueue_forward_msg(message)
    session._enqueue_forward_msg(session._create_script_finished_message(ForwardMsg.FINISHED_SUCCESSFULLY, run))
    session._enqueue_forward_msg(session._create_session_status_changed_message())
