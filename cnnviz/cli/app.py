"""`cnnviz app [NET …]`."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import cnnviz
from cnnviz.addresses import own_addresses
from cnnviz.cli.named import VARIABLE
from cnnviz.errors import BadOption


def run(arguments: Namespace) -> int:
    """Start the app for everybody in this network; returns when it ends, with its exit code.

    Networks of the user's own are followed first, as a sentence here is better than a page without a graph.
    """
    main = _main_script()
    port: int = arguments.port
    if not 1 <= port <= 65_535:
        raise BadOption(f"The port {port} was given, but ports go from 1 to 65,535.")
    _check_free(port)
    environment = {}
    if arguments.networks:
        from cnnviz.cli.options import brought  # noqa: PLC0415  (torch, which nothing else here needs)

        brought(arguments)
        folder = Path(arguments.folder).resolve()  # the app runs in another
        environment[VARIABLE] = shlex.join([*arguments.words[1:], f"--folder={folder}"])
    print(f"On this machine   http://localhost:{port}")
    found = own_addresses()
    for address in found:
        print(f"On other devices  http://{address}:{port}")
    if not found:
        print("No other device can reach it: this machine has no address in a network.")
    print("Ctrl-C ends it.", flush=True)
    return _passing_on_signals(_command(main, port), main.parent.parent, environment)


def _main_script() -> Path:
    # it lies beside the package in a clone and in site-packages; a search by its name could find any `app`
    main = Path(cnnviz.__file__).resolve().parent.parent / "app" / "main.py"
    if not main.is_file():
        raise BadOption("The app isn't installed: run 'pip install -e .' in a clone of the project.")
    return main


def _check_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # there it would let two listen at once
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            reason = error.strerror or error
            raise BadOption(f"The port {port} can't be used ({reason}): give another, as in --port 8600.") from error


def _command(main: Path, port: int) -> list[str]:
    # the welcome message would name the address 0.0.0.0, which no browser opens
    settings = {
        "server.port": port,
        "server.address": "0.0.0.0",
        "server.headless": "true",
        "logger.hideWelcomeMessage": "true",
    }
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-m", "streamlit", "run", str(main), *flags]


def _passing_on_signals(command: list[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a command in a folder, where Streamlit finds its config.toml, and pass on what would end us."""
    child = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment})

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child.poll() is None:
            child.send_signal(number)

    ends = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, pass_on) for number in ends}
    try:
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - status if status < 0 else status
