"""The networks that the app is started with; they reach its process by a variable."""

import os
import shlex
import threading
from functools import cache

from cnnviz.cli import parsed
from cnnviz.errors import BadOption

VARIABLE = "CNNVIZ_NETWORKS"
"""What one would type after `cnnviz app`: 'nets:MyNet --input 3,64,64 --folder /home/me/nets'."""

_LOCK = threading.Lock()


def named() -> tuple[str, ...]:
    """The keys that the variable names, in its order; networks of the user's own are brought, once a process.

    Raises:
        CnnvizError: one of them can't be had, or can't be followed.
    """
    with _LOCK:
        return _named(os.environ.get(VARIABLE, ""))


@cache
def _named(text: str) -> tuple[str, ...]:
    if not text.strip():
        return ()
    from cnnviz.cli.options import brought  # noqa: PLC0415  (torch, which a page without them loads later)

    try:
        words = shlex.split(text)
    except ValueError as error:  # a quotation mark too few
        raise BadOption(f"{VARIABLE} holds '{text}', which can't be read ({error}): write nets:MyNet, say.") from error
    return brought(parsed(["app", *words]))
