"""What a network is filled with: seeded random, bundled, published, or a file of the user's.

A weight file is as untrusted as a picture. Before anything of it is unpacked, its size and
its list of contents are held against what the network needs; nothing in it is ever executed.
"""

import hashlib
import json
import math
import os
import pickle
import re
import struct
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from safetensors import safe_open
from torch import Tensor, nn

from cnnviz.errors import BadWeights
from cnnviz.operations import describe_module

Kind = Literal["random", "bundled", "imagenet", "file", "made"]

_BUNDLED = Path(__file__).resolve().parent.parent / "assets" / "weights"
_AUXILIARY_HEADS = ("aux1", "aux2")  # in googlenet-bn's checkpoint even where the network has them off
_SATURATING = {"tanh", "sigmoid", "softsign", "hardtanh", "hardsigmoid"}
_RECTIFYING = {"relu", "relu6", "leakyrelu", "prelu", "elu", "gelu", "silu", "selu", "mish"}
_SAVE_AS = "save it with torch.save(module.state_dict(), …) or as safetensors"


# --- which weights -----------------------------------------------------------


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
        return f"weights from the file {_harmless(self.path.name)}"

    @property
    def training(self) -> Training | None:
        """What bundled weights have learned from; of all others only their makers know."""
        return _training(self.path) if self.path and self.kind == "bundled" else None


@cache
def _training(path: Path) -> Training | None:
    with safe_open(path, framework="pt") as file:
        facts = json.loads((file.metadata() or {}).get("training", "{}"))
    return Training(facts["dataset"], facts.get("size"), facts.get("classes")) if facts else None


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
    bundled = _BUNDLED / f"{key}.safetensors"
    published = cache_folder() / checkpoint if checkpoint else None
    if weights == "random":
        return Source("random", seed=seed)
    if weights == "auto":
        if published and published.is_file():
            return Source("imagenet", published)
        return Source("bundled", bundled) if bundled.is_file() else Source("random", seed=seed)
    if weights == "bundled":
        if not bundled.is_file():
            raise BadWeights(f"No weights for {key} come along: use 'random', 'auto' or a file.")
        return Source("bundled", bundled)
    if weights == "imagenet":
        if published is None:
            raise BadWeights(f"No published ImageNet weights fit {key}: use 'random', 'auto' or a file.")
        if not published.is_file():
            raise BadWeights(
                f"The ImageNet weights of {key} aren't on this machine: put {checkpoint} "
                f"from https://download.pytorch.org/models/ into {published.parent}."
            )
        return Source("imagenet", published)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise BadWeights(
            f"There is no weight file '{_harmless(weights)}': weights are 'auto', 'random', 'bundled', "
            f"'imagenet' or the path of a file."
        )
    return Source("file", path)


def cache_folder() -> Path:
    """Where published checkpoints are kept: $CNNVIZ_CACHE, else `cnnviz` in the platform's cache."""
    if chosen := os.environ.get("CNNVIZ_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "cnnviz"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/cnnviz").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "cnnviz"


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


# --- random weights ----------------------------------------------------------


@runtime_checkable
class Initialises(Protocol):
    """A module whose own parameters need other values than a convolution's fills them itself."""

    def initialise(self, generator: torch.Generator) -> None:
        """Set the module's own parameters (not its children's), random ones from `generator`."""
        ...


def initialise(module: nn.Module, seed: int = 0) -> None:
    """Fill every parameter, the same for a seed on every thread and whatever ran before.

    Kernels and matrices are normal with zero mean and standard deviation gain / sqrt(fan-in):
    gain sqrt(2) (He, Zhang, Ren, Sun 2015, equation 10), or 1 in a network that saturates
    (tanh or sigmoid and no ReLU; LeCun, Bottou, Orr, Müller 1998, section 4.6). Vectors are 0
    where they are called bias, else 1, so that a normalisation begins as the identity. Running
    statistics are reset, other buffers are constants and kept.

    A tensor's values depend on the seed and on its own name alone: heads that are switched
    on leave the trunk as it was.

    Raises:
        BadWeights: a constant was lost, because the module was built on the meta device.
    """
    _materialise(module)
    operations = {known.op for child in module.modules() if (known := describe_module(child))}
    gain = 1.0 if operations & _SATURATING and not operations & _RECTIFYING else math.sqrt(2)
    with torch.no_grad():
        for path, child in module.named_modules():
            if isinstance(child, Initialises):
                child.initialise(_generator(seed, path))
                continue
            for name, parameter in child.named_parameters(recurse=False):
                if parameter.ndim >= 2:
                    deviation = gain / math.sqrt(max(1, math.prod(parameter.shape[1:])))
                    generator = _generator(seed, f"{path}.{name}")
                    if parameter.device.type == "cpu":
                        parameter.normal_(0, deviation, generator=generator)
                    else:  # the same values as on the CPU
                        values = torch.empty(parameter.shape, dtype=parameter.dtype)
                        parameter.copy_(values.normal_(0, deviation, generator=generator))
                else:
                    parameter.fill_(0.0 if name.endswith("bias") else 1.0)
            _reset_statistics(child)


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _materialise(module: nn.Module) -> None:
    """Give tensors on the meta device (empty) memory on the CPU."""
    for child in module.modules():
        lost = [name for name, buffer in child.named_buffers(recurse=False) if buffer.is_meta]
        if lost and not hasattr(child, "reset_running_stats"):
            raise BadWeights(
                f"The constant '{lost[0]}' of {type(child).__name__} has no values on the meta device: "
                f"build the network on the CPU."
            )
    # What to_empty does, but for these tensors only: the others hold constants.
    module._apply(  # type: ignore[no-untyped-call]
        lambda tensor: torch.empty_like(tensor, device="cpu") if tensor.is_meta else tensor
    )


def _reset_statistics(child: nn.Module) -> None:
    if callable(reset := getattr(child, "reset_running_stats", None)):
        reset()


# --- weights from a file -----------------------------------------------------


def load(module: nn.Module, source: Path, ignore: tuple[str, ...] = (), *, legacy: bool = False) -> None:
    """Fill a module from a safetensors file, or from a state_dict saved by torch.save.

    The module takes all or nothing: it is written to only when every tensor has been found fit.
    Other float types are converted to the module's. Batch norm's counters may be missing.

    Args:
        source: the file; its format is told by its content.
        ignore: first parts of names (`aux1`) whose tensors may be in the file while the module
            has no child of that name.
        legacy: also take what torch.save wrote before version 1.6, as some published
            checkpoints are. Only for files that are known.

    Raises:
        BadWeights: the file can't be read, is larger than the network can need, contains
            anything but tensors, or doesn't fit; then the message names the first three
            missing, surplus and misshapen tensors.
    """
    name = _harmless(source.name)
    needed = module.state_dict()
    try:
        tensors = {
            key: tensor
            for key, tensor in _read(source, name, needed, legacy).items()
            if not ((top := key.partition(".")[0]) in ignore and not hasattr(module, top))
        }
        _check_fit(needed, tensors, name)
    except BadWeights:
        raise
    except pickle.UnpicklingError as error:
        raise BadWeights(f"'{name}' contains more than tensors, which could run code: {_SAVE_AS}.") from error
    except FileNotFoundError as error:
        raise BadWeights(f"There is no weight file '{name}'.") from error
    except Exception as error:
        # Deliberately everything: two parsers answer hostile bytes with a dozen types of exception.
        raise BadWeights(f"'{name}' can't be read as weights, it is damaged or of another kind: {_SAVE_AS}.") from error
    _materialise(module)
    with torch.no_grad():
        for child in module.modules():
            _reset_statistics(child)
        for key, target in module.state_dict().items():
            if key in tensors:
                target.copy_(tensors[key])


def _read(source: Path, name: str, needed: Mapping[str, Tensor], legacy: bool) -> dict[str, Tensor]:
    # Twice: a file may hold float64, or heads that are off. Names and shapes take their room too.
    most_tensors = 2 * len(needed) + 100
    most_listing = 1_000 * most_tensors
    most_bytes = 2 * sum(t.numel() * t.element_size() for t in needed.values()) + most_listing
    size = source.stat().st_size
    _check_size(size, most_bytes, name)
    with source.open("rb") as file:
        start = file.read(9)
    if zipfile.is_zipfile(source):
        _check_archive(source, name, most_bytes, most_listing, most_tensors)
        # mmap: storages are views of the file, so that claimed sizes cost nothing
        return _only_tensors(torch.load(source, "cpu", weights_only=True, mmap=True), name)
    if start[8:] == b"{":
        if struct.unpack("<Q", start[:8])[0] > most_listing:
            raise BadWeights(f"'{name}' lists far more tensors than this network has: choose another file.")
        with safe_open(source, framework="pt") as file:
            keys = file.keys()
            return {key: file.get_tensor(key) for key in keys}
    if legacy:
        return _only_tensors(torch.load(source, "cpu", weights_only=True), name)
    if start[:1] == b"\x80":
        raise BadWeights(f"'{name}' is a bare pickle, as PyTorch wrote before version 1.6: {_SAVE_AS}.")
    raise BadWeights(f"'{name}' is no weight file that we can read: {_SAVE_AS}.")


def _check_archive(source: Path, name: str, most_bytes: int, most_listing: int, most_tensors: int) -> None:
    """Refuse a ZIP that torch.save didn't write from a state_dict, or that unpacks to too much."""
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
    inner = [entry.filename.partition("/")[2] for entry in entries]
    if any(path == "constants.pkl" or path.startswith("code/") for path in inner):
        raise BadWeights(f"'{name}' is a TorchScript program, which could run code: {_SAVE_AS}.")
    if source.suffix == ".pt2" or any(re.match(r"archive_format|models/|serialized_", path) for path in inner):
        raise BadWeights(f"'{name}' is an exported program (.pt2), which could run code: {_SAVE_AS}.")
    known = r"data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+"
    if inner.count("data.pkl") != 1 or not all(re.fullmatch(known, path) for path in inner):
        raise BadWeights(f"'{name}' is a ZIP archive, but none that torch.save made: {_SAVE_AS}.")
    # torch.save stores and never compresses: a compressed entry is a bomb or a mishap.
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise BadWeights(f"'{name}' is compressed, which torch.save never does: {_SAVE_AS}.")
    _check_size(sum(entry.file_size for entry in entries), most_bytes, name)
    listing = next(entry.file_size for entry, path in zip(entries, inner, strict=True) if path == "data.pkl")
    if len(entries) > most_tensors or listing > most_listing:
        raise BadWeights(f"'{name}' lists far more tensors than this network has: choose another file.")


def _check_size(size: int, most: int, name: str) -> None:
    if size > most:
        raise BadWeights(
            f"'{name}' holds {size / 1e6:,.1f} MB, more than the {most / 1e6:,.1f} MB that this network "
            f"could need: choose a file made for it, with the state_dict alone."
        )


def _only_tensors(content: Any, name: str) -> dict[str, Tensor]:
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise BadWeights(f"'{name}' holds no state_dict but {type(content).__name__}: {_SAVE_AS}.")
    others = [key for key, value in content.items() if not isinstance(value, Tensor)]
    if others:
        raise BadWeights(f"'{name}' holds more than tensors ({_first_three(others)}): {_SAVE_AS}.")
    return dict(content)


def _check_fit(needed: Mapping[str, Tensor], found: Mapping[str, Tensor], name: str) -> None:
    missing = [key for key in needed if key not in found and key.rpartition(".")[2] != "num_batches_tracked"]
    surplus = [key for key in found if key not in needed]
    misshapen = [
        f"{key}: {_shape(found[key])} instead of {_shape(tensor)}"
        for key, tensor in needed.items()
        if key in found and not _same_kind(found[key], tensor)
    ]
    complaints = [
        f"{len(keys)} {'tensor is' if len(keys) == 1 else 'tensors are'} {what} ({_first_three(keys)})"
        for what, keys in (("missing", missing), ("surplus", surplus), ("misshapen", misshapen))
        if keys
    ]
    if complaints:
        raise BadWeights(f"'{name}' doesn't fit this network: {', '.join(complaints)}.")


def _same_kind(found: Tensor, needed: Tensor) -> bool:
    return (
        found.shape == needed.shape
        and found.device.type == "cpu"
        and found.layout == torch.strided
        and found.is_floating_point() == needed.is_floating_point()
        and found.is_complex() == needed.is_complex()
    )


def _shape(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() else f" {str(tensor.dtype).removeprefix('torch.')}"
    return (" x ".join(f"{side:,}" for side in tensor.shape) or "one value") + kind


def _first_three(keys: Iterable[str]) -> str:
    keys = list(keys)
    # A tensor's name comes from the file: no line breaks, no markup, no novels.
    return ", ".join(_harmless(key) for key in keys[:3]) + (", …" if len(keys) > 3 else "")


def _harmless(text: str) -> str:
    """Text from outside, safe to show on a page, in Markdown and on a terminal."""
    return re.sub(r"[^\w .,:/()+-]", "_", text)[-100:]
