"""A Chromium that looks at an app, for as long as it is measured."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cnnviz.errors import BadOption

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


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
