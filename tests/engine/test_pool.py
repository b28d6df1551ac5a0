"""The pool with work that fails, hangs and takes its worker down."""

import threading
import time

import pytest

from cnnviz.engine import pool as pool_module
from cnnviz.engine.pool import Dropped, Full, Load, Pool, WorkerLost


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(pool_module, "POLL", 0.01)


class Gate:
    """Work that runs until it is let go, step by step."""

    def __init__(self, value="done"):
        self.value, self.runs, self.steps = value, 0, 0
        self.running, self.opened = threading.Event(), threading.Event()
        self.ended: list[str] = []

    def __call__(self, task):
        self.runs += 1
        self.running.set()
        try:
            while not self.opened.wait(0.005):
                task.step()
                self.steps += 1
        except Dropped:
            self.ended.append("dropped")
            raise
        return self.value


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def test_work_is_done_on_a_thread_of_its_place():
    pool = Pool()
    names = [pool.submit(place, place, lambda _: threading.current_thread().name).result(10) for place in "abab"]
    assert names == ["cnnviz-engine-a", "cnnviz-engine-b"] * 2


def test_two_places_work_at_once_and_one_place_in_turn():
    pool, first, second, other = Pool(), Gate(), Gate(), Gate()
    tickets = [pool.submit(*order) for order in (("a", 1, first), ("a", 2, second), ("b", 3, other))]
    assert first.running.wait(10)
    assert other.running.wait(10)
    assert not second.running.is_set()
    for gate in (first, second, other):
        gate.opened.set()
    assert [ticket.result(10) for ticket in tickets] == ["done"] * 3


def test_equal_jobs_are_one_and_each_who_waits_is_given_its_value():
    pool, gate = Pool(), Gate(object())
    tickets = [pool.submit("a", "same", gate) for _ in range(300)]
    gate.opened.set()
    assert {id(ticket.result(10)) for ticket in tickets} == {id(gate.value)}
    assert gate.runs == 1
    assert not pool.has("same")


def test_the_position_counts_those_who_come_first():
    pool, gate = Pool(), Gate()
    first = pool.submit("a", "running", gate)
    assert gate.running.wait(10)
    second, third = (pool.submit("a", key, lambda _: None) for key in ("next", "last"))
    assert [ticket.position for ticket in (first, second, third)] == [0, 1, 2]
    told: list[int] = []

    def on_wait(position):
        told.append(position)
        if len(told) == 3:
            second.leave()
        if len(told) == 6:
            gate.opened.set()

    third.result(10, on_wait)
    assert told[:6] == [2, 2, 2, 1, 1, 1]
    assert third.position == 0


def test_the_queue_is_bounded_and_who_leaves_makes_room():
    pool, gate = Pool(most_waiting=2), Gate()
    first = pool.submit("a", 1, gate)
    second = pool.submit("a", 2, gate)
    with pytest.raises(Full):
        pool.submit("a", 3, gate)
    assert pool.submit("a", 2, gate).position <= 1, "who joins another takes no room"
    assert pool.submit("b", 4, lambda _: "elsewhere").result(10) == "elsewhere"
    gate.opened.set()
    assert [first.result(10), second.result(10)] == ["done", "done"]


def test_what_nobody_waits_for_is_not_started():
    pool, gate, unwanted = Pool(), Gate(), Gate()
    first = pool.submit("a", "first", gate)
    assert gate.running.wait(10)
    with pool.submit("a", "second", unwanted), pool.submit("a", "second", unwanted):
        pass
    assert not pool.has("second")
    gate.opened.set()
    first.result(10)
    assert pool.submit("a", "third", lambda _: 3).result(10) == 3
    assert unwanted.runs == 0


def test_a_running_job_ends_when_the_last_one_leaves():
    pool, gate = Pool(), Gate()
    with pool.submit("a", "job", gate):
        with pool.submit("a", "job", gate):
            assert gate.running.wait(10)
        seen = gate.steps
        until(lambda: gate.steps > seen + 3)  # one is left
    until(lambda: gate.ended)
    assert gate.ended == ["dropped"]
    gate.opened.set()
    assert pool.submit("a", "job", gate).result(10) == "done", "who comes later gets a job of their own"


def test_what_waiting_raises_ends_it():
    pool, gate = Pool(), Gate()

    def stop(position):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), pool.submit("a", "job", gate) as ticket:
        ticket.result(on_wait=stop)
    until(lambda: gate.ended)


def test_patience_can_end_before_the_job():
    pool, gate = Pool(), Gate()
    with pool.submit("a", "job", gate) as ticket, pytest.raises(TimeoutError):
        ticket.result(0.05)
    until(lambda: gate.ended)


def test_a_part_is_enough_for_those_who_asked_for_it():
    pool, more = Pool(), threading.Event()

    def work(task):
        parts: list[str] = []
        for name in ("one", "two", "three"):
            task.step()
            parts.append(name)
            task.publish(parts, name)
            if name == "two":
                more.wait(10)
        return parts

    with pool.submit("a", "job", work, mark="two") as early, pool.submit("a", "job", work, mark="three") as late:
        assert early.result(10)[:2] == ["one", "two"]
        with pool.submit("a", "job", work, mark="one") as later:
            assert later.result(0.5)[0] == "one"
    assert pool.has("job"), "it goes on, as somebody has looked at a part of it"
    more.set()
    until(lambda: not pool.has("job"))
    assert late._job.value == ["one", "two", "three"]


def test_an_error_reaches_who_asked_and_nobody_else():
    pool = Pool()

    def fails(task):
        raise ValueError("wrong")

    bad, good = pool.submit("a", "bad", fails), pool.submit("a", "good", lambda _: "good")
    with pytest.raises(ValueError, match="wrong"):
        bad.result(10)
    assert good.result(10) == "good"


class Broken(Exception):
    """What a device raises that is no more."""


@pytest.mark.parametrize("error", [Broken(), SystemExit()], ids=["broken", "the thread ends"])
def test_a_worker_that_breaks_is_replaced_and_its_job_done_again(error):
    renewed: list[str] = []
    pool = Pool(is_broken=lambda e: isinstance(e, Broken), renew=renewed.append)
    threads: list[int] = []
    gate = Gate()

    def breaks_once(task):
        threads.append(threading.get_ident())
        gate(task)
        if len(threads) == 1:
            raise error
        return "in the end"

    job = pool.submit("a", "job", breaks_once)
    behind = [pool.submit("a", number, lambda _: "served") for number in range(3)]
    gate.opened.set()
    assert job.result(10) == "in the end"
    assert [ticket.result(10) for ticket in behind] == ["served"] * 3
    assert len(set(threads)) == 2
    assert renewed == ["a"]


@pytest.mark.parametrize("error", [Broken("gone"), SystemExit()], ids=["broken", "the thread ends"])
def test_a_job_that_breaks_every_worker_is_given_up(error):
    runs: list[int] = []
    pool = Pool(is_broken=lambda e: isinstance(e, Broken))

    def breaks(task):
        runs.append(1)
        raise error

    job, behind = pool.submit("a", "job", breaks), pool.submit("a", "next", lambda _: "served")
    with pytest.raises(WorkerLost) as lost:
        job.result(10)
    assert lost.value.__cause__ is error
    assert behind.result(10) == "served"
    assert len(runs) == 2


def test_a_worker_that_cannot_be_renewed_serves_all_the_same():
    def cannot(place):
        raise RuntimeError("still broken")

    pool = Pool(is_broken=lambda e: isinstance(e, Broken), renew=cannot)

    def breaks(task):
        raise Broken

    with pytest.raises(WorkerLost):
        pool.submit("a", "job", breaks).result(10)
    assert pool.submit("a", "next", lambda _: "served").result(10) == "served"


def test_a_worker_that_hangs_is_replaced_and_what_it_says_later_is_not_heard():
    pool, wakes, ended = Pool(patience=0.1), threading.Event(), []

    def hangs(task):
        wakes.wait(20)
        try:
            task.publish("late", "late")
        except Dropped:
            ended.append("told to stop")
            raise

    job, behind = pool.submit("a", "job", hangs), pool.submit("a", "next", lambda _: "served")
    assert behind.result(10) == "served"
    with pytest.raises(WorkerLost):
        job.result(10)
    wakes.set()
    until(lambda: ended)
    assert pool.submit("a", "after", lambda _: "served").result(10) == "served"


def test_one_that_goes_on_stepping_is_not_taken_for_hung():
    pool, gate = Pool(patience=0.1), Gate()
    job = pool.submit("a", "job", gate)
    with pytest.raises(TimeoutError):
        job.result(0.5)
    gate.opened.set()
    assert (job.result(10), gate.runs) == ("done", 1)


def test_a_thread_that_vanished_is_missed(monkeypatch):
    pool = Pool()
    monkeypatch.setattr(Pool, "_do", lambda *_: False)  # ends without a word
    job = pool.submit("a", "job", lambda _: "served")
    until(lambda: not pool._workers["a"].thread.is_alive())
    monkeypatch.undo()
    with pytest.raises(WorkerLost):
        job.result(10)
    assert pool.submit("a", "next", lambda _: "served").result(10) == "served"


def test_many_visitors_come_and_go():
    pool, wrong = Pool(most_waiting=1000), []

    def visitor(number):
        for turn in range(20):
            key = (number + turn) % 7
            with pool.submit(
                "ab"[key % 2], key, lambda task, key=key: [task.step() or key for _ in range(5)]
            ) as ticket:
                if (number * turn) % 5 == 0:
                    continue
                if ticket.result(20) != [key] * 5:
                    wrong.append(number)

    visitors = [threading.Thread(target=visitor, args=(number,)) for number in range(40)]
    for thread in visitors:
        thread.start()
    for thread in visitors:
        thread.join()
    assert not wrong
    until(lambda: pool.length("a") == pool.length("b") == 0)
    assert not pool._jobs


def test_a_place_tells_what_it_has_to_do_and_what_came_of_it():
    pool, go = Pool(most_waiting=2), threading.Event()
    with pool.submit("here", 1, lambda _: go.wait(20)) as first, pool.submit("here", 2, lambda _: 2) as second:
        while pool.loads()["here"].running == 0:
            time.sleep(0.002)
        with pytest.raises(Full):
            pool.submit("here", 3, lambda _: 3)
        assert pool.loads()["here"] == Load(waiting=1, running=1, alive=1, finished=0, refused=1, lost=0)
        go.set()
        first.result(20)
        second.result(20)
    assert pool.loads()["here"] == Load(waiting=0, running=0, alive=1, finished=2, refused=1, lost=0)
