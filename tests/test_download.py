"""Fetching, against a server on this machine that misbehaves as it is told."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from cnnviz import download
from cnnviz.download import Remote, fetch
from cnnviz.errors import DownloadFailed

CONTENT = (
    b"".join(hashlib.sha256(bytes([n])).digest() for n in range(200)) * 100
)  # 640 kB that don't repeat within 6 kB
KNOWN = Remote(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class Handler(BaseHTTPRequestHandler):
    """Answers from `server.content`; `server.ways` says what is wrong with the next answers, one each."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        way = server.ways.pop(0) if server.ways else ""
        asked = self.headers.get("Range")
        server.asked.append((asked, self.headers.get("If-Range")))
        self.close_connection = True
        start = 0
        if asked and way != "whole" and self.headers.get("If-Range") in (None, server.mark):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if way == "404" or start >= len(server.content):
            self.send_error(404 if way == "404" else 416)
        elif way == "silent":
            server.over.wait(5)
        else:
            self.head(way, start)
            self.body(way, server.content[start:])

    def head(self, way, start):
        server, size = self.server, len(self.server.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {0 if way == 'elsewhere' else start}-{size - 1}/{size}")
        if server.mark:
            self.send_header("ETag" if server.mark.startswith(('"', "W/")) else "Last-Modified", server.mark)
        if not way.startswith("no length"):
            self.send_header("Content-Length", str(size - start))
        self.end_headers()

    def body(self, way, rest):
        server = self.server
        if way.endswith("cut"):
            rest = rest[: len(rest) // 2]
        elif way == "nothing":
            rest = b""
        elif way == "slow":
            self.wfile.write(rest[:1000])
            server.over.wait(5)
            return
        step = 1 if way == "drip" else 20_000
        for begin in range(0, len(rest), step):
            self.wfile.write(rest[begin : begin + step])
            if server.over.wait(0.05 if way == "drip" else server.pause):
                return


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # a client that has left

    def url(self, name="file.bin"):
        return f"http://127.0.0.1:{self.server_port}/{name}"


@contextmanager
def serving(content=CONTENT, *ways, mark='"one"'):
    with Server(("127.0.0.1", 0), Handler) as server:
        server.content, server.ways, server.mark, server.asked = content, list(ways), mark, []
        server.over, server.pause = threading.Event(), 0
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


def only(folder, *names):
    """The folder holds just these: no parts, no marks, no locks."""
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def refusal(url, folder, known=KNOWN, **options):
    with pytest.raises(DownloadFailed) as caught:
        fetch(url, known, folder, **options)
    message = str(caught.value)
    assert message.startswith(f"'file.bin' isn't in {folder}, and {url} can't be fetched into it (")
    assert message.endswith(").")
    assert "\n" not in message
    assert not (folder / "file.bin").exists()
    return message


# --- what arrives --------------------------------------------------------------


@pytest.mark.parametrize("way", ["", "no length"])
@pytest.mark.parametrize("mark", ['"one"', 'W/"one"', "Wed, 21 Oct 2015 07:28:00 GMT", ""])
def test_a_whole_file(tmp_path, way, mark):
    said = []
    with serving(CONTENT, way, mark=mark) as server:
        path = fetch(server.url(), KNOWN, tmp_path / "new" / "folder", lambda *told: said.append(told))
    assert path.read_bytes() == CONTENT
    assert said[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in said] == sorted(done for done, _ in said)
    only(path.parent, "file.bin")


def test_the_beginning_of_a_digest_and_a_rounded_size_will_do(tmp_path):
    rounded = Remote(len(CONTENT) - 700, KNOWN.sha256[:8], within=1_000)
    with serving() as server:
        assert fetch(server.url(), rounded, tmp_path).read_bytes() == CONTENT


def test_what_is_there_and_right_is_left_and_what_is_wrong_is_replaced(tmp_path):
    with serving() as server:
        for already, requests in ((CONTENT, 0), (CONTENT[:-1] + b"x", 1), (b"", 2)):
            (tmp_path / "file.bin").write_bytes(already)
            assert fetch(server.url(), KNOWN, tmp_path).read_bytes() == CONTENT
            assert len(server.asked) == requests


# --- cut, and resumed ----------------------------------------------------------


@pytest.mark.parametrize("way", ["cut", "no length, cut"])
def test_a_cut_is_resumed_at_once(tmp_path, way):
    with serving(CONTENT, way) as server:
        assert fetch(server.url(), KNOWN, tmp_path).read_bytes() == CONTENT
    assert server.asked == [(None, None), (f"bytes={len(CONTENT) // 2}-", '"one"')]
    only(tmp_path, "file.bin")


def test_what_is_cut_again_and_again_is_kept_for_the_next_time(tmp_path):
    with serving(CONTENT, "cut", "cut", "nothing") as server:
        message = refusal(server.url(), tmp_path)
        assert "(the connection broke; 0.5 MB are kept, and the next try goes on from there)" in message
        only(tmp_path, "file.bin.part", "file.bin.part.mark")
        assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[: len(CONTENT) * 3 // 4]
        assert fetch(server.url(), KNOWN, tmp_path).read_bytes() == CONTENT
        assert server.asked[-1] == (f"bytes={len(CONTENT) * 3 // 4}-", '"one"')
        only(tmp_path, "file.bin")


def test_there_is_an_end_to_cuts(tmp_path):
    with serving(CONTENT, *["cut"] * 50) as server:
        refusal(server.url(), tmp_path)
    assert len(server.asked) == download.CUTS + 1


@pytest.mark.parametrize("way", ["whole", ""])
def test_a_server_that_cannot_go_on_or_has_another_version_begins_again(tmp_path, way):
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1_000)
    (tmp_path / "file.bin.part.mark").write_text('"another"')
    said = []
    with serving(CONTENT, way) as server:
        fetch(server.url(), KNOWN, tmp_path, lambda done, _: said.append(done))
    assert server.asked == [("bytes=1000-", '"another"')]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    only(tmp_path, "file.bin")


@pytest.mark.parametrize("mark", ['"one"', ""])
@pytest.mark.parametrize("way", ["", "elsewhere"])
def test_a_part_of_something_else_is_thrown_away(tmp_path, mark, way):
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1_000)
    with serving(CONTENT, way, mark=mark) as server:
        assert fetch(server.url(), KNOWN, tmp_path).read_bytes() == CONTENT
    assert server.asked == [("bytes=1000-", None), (None, None)]
    only(tmp_path, "file.bin")


@pytest.mark.parametrize(("part", "requests"), [(CONTENT, 0), (CONTENT + b"x", 2), (b"x" * len(CONTENT), 2)])
def test_a_part_that_is_long_enough(tmp_path, part, requests):
    (tmp_path / "file.bin.part").write_bytes(part)
    with serving() as server:
        assert fetch(server.url(), KNOWN, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == requests
    only(tmp_path, "file.bin")


# --- what can't be had ---------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "known", "reason"),
    [
        (b"y" * len(CONTENT), KNOWN, "another file than the one that is known)"),
        (CONTENT, Remote(len(CONTENT), "0" * 64), "another file than the one that is known)"),
        (b"<html>sign in first</html>", KNOWN, "is known: 26 bytes instead of 640,000)"),
        (CONTENT + b"x", KNOWN, "is known: 640,001 bytes instead of 640,000)"),
    ],
)
def test_another_file_is_not_kept(tmp_path, content, known, reason):
    with serving(content) as server:
        assert reason in refusal(server.url(), tmp_path, known)
    assert len(server.asked) == 1
    only(tmp_path)


def test_a_sign_in_page_does_not_cost_what_has_come(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:300_000])
    with serving(b"<html>sign in first</html>", "whole") as server:
        assert "0.3 MB are kept" in refusal(server.url(), tmp_path)
    with serving() as server:
        fetch(server.url(), KNOWN, tmp_path)
    assert server.asked == [("bytes=300000-", None)]


def test_no_more_is_read_than_the_file_can_have(tmp_path):
    with serving(CONTENT * 20, "no length") as server:
        assert "it gives more than the 640,000 bytes" in refusal(server.url(), tmp_path)
    only(tmp_path)


def test_what_is_not_there(tmp_path):
    with serving(CONTENT, "404") as server:
        assert "(Not Found)" in refusal(server.url(), tmp_path)
    only(tmp_path)


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("silent", "(no answer came for 0.3 s)"),
        ("slow", "(nothing came for 0.3 s; 0.0 MB are kept"),
        ("drip", "(less than 1 kB a second comes; 0.0 MB are kept"),
    ],
)
def test_a_slow_server_is_given_up(tmp_path, way, reason):
    with serving(CONTENT, way) as server:
        began = time.monotonic()
        assert reason in refusal(server.url(), tmp_path, patience=0.3)
        assert time.monotonic() - began < 3
        fetch(server.url(), KNOWN, tmp_path)
    only(tmp_path, "file.bin")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/file.bin", "http://name.invalid/file.bin", "nonsense/file.bin"])
def test_no_connection(tmp_path, url):
    assert "(no connection: " in refusal(url, tmp_path)
    only(tmp_path)


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_a_full_disk_is_a_sentence_and_gets_its_room_back(tmp_path, monkeypatch, moment):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if moment == "before":
        monkeypatch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
        reason = "(the disk is full: it needs 0.6 MB, and 0.1 MB are free)"
    else:
        monkeypatch.setattr(download.os, "fsync", full)
        reason = f"({os.strerror(errno.ENOSPC)})"
    with serving() as server:
        assert reason in refusal(server.url(), tmp_path)
    only(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with serving() as server, pytest.raises(DownloadFailed, match="can't be fetched into it"):
        fetch(server.url(), KNOWN, tmp_path / "file" / "inner")


def test_whoever_stops_it_can_go_on_later(tmp_path):
    def stop(done, _):
        if done > 100_000:
            raise KeyboardInterrupt

    with serving() as server:
        with pytest.raises(KeyboardInterrupt):
            fetch(server.url(), KNOWN, tmp_path, stop)
        only(tmp_path, "file.bin.part", "file.bin.part.mark")
        fetch(server.url(), KNOWN, tmp_path)
    assert server.asked[1][0].startswith("bytes=")
    only(tmp_path, "file.bin")


# --- several at once -----------------------------------------------------------


def test_threads_that_fetch_the_same_share_it(tmp_path):
    found, told = [], [[] for _ in range(4)]
    with serving() as server:
        server.pause = 0.02
        threads = [
            threading.Thread(
                target=lambda n=n: found.append(
                    fetch(server.url(), KNOWN, tmp_path, lambda done, total: told[n].append((done, total)))
                )
            )
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert [path.read_bytes() == CONTENT for path in found] == [True] * 4
    assert len(server.asked) == 1
    assert all(told), "who waits is told how far the other is"
    only(tmp_path, "file.bin")


def test_processes_that_fetch_the_same_share_it(tmp_path):
    code = (
        "import sys; from pathlib import Path; from cnnviz.download import Remote, fetch\n"
        "fetch(sys.argv[1], Remote(int(sys.argv[2]), sys.argv[3]), Path(sys.argv[4]))"
    )
    with serving() as server:
        server.pause = 0.02
        words = [sys.executable, "-c", code, server.url(), str(KNOWN.size), KNOWN.sha256, str(tmp_path)]
        where = Path(__file__).parents[1]
        programs = [subprocess.Popen(words, cwd=where) for _ in range(3)]
        assert [program.wait(60) for program in programs] == [0, 0, 0]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert len(server.asked) == 1
    only(tmp_path, "file.bin")


def test_a_process_that_was_killed_leaves_what_it_had_and_nobody_waits_for_it(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from cnnviz.download import Remote, fetch\n"
        "fetch(sys.argv[1], Remote(int(sys.argv[2]), sys.argv[3]), Path(sys.argv[4]),\n"
        "      lambda done, total: os._exit(9) if done > 300_000 else None)"
    )
    with serving() as server:
        words = [sys.executable, "-c", code, server.url(), str(KNOWN.size), KNOWN.sha256, str(tmp_path)]
        assert subprocess.run(words, cwd=Path(__file__).parents[1], check=False).returncode == 9
        assert fetch(server.url(), KNOWN, tmp_path).read_bytes() == CONTENT
    only(tmp_path, "file.bin")
