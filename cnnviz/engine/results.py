"""A picture, what is asked about it, and what is held of the answers."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from cnnviz.activations.pictures import Maps, Scale, quantise
from cnnviz.catalogue import Options
from cnnviz.engine.passes import Precision
from cnnviz.images import Fit
from cnnviz.prediction import Prediction
from cnnviz.weights import Source

T = TypeVar("T")
ENTRY = 2_000  # bytes of what holds a picture's maps: a drawing's are few, and each of its strokes makes new ones


@dataclass(frozen=True)
class Picture:
    """A picture with the digest of the file that it came from, by which equal requests are known."""

    image: Image.Image
    digest: str


@dataclass(frozen=True)
class Result:
    """What a layer gives for a picture.

    Attributes:
        maps: (C, H, W), or (features,) for a fully connected layer.
        weights: a phrase that names the weights behind it.
        trained: whether they have learned something; None where nobody knows.
        device: where it was computed.
        note: a sentence on what was done otherwise than asked, '' if nothing.
    """

    maps: npt.NDArray[np.float32]
    weights: str
    trained: bool | None
    device: str
    note: str = ""
    _drawn: dict[Scale, Maps] = field(default_factory=dict, compare=False)
    _grown: Callable[[], None] = field(default=lambda: None, compare=False)

    def drawn(self, scale: Scale) -> Maps:
        """The maps ready to be drawn; made once, however many look at them."""
        if scale not in self._drawn:
            self._drawn[scale] = quantise(self.maps, scale)
            self._grown()
        return self._drawn[scale]


@dataclass(frozen=True)
class Answer:
    """What a network takes a picture for.

    Attributes:
        options: what was run: where they leave it open, at the size and with the classes that the weights have learned.
        weights, trained, device, note: as in `Result`.
    """

    prediction: Prediction
    options: Options
    weights: str
    trained: bool | None
    device: str
    note: str = ""


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What some other work on a network gave; the attributes are as `Result` has them."""

    value: T
    weights: str
    trained: bool | None
    device: str
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """What a visitor asks for."""

    options: Options
    picture: Picture
    layer: str
    source: Source
    fit: Fit
    precision: Precision
    place: torch.device
    note: str = ""

    @property
    def key(self) -> tuple[Hashable, ...]:
        """The same for every layer of one picture."""
        return (self.options, self.picture.digest, self.source, self.fit, self.precision, str(self.place), self.note)


class Seen:
    """The maps of one picture, on the device that made them; more may be on their way.

    Attributes:
        device: where they are made, as a reader knows it.
        broken_off: whether there are no more to come though there could be, as others had to be served.
    """

    def __init__(self, asked: Asked, device: str = "CPU") -> None:
        self.asked, self.device = asked, device
        self.broken_off = False
        self.note = asked.note
        self.maps: dict[str, Tensor] = {}
        self.results: dict[str, Result] = {}

    @property
    def nbytes(self) -> int:
        """Of all that is held, the entry itself included; what lies in the same memory counts once."""
        storages = [tensor.untyped_storage() for tensor in list(self.maps.values())]
        memory = {storage.data_ptr(): storage.nbytes() for storage in storages}
        for result in list(self.results.values()):
            memory[result.maps.ctypes.data] = max(memory.get(result.maps.ctypes.data, 0), result.maps.nbytes)
            for drawn in list(result._drawn.values()):
                memory[id(drawn)] = drawn.values.nbytes
        return ENTRY + sum(memory.values())
