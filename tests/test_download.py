"""Fetching, against a server on this machine that misbehaves as it is told."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from misbehaving import serving

from cnnviz import download
from cnnviz.download import Remote, fetch
from cnnviz.errors import DownloadFailed

CONTENT = (
    b"".join(hashlib.sha256(bytes([n])).digest() for n in range(200)) * 100
)  # 640 kB that don't repeat within 6 kB
KNOWN = Remote(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


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
    with serving(CONTENT) as server:
        assert fetch(server.url(), rounded, tmp_path).read_bytes() == CONTENT


def test_what_is_there_and_right_is_left_and_what_is_wrong_is_replaced(tmp_path):
    with serving(CONTENT) as server:
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
    with serving(CONTENT) as server:
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
    with serving(CONTENT) as server:
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
    with serving(CONTENT) as server:
        assert reason in refusal(server.url(), tmp_path)
    only(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with serving(CONTENT) as server, pytest.raises(DownloadFailed, match="can't be fetched into it"):
        fetch(server.url(), KNOWN, tmp_path / "file" / "inner")


def test_whoever_stops_it_can_go_on_later(tmp_path):
    def stop(done, _):
        if done > 100_000:
            raise KeyboardInterrupt

    with serving(CONTENT) as server:
        with pytest.raises(KeyboardInterrupt):
            fetch(server.url(), KNOWN, tmp_path, stop)
        only(tmp_path, "file.bin.part", "file.bin.part.mark")
        fetch(server.url(), KNOWN, tmp_path)
    assert server.asked[1][0].startswith("bytes=")
    only(tmp_path, "file.bin")


# --- several at once -----------------------------------------------------------


def test_threads_that_fetch_the_same_share_it(tmp_path):
    found, told = [], [[] for _ in range(4)]
    with serving(CONTENT) as server:
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
    with serving(CONTENT) as server:
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
    with serving(CONTENT) as server:
        words = [sys.executable, "-c", code, server.url(), str(KNOWN.size), KNOWN.sha256, str(tmp_path)]
        assert subprocess.run(words, cwd=Path(__file__).parents[1], check=False).returncode == 9
        assert fetch(server.url(), KNOWN, tmp_path).read_bytes() == CONTENT
    only(tmp_path, "file.bin")
