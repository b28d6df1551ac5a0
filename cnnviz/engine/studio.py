"""What is asked about a picture besides its maps; the engine's workers find it out."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cnnviz.activations import computed as numbers
from cnnviz.activations import kernels as weights_of
from cnnviz.activations import statistics as over_depth
from cnnviz.activations.attribution import Heat
from cnnviz.activations.field import effective_field
from cnnviz.activations.parts import Computed
from cnnviz.activations.prepared import prepared
from cnnviz.activations.statistics import Statistics
from cnnviz.catalogue import Options, describe
from cnnviz.engine.budget import Budget
from cnnviz.engine.local import Engine, engine
from cnnviz.engine.results import ENTRY, Outcome, Picture
from cnnviz.errors import BadOption
from cnnviz.images import Fit, to_input
from cnnviz.networks import card, source_for
from cnnviz.recorder import uncompiled
from cnnviz.trace import trace

T = TypeVar("T")
Wait = Callable[[int], None] | None
"""As `Engine.maps` takes it."""
Step = Callable[[], None]


@dataclass(frozen=True)
class Subject:
    """What is asked about: a network, the picture that it looks at, and how; as `Engine.maps` takes them."""

    options: Options
    picture: Picture
    weights: str = "auto"
    fit: Fit = "crop"

    @property
    def input(self) -> Tensor:
        """(1, C, H, W): the picture as the network receives it."""
        return torch.from_numpy(to_input(self.picture.image, card(self.options.network), self.options.size, self.fit))


@dataclass(frozen=True, eq=False)
class Kernels:
    """Kernels of a convolution that belong on one sheet.

    Attributes:
        weights: (n, height, width), or (n, 3, height, width) where they read red, green and blue.
        of: the output channel, one of whose kernels each is; None where there is one for every output channel.
        channels: how many output channels there are.
    """

    weights: npt.NDArray[np.float32]
    of: int | None
    channels: int


class Studio:
    """Answers questions about pictures.

    Args:
        engine: whose workers find the answers, and whose maps they are read from.
        most_bytes: of the answers that are kept.
    """

    def __init__(self, engine: Engine, most_bytes: int = 50_000_000) -> None:
        self._engine = engine
        self._kept: Budget[Outcome[Any]] = Budget(most_bytes, _size)
        self._progress: dict[Hashable, tuple[int, int]] = {}

    def statistics(self, subject: Subject, *, on_wait: Wait = None) -> Outcome[tuple[Statistics, ...]]:
        """Every layer's statistics."""

        def work(module: nn.Module, place: torch.device, step: Step) -> tuple[Statistics, ...]:
            return over_depth.statistics(module, subject.input.to(place), on_step=lambda *_: step())

        return self._answer("statistics", work, subject, on_wait)

    def number(self, subject: Subject, path: str, place: Sequence[int], *, on_wait: Wait = None) -> Outcome[Computed]:
        """How a layer came to one number; read from the maps that the engine has of the picture.

        Raises:
            BadOption: the layer has no such place.
        """
        options = subject.options
        graph = describe(options)
        maps = {
            each: self._engine.maps(
                options, subject.picture, each, weights=subject.weights, fit=subject.fit, on_wait=on_wait
            ).maps
            for each in numbers.needed(graph, path)
        }

        def work(module: nn.Module, where: torch.device, step: Step) -> Computed:
            module, shape = uncompiled(module), graph.input_shape
            # the weights may know other classes than the network was published with
            usual = all(maps[each].shape == graph.layer(each).output_shape for each in maps)
            own = graph if usual else trace(module, shape, network=options.network)
            program = prepared(module, (1, *shape), torch.float32).program
            return numbers.computed(module, own, maps, path, place, program)

        what = ("number", path, tuple(place), subject.picture.digest, subject.fit)
        return self._engine.compute(what, work, options, weights=subject.weights, on_wait=on_wait)

    def field(self, subject: Subject, path: str, place: Sequence[int], *, on_wait: Wait = None) -> Outcome[Heat]:
        """How much each pixel of the picture weighs in one number, as `effective_field` says."""

        def work(module: nn.Module, where: torch.device, step: Step) -> Heat:
            return effective_field(module, subject.input.to(where), path, place)

        return self._answer(("field", path, tuple(place)), work, subject, on_wait)

    def kernels(
        self, options: Options, path: str, of: int = 0, *, weights: str = "auto", on_wait: Wait = None
    ) -> Outcome[Kernels]:
        """The kernels of a convolution: all, where it reads colours or a single map, else those of one output channel.

        Raises:
            BadOption: the layer is no convolution of maps, or has no such output channel.
        """
        graph = describe(options)

        def work(module: nn.Module, where: torch.device, step: Step) -> Kernels:
            found = weights_of.kernels(module, graph, path)
            channels, depth = found.shape[:2]
            if depth == 1:
                return Kernels(found[:, 0], None, channels)
            if depth == 3 and graph.incoming(path)[0].source == graph.layers[0].path:
                return Kernels(found, None, channels)
            if not 0 <= of < channels:
                raise BadOption(f"You gave output channel {of}, but {path} has {channels}, counted from 0.")
            return Kernels(found[of].copy(), of, channels)

        return self._engine.compute(("kernels", path, of), work, options, weights=weights, on_wait=on_wait)

    def largest(self, subject: Subject, *, on_wait: Wait = None) -> float:
        """The largest absolute value in the maps of all layers."""
        layers = self.statistics(subject, on_wait=on_wait).value
        return max((max(abs(layer.low), abs(layer.high)) for layer in layers if len(layer.shape) == 3), default=0.0)

    def _answer(
        self,
        what: Hashable,
        work: Callable[[nn.Module, torch.device, Step], T],
        subject: Subject,
        on_wait: Wait,
    ) -> Outcome[T]:
        """What was found before, or is found now and kept."""
        options = subject.options
        # the words for weights may mean others in a moment: published ones may arrive
        source = source_for(options.network, subject.weights, **options.chosen)
        key = (what, options, subject.picture.digest, source, subject.fit)
        found = self._kept.get(key)
        if found is None:
            asked = (what, subject.picture.digest, subject.fit)
            found = self._engine.compute(asked, work, options, weights=subject.weights, on_wait=on_wait)
            self._kept.put(key, found)
        return cast(Outcome[T], found)


def _size(value: Any) -> int:
    """Bytes of an answer, about."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, tuple):
        return sum(map(_size, value))
    if is_dataclass(value):
        return ENTRY // 10 + sum(_size(getattr(value, part.name)) for part in fields(value))
    return ENTRY // 100


@cache
def studio() -> Studio:
    """The one that everything in this process shares."""
    return Studio(engine())
