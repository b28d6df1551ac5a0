"""Weights out of a file, which is as untrusted as a picture.

Before anything of it is unpacked, its size and its list of contents are held against what the
network needs; nothing in it is ever executed.
"""

import os
import pickle
import pickletools
import re
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor, nn

from cnnviz.errors import BadWeights
from cnnviz.weights.seeded import materialise, reset_statistics

_FLOATS = {  # that torch converts into each other; float4 and quantised types it doesn't
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz, torch.float8_e8m0fnu),
}
_GLOBALS = re.compile(  # what torch.save names in the pickle of a state_dict
    r"collections OrderedDict|torch\._utils _rebuild_(tensor_v[23]|parameter)|torch\.storage UntypedStorage|"
    r"torch (\w+Storage|b?float\w+|u?int\w+|complex\w+|bool)"
)
_SAVE_AS = "save it with torch.save(module.state_dict(), …) or as safetensors"


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
    tensors = fitting(module, source, ignore, legacy)
    materialise(module)
    with torch.no_grad():
        for child in module.modules():
            reset_statistics(child)
        for key, target in module.state_dict().items():
            if key in tensors:
                target.copy_(tensors[key])


def most_bytes(module: nn.Module) -> int:
    """The size of the largest file that `load` takes for a module, which may be on meta."""
    return _limits(module.state_dict()).file


def fitting(module: nn.Module, source: Path, ignore: tuple[str, ...] = (), legacy: bool = False) -> dict[str, Tensor]:
    """The tensors with which `load` would fill a module, which may be on meta and is left as it is.

    Raises:
        BadWeights: as `load`.
    """
    name = harmless(source.name)
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
    return tensors


class _Limits(NamedTuple):
    """The most that a file may hold: bytes, tensors, and bytes of their names and shapes."""

    file: int
    tensors: int
    listing: int


def _limits(needed: Mapping[str, Tensor]) -> _Limits:
    # Twice: a file may hold float64, or heads that are off. Names and shapes take their room too.
    tensors = 2 * len(needed) + 100
    listing = 1_000 * tensors
    return _Limits(2 * sum(t.numel() * t.element_size() for t in needed.values()) + listing, tensors, listing)


def _read(source: Path, name: str, needed: Mapping[str, Tensor], legacy: bool) -> dict[str, Tensor]:
    most = _limits(needed)
    check_size(source.stat().st_size, most.file, name)
    with source.open("rb") as file:
        start = file.read(9)
    if zipfile.is_zipfile(source):
        _check_archive(source, name, most)
        # mmap: storages are views of the file, so that claimed sizes cost nothing
        return _only_tensors(torch.load(source, "cpu", weights_only=True, mmap=True), name)
    if start[8:] == b"{":
        if struct.unpack("<Q", start[:8])[0] > most.listing:
            raise BadWeights(f"'{name}' lists far more tensors than this network has: choose another file.")
        with safe_open(source, framework="pt") as file:
            keys = file.keys()
            return {key: file.get_tensor(key) for key in keys}
    if legacy:
        return _only_tensors(torch.load(source, "cpu", weights_only=True), name)
    if start[:1] == b"\x80":
        raise BadWeights(f"'{name}' is a bare pickle, as PyTorch wrote before version 1.6: {_SAVE_AS}.")
    raise BadWeights(f"'{name}' is no weight file that we can read: {_SAVE_AS}.")


def _check_archive(source: Path, name: str, most: _Limits) -> None:
    """Refuse a ZIP that torch.save didn't write from a state_dict, or that unpacks to too much."""
    directory = _directory(source)
    if directory is None:
        raise BadWeights(f"'{name}' is a ZIP archive, but none that torch.save made: {_SAVE_AS}.")
    if directory > most.listing:
        raise BadWeights(f"'{name}' lists far more tensors than this network has: choose another file.")
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
        _check_contents(source, name, most, entries)
        _check_pickle(archive.read(next(entry for entry in entries if entry.filename.endswith("/data.pkl"))))


def _directory(source: Path) -> int | None:
    """Bytes of a ZIP archive's list of contents; None where it isn't there where all readers look for it.

    Python takes it to end where the archive's last record begins, torch goes where that says that the list begins: one
    file could show each of them a list of its own.
    """
    with source.open("rb") as file:
        file.seek(-98, os.SEEK_END)
        end, tail = file.tell(), file.read()
    large, locator, last = tail[:56], tail[56:76], tail[76:]
    size, offset, comment = struct.unpack("<IIH", last[12:])
    if locator[:4] == b"PK\6\7":
        if large[:4] != b"PK\6\6" or struct.unpack("<Q", locator[8:16])[0] != end:
            return None
        size, offset = struct.unpack("<QQ", large[40:])
    else:
        end += 76
    return size if last[:4] == b"PK\5\6" and not comment and offset + size == end else None


def _check_contents(source: Path, name: str, most: _Limits, entries: list[zipfile.ZipInfo]) -> None:
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
    check_size(sum(entry.file_size for entry in entries), most.file, name)
    listing = next(entry.file_size for entry, path in zip(entries, inner, strict=True) if path == "data.pkl")
    if len(entries) > most.tensors or listing > most.listing:
        raise BadWeights(f"'{name}' lists far more tensors than this network has: choose another file.")


def _check_pickle(listing: bytes) -> None:
    """Refuse what torch.save never writes of a state_dict.

    `weights_only` runs no code, but among what it does allow a few bytes can take any amount of memory:
    `bytearray(10**10)`, or an OrderedDict that is made of another, again and again.

    Raises:
        pickle.UnpicklingError: it asks for more.
    """
    steps: list[tuple[str, Any]] = []
    dictionaries = set()  # where OrderedDict itself lies in the memo
    makes_one: list[int] = []
    for opcode, argument, _ in pickletools.genops(listing):
        if opcode.name in ("BINPUT", "LONG_BINPUT"):
            if makes_one and makes_one[-1] == len(steps) - 1:
                dictionaries.add(argument)
            continue
        remembered = opcode.name in ("BINGET", "LONG_BINGET") and argument in dictionaries
        if remembered or (opcode.name == "GLOBAL" and argument == "collections OrderedDict"):
            makes_one.append(len(steps))
        steps.append((opcode.name, argument))
    asked = {argument for kind, argument in steps if kind == "GLOBAL"}
    kinds = [kind for kind, _ in steps]
    if (
        not all(_GLOBALS.fullmatch(name) for name in asked)
        or any(kinds[at + 1 : at + 3] != ["EMPTY_TUPLE", "REDUCE"] for at in makes_one)
        or kinds.count("BUILD") > 1  # the state_dict's own versions
        or "NEWOBJ" in kinds
    ):
        raise pickle.UnpicklingError


def check_size(size: int, most: int, name: str) -> None:
    """Refuse a file that is larger than `most_bytes`.

    Raises:
        BadWeights: it is.
    """
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
        and (found.dtype == needed.dtype or (found.dtype in _FLOATS and needed.dtype in _FLOATS))
    )


def _shape(tensor: Tensor) -> str:
    kind = "" if tensor.dtype in _FLOATS else f" {str(tensor.dtype).removeprefix('torch.')}"
    return (" x ".join(f"{side:,}" for side in tensor.shape) or "one value") + kind


def _first_three(keys: Iterable[str]) -> str:
    keys = list(keys)
    # A tensor's name comes from the file: no line breaks, no markup, no novels.
    return ", ".join(harmless(key) for key in keys[:3]) + (", …" if len(keys) > 3 else "")


def harmless(text: str) -> str:
    """Text from outside, safe to show on a page, in Markdown and on a terminal."""
    return re.sub(r"[^\w .,:/()+-]", "_", text)[-100:]
