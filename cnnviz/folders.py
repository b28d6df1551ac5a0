"""Where files of ours lie on this machine."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Where published checkpoints are kept, and graphs drawn before.

    It is $CNNVIZ_CACHE, else `cnnviz` in the platform's cache.
    """
    if chosen := os.environ.get("CNNVIZ_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "cnnviz"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/cnnviz").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "cnnviz"
