"""The published ImageNet checkpoints: which there are, where they lie, and how they get there."""

import csv
import os
import re
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cnnviz.download import Progress, Remote, fetch
from cnnviz.errors import BadWeights, CnnvizError
from cnnviz.folders import cache_folder

URL = "https://download.pytorch.org/models/"
URL_VARIABLE = "CNNVIZ_WEIGHTS_URL"
"""Names another place that has the same files: a mirror in a room without the Internet, say."""

_TABLE = Path(__file__).resolve().parents[2] / "assets" / "printed" / "pretrained.csv"
_ROUNDED = 2**16  # the table's sizes are rounded to a tenth of 1024² bytes


@dataclass(frozen=True)
class Published:
    """A checkpoint that PyTorch publishes.

    Attributes:
        network: whose key in the catalogue it has.
        file: its name, which ends in the beginning of its SHA-256.
        megabytes: its size in 1024² bytes, as published.
        top1_percent, top5_percent: accuracy of one network, one centre crop, on ImageNet's validation set.
    """

    network: str
    file: str
    megabytes: float
    top1_percent: float
    top5_percent: float

    @property
    def path(self) -> Path:
        """Where it lies, or will."""
        return cache_folder() / self.file

    @property
    def there(self) -> bool:
        """Whether it is on disk."""
        return self.path.is_file()

    @property
    def remote(self) -> Remote:
        """What is known of it beforehand."""
        digest = re.search(r"-([0-9a-f]{8,64})\.pth$", self.file)
        assert digest, "the table is our own"
        return Remote(round(self.megabytes * 2**20), digest[1], within=_ROUNDED)

    def fetch(self, on_progress: Progress | None = None, url: str | None = None) -> Path:
        """Have it on disk: what is there already is only checked.

        Args:
            on_progress: told how many bytes there are, and how many there will be.
            url: of the folder that has it; else as `source_url`.

        Raises:
            DownloadFailed: it can't be had.
        """
        return fetch(f"{source_url(url)}{self.file}", self.remote, cache_folder(), on_progress)


def published_for(network: str) -> Published:
    """The checkpoint that is published for a network.

    Raises:
        BadWeights: there is none.
    """
    found = all_published().get(network)
    if found is None:
        raise BadWeights(
            f"No ImageNet weights are published for {network}: 'cnnviz weights list' has those that there are."
        )
    return found


def all_published() -> dict[str, Published]:
    """All of them, by the network's key."""
    return _read(_TABLE)


@cache
def _read(table: Path) -> dict[str, Published]:
    with table.open(encoding="utf-8", newline="") as file:
        return {
            row["network"]: Published(
                row["network"],
                row["file"],
                *(float(row[name]) for name in ("megabytes", "top1_percent", "top5_percent")),
            )
            for row in csv.DictReader(file)
        }


def source_url(url: str | None = None) -> str:
    """The folder from which they are fetched: the one given, else $CNNVIZ_WEIGHTS_URL, else PyTorch's; ends in '/'."""
    return f"{(url or os.environ.get(URL_VARIABLE) or URL).rstrip('/')}/"


# --- fetching beside everything else -----------------------------------------


class Fetching:
    """A fetch on a thread of its own: it goes on whoever leaves, and a broken one is resumed by the next.

    Attributes:
        done, total: bytes that there are, and that there will be.
        failed: why it ended without the file, in a sentence; '' if it didn't.
    """

    def __init__(self, wanted: Published) -> None:
        self.done, self.total, self.failed = 0, wanted.remote.size, ""
        self._thread = threading.Thread(target=self._run, args=(wanted,), daemon=True, name=f"fetch {wanted.file}")
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or the other."""
        return not self._thread.is_alive()

    def join(self, seconds: float | None = None) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    def _run(self, wanted: Published) -> None:
        try:
            with _ONE_AT_A_TIME:
                wanted.fetch(self._report)
        except CnnvizError as error:
            self.failed = str(error)

    def _report(self, done: int, total: int) -> None:
        self.done, self.total = done, total


_ONE_AT_A_TIME = threading.Lock()  # two would only halve each other's share of the line
_LOCK = threading.Lock()
_fetching: dict[str, Fetching] = {}


def begin(network: str) -> Fetching:
    """Fetch a network's checkpoint beside everything else; who asks meanwhile gets the same fetch.

    Raises:
        BadWeights: none is published.
    """
    wanted = published_for(network)
    with _LOCK:
        running = _fetching.get(network)
        if running is None or running.over:
            running = _fetching[network] = Fetching(wanted)
        return running


def fetching(network: str) -> Fetching | None:
    """The latest fetch of a network's checkpoint, which may be over; None if there was none."""
    return _fetching.get(network)
