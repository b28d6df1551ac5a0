"""Makes the pictures of the README and the docs: start the app, open its main states, photograph each.

.venv/bin/python docs/pictures.py
"""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
STATES = {
    "explore": ("/?network=resnet18&layer=layer1.0.add", 1280, 1400, "light"),
    "beside": ("/beside?network=resnet34&layer=layer2.0.conv1&layer2=layer2.0.conv1", 1280, 1000, "light"),
    "inception-dark": ("/?network=googlenet&layer=inception3a.concat&channel=70", 1280, 1080, "dark"),
    "kernels": ("/kernels?kernel=7", 1280, 720, "light"),
    "digit": ("/?network=lenet5&layer=conv2", 1280, 1080, "light"),
    "phone": ("/?network=lenet5", 390, 844, "light"),
}


def main() -> None:
    """Writes docs/NAME.png for each state."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.headless=true"]
    server = subprocess.Popen([*command, f"--server.port={port}"], cwd=ROOT, stdout=subprocess.DEVNULL)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, (place, width, height, scheme) in STATES.items():
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(f"http://127.0.0.1:{port}{place}")
                page.wait_for_selector("canvas, .js-plotly-plot, .drawn svg", timeout=60_000)
                page.wait_for_selector("[data-test-script-state=notRunning]")
                page.wait_for_timeout(1500)
                page.screenshot(path=ROOT / "docs" / f"{name}.png")
                page.close()
    finally:
        server.terminate()


def wait_for(url: str) -> None:
    """Returns once the address answers."""
    for _ in range(150):
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the app didn't start")


if __name__ == "__main__":
    main()
