"""Once a process: what any visitor could do to all others is refused, and the server tells how busy it is."""

import gc
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache

from streamlit import net_util, runtime
from streamlit.config import get_option
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.stats import CounterStat, GaugeStat, Stat
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.watcher import LocalSourcesWatcher

from app import again

SESSIONS = 300  # that are kept for two minutes when their connection is gone; beyond 128, a hall lost its pictures
MOST_UPLOADED, MOST_FILES = 500_000_000, 1_000  # bytes, and files, of all visitors that wait to be taken by a page


@cache
def guard() -> None:
    """Refuse what one visitor could do to the others; before the first page is made."""
    # Both are messages that a browser sends and no page of ours offers. The first empties the caches of all; the second
    # runs git while everybody waits, and tells which files lie here.
    AppSession._handle_clear_cache_request = AppSession._handle_git_information_request = lambda self: None
    # At each websocket from another origin it would ask a server on the Internet for this one's address, and everybody
    # would wait for the answer. Whoever is reached by such an address names it in server.corsAllowedOrigins.
    net_util.get_external_ip = lambda: None
    if runtime.exists():
        here = runtime.get_instance()
        sessions = getattr(here, "_session_mgr", None)  # a test's page has none
        if sessions:
            again.install()
            sessions._session_storage = MemorySessionStorage(SESSIONS, get_option("server.disconnectedSessionTTL"))
        if isinstance(here.uploaded_file_mgr, MemoryUploadedFileManager):
            Uploads(here.uploaded_file_mgr).bound()
        here.stats_mgr.register_provider(Measured())


@cache
def settle() -> None:
    """What is loaded by now stays, so that no collection has to look at it again; after the first page was made.

    Nor does anybody look for changed sources where none are watched: on reconnect, Streamlit goes through all modules
    even then, and a hall whose Wi-Fi was gone comes back together.
    """
    gc.collect()
    gc.freeze()
    if get_option("server.fileWatcherType") == "none":
        LocalSourcesWatcher.update_watched_modules = lambda _: None


class Uploads:
    """Bounds the files that visitors have sent: the oldest go, which their pages have long since taken.

    Streamlit keeps whatever it is sent for as long as the visitor stays, a page may have asked for it or not.
    """

    def __init__(self, manager: MemoryUploadedFileManager, most: int = MOST_UPLOADED, files: int = MOST_FILES) -> None:
        self._manager, self._most, self._files = manager, most, files
        self._add = manager.add_file
        self._sizes: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = threading.Lock()

    def bound(self) -> None:
        """From now on."""
        self._manager.add_file = self.add_file

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """As the manager has it."""
        with self._lock:
            for session, number in list(self._sizes):  # those that their visitors took away, or that went with them
                if not self._manager.get_files(session, [number]):
                    del self._sizes[session, number]
            self._add(session_id, file)
            self._sizes.pop((session_id, file.file_id), None)
            self._sizes[session_id, file.file_id] = len(file.data)
            while len(self._sizes) > self._files or (len(self._sizes) > 1 and sum(self._sizes.values()) > self._most):
                self._manager.remove_file(*self._sizes.popitem(last=False)[0])


class Measured:
    """The engine's numbers beside Streamlit's own, at `/_stcore/metrics`."""

    stats_families = (
        *("cnnviz_jobs_waiting", "cnnviz_jobs_running", "cnnviz_jobs_finished", "cnnviz_jobs_refused"),
        *("cnnviz_workers", "cnnviz_workers_lost"),
        *("cnnviz_cache_bytes", "cnnviz_cache_limit_bytes", "cnnviz_cache_hits", "cnnviz_cache_misses"),
    )

    def get_stats(self, family_names: Sequence[str] | None = None) -> Mapping[str, Sequence[Stat]]:
        """Those that are asked for, by their family."""
        # not before: torch would be imported with it, and the first page doesn't wait for that
        from app.cache import shared_engine, shared_studio  # noqa: PLC0415
        from cnnviz.engine.measures import measures  # noqa: PLC0415

        found: dict[str, list[Stat]] = {}
        for name, value, text, labels, counts, unit in measures(shared_engine(), shared_studio()):
            if family_names is None or name in family_names:
                kind = CounterStat if counts else GaugeStat
                found.setdefault(name, []).append(kind(name, value, labels, unit, text))
        return found
