"""What a network is filled with: seeded random, bundled, published, or a file of the user's."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from safetensors import safe_open
from torch import nn

from cnnviz.errors import BadWeights
from cnnviz.folders import cache_folder
from cnnviz.weights.files import check_size, fitting, harmless, load, most_bytes
from cnnviz.weights.published import Published, published_for, source_url
from cnnviz.weights.seeded import Initialises, initialise

__all__ = [
    "Initialises",
    "Published",
    "Source",
    "Training",
    "bundled",
    "cache_folder",
    "fill",
    "initialise",
    "keep",
    "load",
    "published_for",
    "resolve",
]

Kind = Literal["random", "bundled", "imagenet", "file", "made"]

_BUNDLED = Path(__file__).resolve().parents[2] / "assets" / "weights"
_AUXILIARY_HEADS = ("aux1", "aux2")  # in googlenet-bn's checkpoint even where the network has them off


@dataclass(frozen=True)
class Training:
    """What bundled weights have learned from.

    Attributes:
        dataset: its name, as `cnnviz.training` has it.
        size: side of the input they have learned at; None where that is the network's own.
        classes: how many there are; None for as many as the network usually has.
    """

    dataset: str
    size: int | None = None
    classes: int | None = None


@dataclass(frozen=True)
class Source:
    """Where a network's weights come from.

    Attributes:
        kind: `made` are those that a network of the user's own has when it comes.
        path: the file, None for random weights and those that came with the network.
        seed: of random weights.
        network: that `made` weights came with.
    """

    kind: Kind
    path: Path | None = None
    seed: int = 0
    network: str = ""

    @property
    def trained(self) -> bool | None:
        """Whether they have learned something; None where nobody knows."""
        return None if self.kind == "made" else self.kind != "random"

    @property
    def label(self) -> str:
        """A phrase that names the weights wherever something computed with them is shown."""
        if self.kind == "made":
            return f"weights as {self.network} makes them"
        if self.path is None:
            return f"random weights, seed {self.seed} (untrained)"
        if self.kind == "bundled":
            dataset = f" on {self.training.dataset}" if self.training else ""
            return f"weights trained by this project{dataset} ({self.path.name})"
        if self.kind == "imagenet":
            return f"published ImageNet weights ({self.path.name})"
        return f"weights from the file {harmless(self.path.name)}"

    @property
    def training(self) -> Training | None:
        """What bundled weights have learned from; of all others only their makers know."""
        return _training(self.path) if self.path and self.kind == "bundled" else None


@cache
def _training(path: Path) -> Training | None:
    with safe_open(path, framework="pt") as file:
        facts = json.loads((file.metadata() or {}).get("training", "{}"))
    return Training(facts["dataset"], facts.get("size"), facts.get("classes")) if facts else None


def bundled(key: str) -> Source | None:
    """The weights that come along for a network, if there are any."""
    file = _BUNDLED / f"{key}.safetensors"
    return Source("bundled", file) if file.is_file() else None


def resolve(key: str, weights: str = "auto", checkpoint: str | None = None, seed: int = 0) -> Source:
    """The weights that are meant by a word or a path.

    Args:
        key: the network's.
        weights: `random`, `bundled`, `imagenet`, a file's path, or `auto`: ImageNet where it is
            already on disk, else bundled, else random.
        checkpoint: file name of the published weights that fit the network, if there are any.
        seed: of random weights.

    Raises:
        BadWeights: the weights asked for aren't there; the message says what to do.
    """
    ours = bundled(key)
    on_disk = cache_folder() / checkpoint if checkpoint else None
    if weights == "random":
        return Source("random", seed=seed)
    if weights == "auto":
        if on_disk and on_disk.is_file():
            return Source("imagenet", on_disk)
        return ours or Source("random", seed=seed)
    if weights == "bundled":
        if ours is None:
            raise BadWeights(f"No weights for {key} come along: use 'random', 'auto' or a file.")
        return ours
    if weights == "imagenet":
        if on_disk is None:
            raise BadWeights(f"No published ImageNet weights fit {key}: use 'random', 'auto' or a file.")
        if not on_disk.is_file():
            raise BadWeights(
                f"The ImageNet weights of {key} aren't on this machine: 'cnnviz weights fetch {key}' gets them, "
                f"or put {checkpoint} from {source_url()} into {on_disk.parent}."
            )
        return Source("imagenet", on_disk)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise BadWeights(
            f"There is no weight file '{harmless(weights)}': weights are 'auto', 'random', 'bundled', "
            f"'imagenet' or the path of a file."
        )
    return Source("file", path)


def fill(module: nn.Module, source: Source) -> None:
    """Give a module the weights that `resolve` found.

    Raises:
        BadWeights: as `load`.
    """
    if source.kind == "made":
        return
    if source.path is None:
        initialise(module, source.seed)
    else:
        load(module, source.path, ignore=_AUXILIARY_HEADS, legacy=source.kind == "imagenet")


def keep(module: nn.Module, data: "bytes | memoryview", name: str, folder: Path) -> Path:
    """A visitor's weight file, put into a folder, by its digest; it is there only if `fill` takes it for the module.

    Args:
        module: which may be on meta, and is left as it is.
        name: as the visitor has it; its last part is kept where it does no harm.

    Raises:
        BadWeights: as `load`, before anything is written where the file is too large; or the disk is full.
    """
    known = harmless(name.replace("\\", "/").rpartition("/")[2])[-60:].strip(". ") or "weights"
    check_size(len(data), most_bytes(module), known)
    file = folder / hashlib.sha256(data).hexdigest() / known
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        fitting(module, file, _AUXILIARY_HEADS)
    except BaseException as error:
        shutil.rmtree(file.parent, ignore_errors=True)
        if isinstance(error, OSError):
            raise BadWeights(f"'{known}' can't be kept on this machine ({error.strerror or error}).") from error
        raise
    return file
