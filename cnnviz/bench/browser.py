"""A Streamlit app on loopback and a Chromium that looks at it, for as long as they are measured."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz.errors import BadOption

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

START = 60.0  # seconds that an app may take to start


@contextmanager
def served(script: Path, folder: Path) -> Iterator[str]:
    """The address of an app that runs a script, with the config.toml that the folder has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(server, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@contextmanager
def chromium() -> Iterator["BrowserContext"]:
    """The machine's own Chromium, with one window that all tabs share.

    Raises:
        BadOption: playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  a development dependency
    except ImportError as error:
        raise BadOption(
            "The pages are measured by playwright, which isn't installed: 'pip install -r requirements-dev.txt'."
        ) from error
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise BadOption("The pages are measured in Chromium, and none is on the PATH: 'apt-get install chromium'.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            window = launched.new_context(viewport={"width": 1280, "height": 720})
            window.set_default_timeout(60_000)
            yield window
        finally:
            launched.close()


def _wait(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START
    while True:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2)
            return
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise BadOption("The app didn't start: does 'cnnviz app' start it here?") from error
            time.sleep(0.1)
