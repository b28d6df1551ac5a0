"""Everything that a caller can do wrong, as one tree of exceptions.

The text of each is one sentence for a reader: what was given, what was needed,
what to do instead. Anything else that escapes from cnnviz is a bug.

    CnnvizError
    ├── UnknownNetwork      no such key in the catalogue
    ├── UnknownLayer        no such path in a graph
    ├── BadOption           an option with a value that the network doesn't take
    ├── Untraceable         a forward pass that can't be followed
    ├── ShapeMismatch       an input that doesn't fit a layer
    ├── BadImage            a picture that can't be read, or is too large
    ├── BadWeights          weights that are missing, unsafe or misshapen
    ├── BadData             training data that are missing or damaged, or a run that can't be continued
    ├── DownloadFailed      a file that can't be fetched, or isn't the one that is known
    ├── DrawingFailed       a graph that couldn't be laid out
    └── DeviceUnavailable   a device that isn't there, or has too little memory
"""

from collections.abc import Iterable
from difflib import get_close_matches


class CnnvizError(Exception):
    """The base of all: `str(error)` is one sentence that can be shown as it is."""


class UnknownNetwork(CnnvizError):
    """No network has this key."""

    def __init__(self, key: str, known: Iterable[str]) -> None:
        super().__init__(f"No network is called '{key}'.{_did_you_mean(key, known)} 'cnnviz networks' lists them.")


class UnknownLayer(CnnvizError):
    """No layer of the graph has this path."""

    def __init__(self, path: str, known: Iterable[str], network: str = "this network") -> None:
        super().__init__(
            f"No layer of {network} is called '{path}'.{_did_you_mean(path, known)} 'cnnviz table' lists them."
        )


class BadOption(CnnvizError):
    """An option has a value that can't be used."""


class Untraceable(CnnvizError):
    """The module's forward can't be followed; the text names the place and the reason."""


class ShapeMismatch(CnnvizError):
    """An input doesn't fit a layer.

    Attributes:
        layer: path of the layer that refused its input.
        detail: what the layer needs and what it was given, without the layer's name.
    """

    def __init__(self, layer: str, detail: str, advice: str = "") -> None:
        self.layer, self.detail = layer, detail
        super().__init__(f"{layer} {detail}.{' ' + advice if advice else ''}")


class BadImage(CnnvizError):
    """A picture can't be read, or is larger than we take."""


class BadWeights(CnnvizError):
    """Weights are missing, unsafe to read, or don't fit the network."""


class BadData(CnnvizError):
    """Data to train with are missing or damaged, or a run's own files don't fit it."""


class DownloadFailed(CnnvizError):
    """A file can't be fetched: no connection, no room, or another file than the one that is known."""


class DrawingFailed(CnnvizError):
    """A graph couldn't be laid out: no Graphviz, or it took too long."""


class DeviceUnavailable(CnnvizError):
    """The device isn't there, or has too little memory."""


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
