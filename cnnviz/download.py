"""Fetching a file that is known beforehand: in its place it is whole and the right one, or not there at all.

What has come of it so far lies beside its place, in `NAME.part`, with the server's mark of that very version in
`NAME.part.mark`: a fetch that was cut goes on from there, today or tomorrow. Its SHA-256 decides in the end.
"""

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout

from cnnviz.errors import DownloadFailed

Progress = Callable[[int, int], None]
"""Told how many bytes there are, and how many there will be."""

PATIENCE = 30.0  # seconds without a byte; in as many, a kilobyte a second has to come
CUTS = 5  # of the connection, after each of which more than before was there
CHUNK = 2**18
SLOWEST = 1_000  # bytes a second
PARTIAL, TOO_FAR = 206, 416  # of HTTP's answers: the part that was asked for, no such part


@dataclass(frozen=True)
class Remote:
    """What is known of a file at its public source.

    Attributes:
        size: in bytes.
        sha256: in hexadecimal, the whole of it or its beginning.
        within: by how many bytes the size may be off, where the source gives it rounded.
    """

    size: int
    sha256: str
    within: int = 0

    def may_have(self, size: int) -> bool:
        """Whether it may be this many bytes long."""
        return abs(size - self.size) <= self.within


class _Failed(Exception):
    """Why there is no file, as a phrase."""


class _Cut(_Failed):
    """The connection broke before all had come."""


class _Stale(_Failed):
    """What had come before doesn't belong to what the server has."""


def fetch(
    url: str, known: Remote, folder: Path, on_progress: Progress | None = None, *, patience: float = PATIENCE
) -> Path:
    """The file at a URL, under its own name in a folder; one that is there already, and right, is left as it is.

    Whoever fetches the same file at the same time, in this process or another, waits for the first.

    Args:
        patience: seconds without a byte after which it is given up.

    Raises:
        DownloadFailed: it can't be fetched or written, or is another file.
    """
    name = url.rpartition("/")[2]
    place, part = folder / name, folder / f"{name}.part"
    report = on_progress or (lambda done, total: None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(part, known, report):
            if not (place.is_file() and _matches(_digest(place), known)):
                _complete(url, known, part, report, patience)
                os.replace(part, place)
                _discard(part)
    except (_Failed, OSError) as error:
        reason = str(error) if isinstance(error, _Failed) else error.strerror or error
        kept = f"; {_size(part) / 1e6:.1f} MB are kept, and the next try goes on from there" if _size(part) else ""
        raise DownloadFailed(
            f"'{name}' isn't in {folder}, and {url} can't be fetched into it ({reason}{kept})."
        ) from error
    return place


@contextmanager
def _alone(part: Path, known: Remote, report: Progress) -> Iterator[None]:
    lock = FileLock(part.with_name(f"{part.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=0.3)
            break
        except Timeout:  # another one is at it: tell how far it is
            report(_size(part), known.size)
    try:
        yield
    finally:
        with suppress(OSError):  # while it is held: who waits for it finds it gone, and takes a new one
            os.unlink(lock.lock_file)
        lock.release()


def _complete(url: str, known: Remote, part: Path, report: Progress, patience: float) -> None:
    """Make `part` the whole file, going on with what there is of it."""
    cuts = 0
    while True:
        before, digest = _size(part), _digest(part)
        try:
            if not (known.may_have(before) and _matches(digest, known)):
                digest = _read_on(url, known, part, digest, report, patience)
            if _matches(digest, known):
                return
            raise _Stale("it gives another file than the one that is known")
        except _Cut:
            cuts += 1
            if cuts > CUTS or _size(part) <= before:
                raise
        except _Stale:
            _discard(part)
            if not before:
                raise


def _read_on(
    url: str, known: Remote, part: Path, digest: "hashlib._Hash", report: Progress, patience: float
) -> "hashlib._Hash":
    """Append what is missing to `part`, or fill it anew if the server can't go on; returns its digest."""
    have = _size(part)
    with _answer(url, part, patience) as answer:
        if have and answer.status != PARTIAL:  # it has another version by now, or doesn't know how to go on
            have, digest = 0, hashlib.sha256()
        total = _announced(answer, have, known)
        if (free := shutil.disk_usage(part.parent).free) < total - have:
            _discard(part)  # a full disk is worse than to begin again
            raise _Failed(f"the disk is full: it needs {total / 1e6:.1f} MB, and {free / 1e6:.1f} MB are free")
        _keep_mark(part, answer)
        try:
            with part.open("ab" if have else "wb") as file:
                for chunk in _chunks(answer, patience):
                    have += len(chunk)
                    if have > known.size + known.within:
                        raise _Stale(f"it gives more than the {known.size:,} bytes of the file that is known")
                    file.write(chunk)
                    digest.update(chunk)
                    report(have, total)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if error.errno == errno.ENOSPC:
                _discard(part)
            raise
    if have < (total if answer.headers.get("Content-Length") else known.size - known.within):
        raise _Cut("the connection broke")
    return digest


def _answer(url: str, part: Path, patience: float) -> HTTPResponse:
    """What the server says, asked for what is missing of `part`."""
    have, mark = _size(part), _mark(part)
    try:
        request = Request(url, headers={"User-Agent": "cnnviz"})
        if have:
            request.add_header("Range", f"bytes={have}-")
            if mark.is_file():
                request.add_header("If-Range", mark.read_text("latin-1"))
        answer: HTTPResponse = urlopen(request, timeout=patience)
    except HTTPError as error:
        error.close()
        if have and error.code == TOO_FAR:
            raise _Stale(error.reason) from error
        raise _Failed(error.reason or error.code) from error
    except (OSError, HTTPException, ValueError) as error:  # a URL that is none is a ValueError
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            raise _Failed(f"no answer came for {patience:g} s") from error
        raise _Failed(f"no connection: {getattr(reason, 'strerror', None) or reason}") from error
    if answer.status == PARTIAL and not re.match(rf"bytes {have}-", answer.headers.get("Content-Range", "")):
        answer.close()
        raise _Stale("it gives another part of the file than it was asked for")
    return answer


def _announced(answer: HTTPResponse, have: int, known: Remote) -> int:
    """How long the file will be, which is checked before any of it is read."""
    length = answer.headers.get("Content-Length", "")
    if not length.isdecimal():
        return known.size
    total = have + int(length)
    if not known.may_have(total):
        # The page on which a hotel's network wants a name is no reason to throw away what has come.
        kind = _Stale if have else _Failed
        raise kind(f"it gives another file than the one that is known: {total:,} bytes instead of {known.size:,}")
    return total


def _chunks(answer: HTTPResponse, patience: float) -> Iterator[bytes]:
    since, come = time.monotonic(), 0
    while True:
        try:
            chunk = answer.read1(CHUNK)
        except TimeoutError as error:
            raise _Failed(f"nothing came for {patience:g} s") from error
        except (OSError, HTTPException) as error:
            raise _Cut("the connection broke") from error
        if not chunk:
            return
        yield chunk
        come += len(chunk)
        if (now := time.monotonic()) - since > patience:
            if come < SLOWEST * patience:
                raise _Failed(f"less than {SLOWEST / 1e3:g} kB a second comes")
            since, come = now, 0


# --- what has come so far ------------------------------------------------------


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _digest(file: Path) -> "hashlib._Hash":
    if not file.is_file():
        return hashlib.sha256()
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256")


def _matches(digest: "hashlib._Hash", known: Remote) -> bool:
    return digest.hexdigest().startswith(known.sha256)


def _mark(part: Path) -> Path:
    return part.with_name(f"{part.name}.mark")


def _keep_mark(part: Path, answer: HTTPResponse) -> None:
    """Note by what the server tells versions apart: a strong ETag, else the date."""
    mark = answer.headers.get("ETag", "")
    if not mark or mark.startswith("W/"):
        mark = answer.headers.get("Last-Modified", "")
    if mark:
        _mark(part).write_text(mark, "latin-1")
    else:
        _mark(part).unlink(missing_ok=True)


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _mark(part).unlink(missing_ok=True)
