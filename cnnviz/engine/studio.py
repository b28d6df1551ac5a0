"""What is asked about a picture besides its maps; the engine's workers find it out."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cnnviz.activations import attribution
from cnnviz.activations import computed as numbers
from cnnviz.activations import kernels as weights_of
from cnnviz.activations import statistics as over_depth
from cnnviz.activations.attribution import GradCam, Heat, Occlusion
from cnnviz.activations.field import effective_field
from cnnviz.activations.parts import Computed
from cnnviz.activations.prepared import prepared
from cnnviz.activations.statistics import Statistics
from cnnviz.catalogue import Options, describe
from cnnviz.engine.budget import Budget
from cnnviz.engine.effort import check_pass
from cnnviz.engine.local import Engine, engine
from cnnviz.engine.results import ENTRY, Outcome, Picture
from cnnviz.errors import BadOption, CnnvizError
from cnnviz.images import Fit, to_input
from cnnviz.networks import card, source_for
from cnnviz.recorder import uncompiled
from cnnviz.trace import trace

T = TypeVar("T")
Wait = Callable[[int], None] | None
"""As `Engine.maps` takes it."""
Step = Callable[[], None]
COVERED = 4  # pictures at once


@dataclass(frozen=True)
class Subject:
    """What is asked about: a network, the picture that it looks at, and how; as `Engine.maps` takes them."""

    options: Options
    picture: Picture
    weights: str = "auto"
    fit: Fit = "crop"

    @property
    def key(self) -> tuple[Hashable, ...]:
        """The same for equal answers. The words for weights may mean others in a moment: published ones may arrive."""
        source = source_for(self.options.network, self.weights, **self.options.chosen)
        return self.options, self.picture.digest, source, self.fit

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


class Running:
    """Work that goes on while a page does other things, for as long as somebody looks after it."""

    UNWATCHED = 15.0  # seconds after which whoever asked is taken to be gone

    def __init__(self) -> None:
        self.share = 0.0
        self.failed = ""
        self._stopped = self._over = False
        self._looked = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether it has ended, in whatever way; asking is a sign that somebody still wants it."""
        self._looked = time.monotonic()
        return self._over

    def stop(self) -> None:
        """Want it no more."""
        self._stopped = True

    def run(self, work: Callable[[Callable[[float], None]], object]) -> None:
        """Do it, on the calling thread; `work` is given a function that it tells the share that is done."""

        def on_progress(share: float) -> None:
            self.share = share
            if self._stopped or time.monotonic() - self._looked > self.UNWATCHED:
                raise _NotWanted

        try:
            work(on_progress)
        except _NotWanted:
            pass
        except CnnvizError as error:
            self.failed = str(error)
        finally:
            self._over = True


class _NotWanted(Exception):
    pass


class Studio:
    """Answers questions about pictures.

    Args:
        engine: whose workers find the answers, and whose maps they are read from.
        most_bytes: of the answers that are kept.
    """

    def __init__(self, engine: Engine, most_bytes: int = 50_000_000) -> None:
        self._engine = engine
        self._kept: Budget[Outcome[Any]] = Budget(most_bytes, _size)
        self._progress: dict[Hashable, float] = {}

    @property
    def budget(self) -> Budget[Outcome[Any]]:
        """What is kept of the answers."""
        return self._kept

    def statistics(self, subject: Subject, *, on_wait: Wait = None) -> Outcome[tuple[Statistics, ...]]:
        """Every layer's statistics."""

        def work(module: nn.Module, place: torch.device, step: Step) -> tuple[Statistics, ...]:
            return over_depth.statistics(module, subject.input.to(place), on_step=lambda *_: step())

        check_pass(subject.options)
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

        check_pass(subject.options, path, gradient=True)
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

    def grad_cam(self, subject: Subject, path: str, target: int, *, on_wait: Wait = None) -> Outcome[GradCam]:
        """What in a layer's maps speaks for a class."""

        def work(module: nn.Module, where: torch.device, step: Step) -> GradCam:
            return attribution.grad_cam(module, subject.input.to(where), path, target)

        check_pass(subject.options, gradient=True)
        return self._answer(("grad-cam", path, target), work, subject, on_wait)

    def occlusion(
        self,
        subject: Subject,
        target: int,
        *,
        on_wait: Wait = None,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> Outcome[Occlusion]:
        """How much a class's score falls where a part of the picture is covered.

        It ends, on the engine's worker too, at the next few squares after nobody waits for it any more.

        Args:
            on_progress: called several times a second with the share that is done, for whoever shares the work; what it
                raises ends the waiting.
        """
        check_pass(subject.options, batch=COVERED)
        what = ("occlusion", target)
        key = (what, *subject.key)

        def work(module: nn.Module, where: torch.device, step: Step) -> Occlusion:
            def on_step(done: int, squares: int) -> None:
                self._progress[key] = done / squares
                step()

            try:
                return attribution.occlusion(module, subject.input.to(where), target, batch=COVERED, on_step=on_step)
            finally:
                self._progress.pop(key, None)

        def wait(position: int) -> None:
            if on_wait:
                on_wait(position)
            on_progress(self._progress.get(key, 0.0))

        return self._answer(what, work, subject, wait)

    def begin_occlusion(self, subject: Subject, target: int) -> Running:
        """The same, without waiting for it."""
        running = Running()

        def work(on_progress: Callable[[float], None]) -> None:
            self.occlusion(subject, target, on_progress=on_progress)

        threading.Thread(target=running.run, args=(work,), name="cnnviz-occlusion", daemon=True).start()
        return running

    def begin(self, what: Hashable, parts: Iterator[float]) -> Running:
        """Work that needs no network, without waiting for it.

        Args:
            what: names it.
            parts: does a part each time, and gives the share that is done; between two parts whatever else waits for
                the worker comes first.
        """
        running = Running()

        def work(on_progress: Callable[[float], None]) -> None:
            number = 0
            while True:
                # a key that no other visitor's has, as two with equal wishes would share each part
                share = self._engine.apart((what, id(parts), number), lambda: next(parts, None))
                if share is None:
                    return
                on_progress(share)
                number += 1

        threading.Thread(target=running.run, args=(work,), name="cnnviz-apart", daemon=True).start()
        return running

    def knows_occlusion(self, subject: Subject, target: int) -> bool:
        """Whether it is there without any work."""
        return self._kept.get((("occlusion", target), *subject.key)) is not None

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
        options, key = subject.options, (what, *subject.key)
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
