"""Values kept within a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Budget(Generic[T]):
    """The most recently used values, as many as fit into a number of bytes; for any number of threads.

    Args:
        most_bytes: of all values, and of what is being made.
        size_of: the bytes of one.

    Attributes:
        hits, misses: how often a value was there, and wasn't.
    """

    def __init__(self, most_bytes: int, size_of: Callable[[T], int]) -> None:
        self.most = most_bytes
        self.hits = self.misses = 0
        self._size_of = size_of
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._reserved: dict[Hashable, int] = {}
        self._lock = threading.RLock()

    @property
    def used(self) -> int:
        """The bytes taken now, reserved ones included."""
        with self._lock:
            return sum(size for _, size in self._values.values()) + sum(self._reserved.values())

    def get(self, key: Hashable) -> T | None:
        """The value at `key`, which becomes the most recently used."""
        with self._lock:
            if key not in self._values:
                self.misses += 1
                return None
            self.hits += 1
            self._values.move_to_end(key)
            return self._values[key][0]

    def reserve(self, key: Hashable, size: int) -> None:
        """Make room for a value before it is made; held until it is put, or released."""
        with self._lock:
            self._reserved[key] = min(size, self.most)
            self._make_room()

    def release(self, key: Hashable) -> None:
        """Give up what was reserved."""
        with self._lock:
            self._reserved.pop(key, None)

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value, or measure it again; the least recently used ones go. One larger than all is not kept."""
        size = self._size_of(value)
        with self._lock:
            self._reserved.pop(key, None)
            self._values.pop(key, None)
            if size <= self.most:
                self._values[key] = (value, size)
                self._make_room()

    def grown(self, key: Hashable, value: T) -> None:
        """Measure a value again, if it is still kept."""
        with self._lock:
            if key in self._values and self._values[key][0] is value:
                self.put(key, value)

    def drop(self, chosen: Callable[[T], bool]) -> None:
        """Forget the values that are chosen."""
        with self._lock:
            for key in [key for key, (value, _) in self._values.items() if chosen(value)]:
                del self._values[key]

    def _make_room(self) -> None:
        while self._values and self.used > self.most:
            self._values.popitem(last=False)
