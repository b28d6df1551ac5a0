"""A Streamlit app on loopback, for as long as it is measured."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

import cnnviz
from cnnviz.errors import BadOption

ROOT = Path(cnnviz.__file__).resolve().parents[1]
APP = ROOT / "app" / "main.py"
START = 60.0  # seconds that an app may take to start


class Server:
    """An app that runs a script, with the config.toml that the folder has.

    Attributes:
        url: where it answers.
    """

    def __init__(self, script: Path = APP, folder: Path = ROOT) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
        self._command += [f"--server.port={port}", "--server.address=127.0.0.1"]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, at once or once more; `wait` waits until it answers."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=quiet, stderr=quiet)

    def wait(self) -> None:
        """Until it answers.

        Raises:
            BadOption: it ends, or doesn't within a minute.
        """
        assert self._process is not None
        deadline = time.monotonic() + START
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2)
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise BadOption("The app didn't start: does 'cnnviz app' start it here?") from error
                time.sleep(0.02)

    def memory(self) -> int:
        """Bytes in memory of all its processes (RSS)."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        return sum(process.memory_info().rss for process in [server, *server.children(recursive=True)])

    def kill(self) -> None:
        """End it without a chance to tidy up, as `kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it as one does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


@contextmanager
def served(script: Path = APP, folder: Path = ROOT) -> Iterator[Server]:
    """A server that answers, for the length of a block."""
    server = Server(script, folder)
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.end()
