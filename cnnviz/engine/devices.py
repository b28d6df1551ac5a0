"""The devices of this machine: which there are, and what their errors mean."""

import re

import torch

from cnnviz.errors import DeviceUnavailable

_OUT_OF_MEMORY = re.compile("out of memory|not enough memory|can't allocate memory|ALLOC_FAILED", re.IGNORECASE)
# after these nothing more can be had of a device by the same thread, on CUDA often by the same process
_BROKEN = re.compile(
    r"CUDA error|CUDA driver error|cuDNN error|CUDNN_STATUS|CUBLAS_STATUS|device-side assert|MPS backend|MPSNDArray",
    re.IGNORECASE,
)


def choose_device(wanted: str = "auto") -> torch.device:
    """The device to compute on: CUDA, else Apple's MPS, else the CPU, or the one that is asked for.

    Raises:
        DeviceUnavailable: it isn't there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, available in there.items() if available))
    try:
        place = torch.device(wanted)
    except RuntimeError:
        place = torch.device("meta")
    if not there.get(place.type, False) or (place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count()):
        raise DeviceUnavailable(
            f"The device '{wanted}' isn't there; use {' or '.join(name for name, ok in there.items() if ok)}."
        )
    return place


def places(wanted: str = "auto") -> list[torch.device]:
    """The devices that may do what is wanted, any of them as well: of several GPUs all, by their number.

    Raises:
        DeviceUnavailable: as `choose_device`.
    """
    chosen = choose_device(wanted)
    if chosen.type != "cuda":
        return [torch.device(chosen.type)]
    if wanted == "auto":
        return [torch.device("cuda", number) for number in range(max(1, torch.cuda.device_count()))]
    return [torch.device("cuda", chosen.index or 0)]


def name_of(place: torch.device) -> str:
    """What a reader knows it by."""
    return str(torch.cuda.get_device_name(place)) if place.type == "cuda" else place.type.upper()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether less of the same could work; the CPU's error is a plain RuntimeError."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))
    )


def is_broken(error: BaseException) -> bool:
    """Whether the device itself is at fault, and a fresh start is needed."""
    return isinstance(error, RuntimeError) and not is_out_of_memory(error) and bool(_BROKEN.search(str(error)))
