"""The first page of a link is made once for all who open it within some seconds; each but the first gets a copy.

A hall opens one link at once. Its page is the same for all who come new, and Streamlit needs several times as long to
make it as to send it: there are eighty elements on it, each with its place, its identity and its state. So the messages
of a page are kept, and with them what its session knows in the end: the values, the controls with their callbacks, the
fragments. A copy has all of that, and goes on by itself from there. It counts on what Streamlit keeps where, in the
version that is pinned.
"""

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from streamlit import runtime
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, get_script_run_ctx
from streamlit.runtime.state import SessionState
from streamlit.source_util import PageInfo

SECONDS = 30.0  # that a page may be behind, where its weights have come or its network is gone meanwhile
MOST = 8  # links; a page has about a megabyte, most of it maps


class Copies:
    """The pages of the links that were opened last.

    Args:
        seconds: for how long a page is copied.
        most: pages that are kept.
    """

    def __init__(self, seconds: float = SECONDS, most: int = MOST) -> None:
        self._seconds, self._most = seconds, most
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()

    def draw(self, page: Callable[[], None]) -> None:
        """Draw the page of this run; a copy of it, where the link was opened a moment ago."""
        context = get_script_run_ctx()
        link = _link(context) if context and runtime.exists() else None
        if link is None or context is None:
            page()
            return
        with self._lock:
            made = self._made.get(link)
        if made and time.monotonic() - made.since < self._seconds:
            made.give(context)
            return
        with _recorded(context) as messages:
            page()
        if all(map(_lasts, messages)):
            self._keep(link, _Made.by(context, messages))

    def _keep(self, link: Hashable, made: "_Made") -> None:
        with self._lock:
            outdated = [self._made.pop(link, None)]
            self._made[link] = made
            if len(self._made) > self._most:
                outdated.append(self._made.popitem(last=False)[1])
        for other in outdated:
            if other:
                other.forget()


def _link(context: ScriptRunContext) -> Hashable:
    """What decides how a page looks to who comes new; None for who has been here before."""
    new = not len(context.session_state._state)
    if not new or context.fragment_ids_this_run or context.cached_message_hashes:
        return None
    asked = context.pages_manager
    address = context.context_info.url if context.context_info else ""
    return address, context.query_string, asked.intended_page_name, asked.intended_page_script_hash


@contextmanager
def _recorded(context: ScriptRunContext) -> Iterator[list[ForwardMsg]]:
    """The messages that are sent within a block."""
    messages: list[ForwardMsg] = []
    send = context._enqueue

    def both(message: ForwardMsg) -> None:
        messages.append(message)
        send(message)

    context._enqueue = both
    try:
        yield messages
    finally:
        context._enqueue = send


def _lasts(message: ForwardMsg) -> bool:
    """Whether a message is right for others, too: not so what shows that something goes on, or has failed."""
    delta = message.delta
    if message.HasField("auto_rerun") or delta.new_transient.elements:
        return False
    element = delta.new_element
    return not element.HasField("exception") and element.alert.format != Alert.ERROR


@dataclass(frozen=True)
class _Made:
    """A page as it was made: what was sent, and what its session knew in the end."""

    messages: Sequence[ForwardMsg]
    state: SessionState
    fragments: MemoryFragmentStorage
    widgets: frozenset[str]
    files: Mapping[str, str]
    pages: Mapping[str, PageInfo]
    page: str
    name: str = field(default_factory=lambda: f"copied {uuid.uuid4()}")  # as that of a session which holds its files
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def by(cls, run: ScriptRunContext, messages: Sequence[ForwardMsg]) -> "_Made":
        """By a run that is at its end."""
        widgets, pages = run.shared.widget_ids_this_run.snapshot(), run.pages_manager
        state, fragments, files = SessionState(), MemoryFragmentStorage(), _files_of(run.session_id)
        _copy_state(run.session_state._state, state)
        _copy_fragments(run.fragment_storage, fragments)
        made = cls(messages, state, fragments, widgets, files, pages.get_pages(), pages.current_page_script_hash)
        _hold(files, made.name)
        return made

    def give(self, run: ScriptRunContext) -> None:
        """Give a new session all of it."""
        _copy_state(self.state, run.session_state._state)
        _copy_fragments(self.fragments, run.fragment_storage)
        for widget in self.widgets:
            run.shared.widget_ids_this_run.check_and_add(widget)
        for fragment in self.fragments._fragments:
            run.shared.new_fragment_ids.check_and_add(fragment)
        run.pages_manager.set_pages_and_resolve(dict(self.pages))
        run.pages_manager.set_current_page_script_hash(self.page)
        _hold(self.files, run.session_id)
        for message in self.messages:
            run._enqueue(message)

    def forget(self) -> None:
        """From now on, its files live only as long as somebody shows them."""
        runtime.get_instance().media_file_mgr.clear_session_refs(self.name)


def _copy_state(known: SessionState, to: SessionState) -> None:
    """All values, and the controls that they are of; what they are is never changed in place, only replaced."""
    to._old_state.update(known._old_state)
    to._new_session_state.update(known._new_session_state)
    to._new_widget_state.update(known._new_widget_state)
    to._key_id_mapper.update(known._key_id_mapper)
    to._query_param_bound_widget_ids.update(known._query_param_bound_widget_ids)
    for part, values in vars(known.query_params).items():
        vars(to.query_params)[part].update(values)


def _copy_fragments(known: MemoryFragmentStorage, to: MemoryFragmentStorage) -> None:
    for name, fragment in known._fragments.items():
        to.register(name, fragment, parent_fragment_id=known._parent_by_id[name])


def _files_of(session: str) -> Mapping[str, str]:
    """The files that a session shows, by their places on its page."""
    kept = runtime.get_instance().media_file_mgr
    with kept._lock:
        return dict(kept._files_by_session_and_coord.get(session, {}))


def _hold(files: Mapping[str, str], session: str) -> None:
    """Have a session show them as well."""
    kept = runtime.get_instance().media_file_mgr
    with kept._lock:
        kept._files_by_session_and_coord[session].update(files)


COPIES = Copies()
