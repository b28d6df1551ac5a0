"""Turns: at most so many at a time, first come, first served, and nobody waits for who stands still."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from app.turns import Turns


def test_no_more_than_so_many_at_a_time():
    turns, inside, most, lock = Turns(2, standstill=60), set(), [], threading.Lock()

    def visit(number):
        with turns.one():
            with lock:
                inside.add(number)
                most.append(len(inside))
            time.sleep(0.01)
            with lock:
                inside.remove(number)

    with ThreadPoolExecutor(12) as visitors:
        list(visitors.map(visit, range(24)))
    assert max(most) == 2
    assert len(most) == 24


def test_who_stands_still_holds_nobody_up():
    turns, gone = Turns(1, standstill=0.2), threading.Event()
    with ThreadPoolExecutor(1) as visitors, turns.one():

        def visit():
            with turns.one():
                gone.set()

        visitors.submit(visit)
        assert not gone.wait(0.05)
        assert gone.wait(10)
    with turns.one(), ThreadPoolExecutor(1) as visitors:
        assert not visitors.submit(turns._free.acquire, timeout=0).result(), "there is one turn still, and no more"


def test_within_a_turn_it_still_is():
    turns = Turns(1, standstill=60)
    with turns.one(), turns.one():
        pass
    with turns.one():
        pass


def test_a_turn_that_fails_is_over():
    turns = Turns(1, standstill=60)
    for _ in range(3):
        try:
            with turns.one():
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    with turns.one():
        pass
