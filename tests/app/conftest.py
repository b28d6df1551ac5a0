"""A running app and a real browser, for what only a browser can show."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=60_000)


@contextmanager
def running(address: str) -> Iterator[int]:
    """The app, started as README has it, on a free port; gives the port."""
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.headless=true"]
    command += [f"--server.port={port}", f"--server.address={address}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2)
                break
            except OSError:
                assert server.poll() is None, "the app ended"
                assert time.monotonic() < deadline, "the app didn't start"
                time.sleep(0.2)
        yield port
        server.terminate()


@pytest.fixture(scope="session")
def app_url() -> Iterator[str]:
    """The app, for this machine alone."""
    with running("127.0.0.1") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def hall_url() -> Iterator[str]:
    """The app for everybody in this machine's network, as it is reached on this machine."""
    with running("0.0.0.0") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        assert "CI" not in os.environ, "the browser tests may not be skipped here: install chromium"
        pytest.skip("no Chromium on the PATH: 'apt-get install chromium', or your system's way")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of its own, as large as a projector; what the page reports as an error fails the test."""
    tab = browser.new_page(viewport={"width": 1280, "height": 720})
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.set_default_timeout(60_000)
    yield tab
    tab.close()
    assert not errors
