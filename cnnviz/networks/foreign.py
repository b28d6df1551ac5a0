"""Networks of the user's own, by `package.module:callable`."""

import importlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from torch import nn

from cnnviz.errors import BadOption, CnnvizError


def is_foreign(network: str) -> bool:
    """Whether a name is written `package.module:callable`; no key of the catalogue has a colon."""
    return ":" in network


def made(name: str, keywords: Mapping[str, object]) -> nn.Module:
    """The module that `package.module:callable` stands for, or gives when it is called.

    Raises:
        BadOption: it can't be imported, can't be called with these keywords, or is no module.
    """
    place, _, attribute = name.partition(":")
    if not place or not attribute:
        raise BadOption(f"'{name}' names no network: write package.module:callable, as in nets:MyNet.")
    # Whatever a stranger's code raises, sys.exit in a script without a main guard included, is its answer.
    try:
        found = importlib.import_module(place)
    except (Exception, SystemExit) as error:
        raise BadOption(f"{name} can't be had, as importing {place} fails: {_first_line(error)}.") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise BadOption(f"{place} has no '{attribute}'.{_closest(part, _networks_in(found))}")
        found = getattr(found, part)
    given = ", ".join(f"{key}={value!r}" for key, value in keywords.items())
    if isinstance(found, nn.Module):
        if keywords:
            raise BadOption(f"{name} is a module already, so that it can't be given {given}: leave that out.")
        return found
    if not callable(found):
        raise BadOption(f"{name} is of type {type(found).__name__}, but a callable that gives an nn.Module is needed.")
    try:
        module = found(**keywords)
    except (Exception, SystemExit) as error:
        raise BadOption(f"{attribute}({given}) of {place} fails: {_first_line(error)}.") from error
    if not isinstance(module, nn.Module):
        raise BadOption(f"{name} gives {type(module).__name__}, but an nn.Module is needed.")
    return module


def _networks_in(place: object) -> list[str]:
    return [
        name
        for name, value in vars(place).items()
        if isinstance(value, nn.Module) or (isinstance(value, type) and issubclass(value, nn.Module))
    ]


def _closest(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=3, cutoff=0.5) or known[:3]
    return f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""


def _first_line(error: BaseException) -> str:
    text = str(error).strip().partition("\n")[0].rstrip(".")
    return text if isinstance(error, CnnvizError) else f"{type(error).__name__}{': ' if text else ''}{text}"
