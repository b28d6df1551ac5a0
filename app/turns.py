"""Who draws a page now: not many more at a time than the processor can serve, so that each is done soon.

Hundreds of runs at once would share one interpreter: all of their pages would be there in the end, none before, the
server's own thread would hardly get to run, and the messages of all of them would be in memory together.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2 * max(2, os.cpu_count() or 1)
"""One interpreter serves them all; meanwhile some compress or hash, and about half wait for a pass or a layout."""
STANDSTILL = 1.0  # seconds without anybody done, after which whoever waits goes on: those ahead wait for something else


class Turns:
    """Lets some threads through at a time, first come, first served.

    Args:
        at_once: how many.
        standstill: seconds after which one goes ahead if nobody has left meanwhile.
    """

    def __init__(self, at_once: int = AT_ONCE, standstill: float = STANDSTILL) -> None:
        self._free = threading.Semaphore(at_once)
        self._standstill = standstill
        self._left = time.monotonic()
        self._having = threading.local()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Around what is done in one's turn; within it, it still is."""
        if getattr(self._having, "one", False):
            yield
            return
        began = time.monotonic()
        mine = self._free.acquire(timeout=self._standstill)
        while not mine and time.monotonic() - max(began, self._left) < self._standstill:
            mine = self._free.acquire(timeout=self._standstill)
        self._having.one = True
        try:
            yield
        finally:
            self._having.one = False
            self._left = time.monotonic()
            if mine:
                self._free.release()


TURNS = Turns()
