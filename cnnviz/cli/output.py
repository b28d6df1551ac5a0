"""Where results go: the terminal, a pipe or a file."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnviz.errors import BadOption


def write(content: str | bytes, file: str | None = None) -> None:
    """Content to a file, or to stdout.

    Raises:
        BadOption: the file can't be written, or the content is no text and stdout a terminal.
    """
    if file is not None:
        try:
            Path(file).write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError as error:
            raise BadOption(f"'{file}' can't be written: {error.strerror or error}.") from error
    elif isinstance(content, str):
        sys.stdout.write(content)
    elif sys.stdout.isatty():
        raise BadOption("This is no text for a terminal: name a file for it with -o FILE.")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)


def as_json(value: Mapping[str, Any]) -> str:
    """One value as text; a number that JSON doesn't have is a bug, not a broken file."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def chosen(given: str | None, file: str | None, formats: Mapping[str, str], default: str) -> str:
    """The format that is asked for: by name, else by the file's extension, else the default.

    Args:
        formats: by extension, such as '.md': 'markdown'.

    Raises:
        BadOption: an extension that stands for no format.
    """
    if given or file is None:
        return given or default
    extension = Path(file).suffix.lower()
    if extension not in formats:
        raise BadOption(f"'{file}' doesn't say its format: end it in {listed(formats)}, or name the format.")
    return formats[extension]


def listed(words: Mapping[str, Any]) -> str:
    """'.svg, .png or .pdf'."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
