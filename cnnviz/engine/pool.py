"""A fixed number of workers, one a place, and who waits for them; of what they work on it knows nothing.

A place is any name; its worker is a thread that takes one job after the other from a bounded queue. Equal jobs are one,
shared by all who wait; one for which nobody waits any more isn't started, or ends at its next step. A worker that
breaks, dies or hangs is replaced, and those behind it in the queue don't notice.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
POLL = 0.2  # seconds between two looks at the queue while somebody waits


class Dropped(Exception):
    """Nobody waits for this job any more, or its worker was given up."""


class Full(Exception):
    """The queue of a place is as long as it may be."""


class WorkerLost(Exception):
    """A job took its worker down, or was never heard of again."""


class _Job(Generic[T]):
    def __init__(self, place: str, key: Hashable, work: "Callable[[Task[T]], T]") -> None:
        self.place, self.key, self.work = place, key, work
        self.tickets: set[Ticket[T]] = set()
        self.wanted = False  # somebody has taken a part of it, and may come back for the rest
        self.failures = 0
        self.alive = 0.0  # when it was last heard of
        self.done = False
        self.value: T | None = None
        self.error: BaseException | None = None
        self.part: T | None = None
        self.marks: set[Hashable] = set()


@dataclass(frozen=True)
class Load:
    """What a place has to do, and what came of what it had; the first three are as they are now."""

    waiting: int
    running: int
    alive: int
    finished: int
    refused: int
    lost: int


class _Worker:
    def __init__(self) -> None:
        self.finished = self.refused = self.lost = 0
        self.queue: deque[_Job[Any]] = deque()
        self.job: _Job[Any] | None = None
        self.thread: threading.Thread | None = None


class Pool:
    """Runs jobs at places.

    Args:
        most_waiting: jobs at a place, the running one included.
        patience: seconds without a step after which a worker is taken for hung.
        is_broken: whether an error means that the place needs a fresh worker, rather than that the job is wrong.
        renew: called with a place, on its fresh worker, before that goes on.
    """

    def __init__(
        self,
        most_waiting: int = 64,
        patience: float = 120.0,
        is_broken: Callable[[BaseException], bool] = lambda _: False,
        renew: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.most_waiting, self.patience = most_waiting, patience
        self._is_broken, self._renew = is_broken, renew
        self._changed = threading.Condition(threading.RLock())
        self._workers: dict[str, _Worker] = {}
        self._jobs: dict[Hashable, _Job[Any]] = {}

    def submit(
        self, place: str, key: Hashable, work: "Callable[[Task[T]], T]", mark: Hashable | None = None
    ) -> "Ticket[T]":
        """A ticket for a job; if one with this key waits or runs already, for that one.

        Args:
            work: called on the place's worker; it calls its task's `step` as often as it can be stopped.
            mark: the part of it that is enough for this ticket, as `Task.publish` names it; all of it by default.

        Raises:
            Full: too many wait at this place.
        """
        with self._changed:
            self._look_after(place)
            job = self._jobs.get(key)
            if job is None:
                worker = self._workers.setdefault(place, _Worker())
                if self.length(place) >= self.most_waiting:
                    worker.refused += 1
                    raise Full(place)
                job = self._jobs[key] = _Job(place, key, work)
                worker.queue.append(job)
                if worker.thread is None:
                    self._start(place, worker)
                self._changed.notify_all()
            return Ticket(self, job, mark)

    def has(self, key: Hashable) -> bool:
        """Whether a job with this key waits or runs."""
        with self._changed:
            return key in self._jobs

    def length(self, place: str) -> int:
        """How many jobs wait and run at a place."""
        with self._changed:
            worker = self._workers.get(place)
            return len(worker.queue) + (worker.job is not None) if worker else 0

    def loads(self) -> dict[str, Load]:
        """What each place has to do that was ever used."""
        with self._changed:
            return {
                place: Load(
                    waiting=len(worker.queue),
                    running=int(worker.job is not None),
                    alive=int(worker.thread is not None and worker.thread.is_alive()),
                    finished=worker.finished,
                    refused=worker.refused,
                    lost=worker.lost,
                )
                for place, worker in self._workers.items()
            }

    # --- workers -------------------------------------------------------------------

    def _start(self, place: str, worker: _Worker, fresh: bool = False) -> None:
        worker.thread = threading.Thread(
            target=self._serve, args=(place, worker, fresh), name=f"cnnviz-engine-{place}", daemon=True
        )
        worker.thread.start()

    def _serve(self, place: str, worker: _Worker, fresh: bool) -> None:
        me = threading.current_thread()
        if fresh:
            try:
                self._renew(place)
            except Exception as error:  # a broken device may not even let go; the next job will tell
                del error
        while True:
            with self._changed:
                while worker.thread is me and not worker.queue:
                    self._changed.wait()
                if worker.thread is not me:
                    return
                job = worker.job = worker.queue.popleft()
                job.alive = time.monotonic()
            if not self._do(worker, job, me):
                return
            del job  # and with it what it holds, while the next one is waited for

    def _do(self, worker: _Worker, job: "_Job[Any]", me: threading.Thread) -> bool:
        """Runs a job; says whether this thread is to go on."""
        value, error = None, None
        try:
            value = job.work(Task(self, worker, job, me))
        except BaseException as raised:  # a thread that ends would leave its queue behind
            error = raised
        with self._changed:
            if worker.thread is not me:
                return False
            worker.job = None
            if error is None or not (self._is_broken(error) or not isinstance(error, Exception)):
                worker.finished += 1
                self._finish(job, value, error)
                return True
            self._lose(job.place, worker, job, error)
            return False

    def _lose(self, place: str, worker: _Worker, job: "_Job[Any]", error: BaseException | None) -> None:
        """Put a fresh worker in the place of one that broke; what it was at is tried once more, unless it hung."""
        worker.lost += 1
        job.failures += 1
        job.part, job.marks = None, set()
        if error is not None and job.failures == 1:
            worker.queue.appendleft(job)
        else:
            lost = WorkerLost(place)
            lost.__cause__ = error
            self._finish(job, None, lost)
        self._start(place, worker, fresh=True)

    def _look_after(self, place: str) -> None:
        worker = self._workers.get(place)
        if worker is None or worker.job is None:
            return
        died = worker.thread is not None and not worker.thread.is_alive()
        if died or time.monotonic() - worker.job.alive > self.patience:
            job, worker.job = worker.job, None
            self._lose(place, worker, job, None)

    def _finish(self, job: "_Job[T]", value: T | None, error: BaseException | None) -> None:
        job.done, job.value, job.error = True, value, error
        self._forget(job)
        for ticket in job.tickets:
            ticket._ready.set()

    def _forget(self, job: "_Job[Any]") -> None:
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]


class Task(Generic[T]):
    """A job as its work sees it."""

    def __init__(self, pool: Pool, worker: _Worker, job: "_Job[T]", thread: threading.Thread) -> None:
        self._pool, self._worker, self._job, self._thread = pool, worker, job, thread

    def step(self) -> None:
        """A sign of life.

        Raises:
            Dropped: there is no need to go on.
        """
        job = self._job
        job.alive = time.monotonic()
        if job.tickets and self._worker.thread is self._thread:
            return
        with self._pool._changed:
            if self._worker.thread is not self._thread:
                raise Dropped
            if not job.tickets and not job.wanted:
                self._pool._forget(job)  # who asks from now on gets a job of their own
                raise Dropped

    @property
    def holds_up(self) -> bool:
        """Whether all that wanted something of it have got it, while others wait for their turn."""
        return not self._job.tickets and bool(self._worker.queue)

    def publish(self, part: T, mark: Hashable) -> None:
        """Give what there is so far to those for whom it is enough."""
        job = self._job
        with self._pool._changed:
            if self._worker.thread is not self._thread:
                raise Dropped
            job.part = part
            job.marks.add(mark)
            for ticket in job.tickets:
                if ticket.mark == mark:
                    ticket._ready.set()


class Ticket(Generic[T]):
    """One who waits for a job. Leaving a `with` block gives it back."""

    def __init__(self, pool: Pool, job: "_Job[T]", mark: Hashable | None) -> None:
        self._pool, self._job, self.mark = pool, job, mark
        self._ready = threading.Event()
        if mark is not None and mark in job.marks:
            self._ready.set()
        job.tickets.add(self)

    def __enter__(self) -> "Ticket[T]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    @property
    def position(self) -> int:
        """How many jobs come first, the running one included; 0 while this one runs, and afterwards."""
        with self._pool._changed:
            worker = self._pool._workers[self._job.place]
            if self._job not in worker.queue:
                return 0
            return worker.queue.index(self._job) + (worker.job is not None)

    def result(self, timeout: float | None = None, on_wait: Callable[[int], None] | None = None) -> T:
        """What the job gives, or as much of it as is enough here.

        Args:
            timeout: in seconds; None waits for as long as it takes.
            on_wait: called with the position again and again; what it raises ends the waiting.

        Raises:
            TimeoutError: it took longer.
            WorkerLost: the job's worker couldn't be had, or didn't survive it.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self._ready.wait(POLL if end is None else max(0.0, min(POLL, end - time.monotonic()))):
            if end is not None and time.monotonic() >= end:
                raise TimeoutError
            with self._pool._changed:
                self._pool._look_after(self._job.place)
            if on_wait:
                on_wait(self.position)
        job = self._job
        with self._pool._changed:
            if self.mark in job.marks and job.part is not None:
                job.wanted = True
                return job.part
            if job.error is not None:
                raise job.error
            return cast(T, job.value)

    def leave(self) -> None:
        """Wait no longer. When nobody does, the job isn't started, or ends at its next step."""
        with self._pool._changed:
            job = self._job
            job.tickets.discard(self)
            worker = self._pool._workers[job.place]
            if not job.tickets and not job.wanted and job in worker.queue:
                worker.queue.remove(job)
                self._pool._forget(job)
