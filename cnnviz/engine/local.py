"""What layers give for pictures, computed on this machine's devices and shared by all visitors.

The first look at a picture runs one pass to its end, which records every layer that the graph shows; whoever asks for
another layer of that picture is answered from it. Where others wait, it ends with the layer that was asked for, and the
rest is computed when somebody wants it. The maps of a picture are held once, within a budget of bytes.
"""

import os
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cnnviz.activations.on_device import quantise_there
from cnnviz.activations.pictures import Maps, Scale
from cnnviz.catalogue import Options, as_trained, describe
from cnnviz.engine.budget import Budget
from cnnviz.engine.devices import choose_device, is_broken, is_out_of_memory, name_of, places
from cnnviz.engine.effort import check_pass, check_weights
from cnnviz.engine.passes import Passes, Precision, check_precision, fetched, release
from cnnviz.engine.pool import Dropped, Full, Load, Pool, Task, WorkerLost
from cnnviz.engine.results import Answer, Asked, Outcome, Picture, Result, Seen
from cnnviz.engine.timing import Timing, time_pass
from cnnviz.errors import BadOption, CnnvizError, DeviceUnavailable, Untraceable
from cnnviz.graph import LayerGraph
from cnnviz.images import Fit, to_input
from cnnviz.networks import build, card, source_for
from cnnviz.prediction import class_names, last_layer, ranked
from cnnviz.weights import Source

__all__ = ["Answer", "Engine", "Outcome", "Picture", "Result", "choose_device", "engine"]

T = TypeVar("T")
MOST_WAITING = 64  # passes on a device, the running one included
RETRY = 300.0  # seconds after which a device that failed is tried again
CPU = torch.device("cpu")
VARIABLE = "CNNVIZ_ENGINE"
_MADE_AGAIN = frozenset(["input", "batchnorm", "relu", "dropout", "flatten", "output"])
"""What a reader misses least where not all maps can be kept: they say little that their neighbours don't."""


@dataclass(frozen=True)
class _Model:
    """A network, and where it lies."""

    place: torch.device
    module: nn.Module

    @property
    def nbytes(self) -> int:
        return sum(t.numel() * t.element_size() for t in (*self.module.parameters(), *self.module.buffers()))


class _BrokenOff(Exception):
    """The rest of a pass, which nobody has asked for yet, has to wait: others are to be served."""


class _OutOfMemory(Exception):
    """A device has too little memory, however little of the work it is given."""


class Engine:
    """Runs forward passes, one worker a device.

    Args:
        model_bytes, map_bytes: what is kept at most of networks, and of the maps of pictures.
        passes: what a pass is.
        patience: seconds without a sign of life after which a device is taken for hung.
    """

    def __init__(
        self,
        model_bytes: int = 1_500_000_000,
        map_bytes: int = 400_000_000,
        passes: Passes | None = None,
        patience: float = 120.0,
    ) -> None:
        self._passes = passes or Passes()
        self._models: Budget[_Model] = Budget(model_bytes, lambda model: model.nbytes)
        self._seen: Budget[Seen] = Budget(map_bytes, lambda seen: seen.nbytes)
        self._pool = Pool(MOST_WAITING, patience, is_broken, self._renew)
        self._timings: dict[Hashable, Timing] = {}
        self._lost: dict[torch.device, float] = {}  # when a device was given up
        self._lock = threading.RLock()  # between a look at what is there and an order for it nothing may be finished

    def maps(
        self,
        options: Options,
        picture: Picture,
        layer: str,
        *,
        weights: str = "auto",
        fit: Fit = "crop",
        device: str = "auto",
        precision: Precision = "float32",
        on_wait: Callable[[int], None] | None = None,
    ) -> Result:
        """What `layer` gives for a picture; waits until it is there.

        Args:
            on_wait: called several times a second while it isn't, with how many passes come first (0 while this one
                runs). What it raises ends the waiting; a pass for which nobody waits is not run, or not to its end.

        Raises:
            CnnvizError: whatever is wrong with the network, the weights, the layer or the device.
        """
        check_precision(precision)
        source = source_for(options.network, weights, **options.chosen)
        graph = describe(options)
        graph.layer(layer)
        check_weights(options)
        asked = Asked(options, picture, layer, source, fit, precision, CPU)

        def known(place: torch.device) -> bool:
            key = replace(asked, place=place).key
            return self._seen.get(key) is not None or self._pool.has(key)

        return self._somewhere(
            device, known, lambda place, note: self._at(asked, graph, place, note, on_wait), self._lanes(asked, device)
        )

    def prediction(
        self,
        options: Options,
        picture: Picture,
        *,
        weights: str = "auto",
        fit: Fit = "crop",
        device: str = "auto",
        on_wait: Callable[[int], None] | None = None,
    ) -> Answer:
        """What the network takes the picture for, as `cnnviz predict` has it: a view of the last layer's maps.

        Args:
            on_wait: as `maps` has it.

        Raises:
            BadOption: the network gives no scores of classes.
            CnnvizError: as `maps`.
        """
        training = source_for(options.network, weights, **options.chosen).training
        options = as_trained(options, training)
        graph = describe(options)
        last = last_layer(graph)
        if len(last.output_shape) != 1:
            shape = " x ".join(map(str, last.output_shape))
            raise BadOption(f"{options.network} gives no scores of classes, but maps of {shape}.")
        found = self.maps(options, picture, last.path, weights=weights, fit=fit, device=device, on_wait=on_wait)
        answer = ranked(torch.from_numpy(found.maps), graph, class_names(card(options.network), training))
        return Answer(answer, options, found.weights, found.trained, found.device, found.note)

    def timing(self, options: Options, device: str = "auto") -> Timing:
        """How long one picture takes here; waits until it is there. Measured once a process.

        It takes its turn with the pictures that are looked at, so that neither disturbs the other.

        Raises:
            CnnvizError: whatever is wrong with the network or the device.
        """
        check_pass(options)
        check_weights(options)

        def at(place: torch.device, _: str) -> Timing:
            def run(_: Task[Timing]) -> Timing:
                return self._within_memory(place, None, [lambda: time_pass(options, place, name_of(place))])[0]

            with self._pool.submit(str(place), ("timing", options, place), run) as ticket:
                return ticket.result()

        if (options, device) not in self._timings:
            self._timings[options, device] = self._somewhere(device, lambda _: False, at)
        return self._timings[options, device]

    def compute(
        self,
        what: Hashable,
        work: Callable[[nn.Module, torch.device, Callable[[], None]], T],
        options: Options,
        *,
        weights: str = "auto",
        device: str = "auto",
        on_wait: Callable[[int], None] | None = None,
    ) -> Outcome[T]:
        """Any other work on a network, on the device's worker; equal requests at one time share it.

        Args:
            what: names the work and all that it depends on besides the network.
            work: given the module, its device, and a function to be called as often as the work can be stopped.
            on_wait: as `maps` has it.

        Raises:
            CnnvizError: whatever is wrong with the network, the weights or the device.
        """
        check_weights(options)
        source = source_for(options.network, weights, **options.chosen)

        def at(place: torch.device, note: str) -> Outcome[T]:
            def run(task: Task[T]) -> T:
                module = self._model(options, source, place)
                return self._within_memory(place, None, [lambda: work(module, place, task.step)])[0]

            with self._pool.submit(str(place), ("compute", what, options, source, place), run) as ticket:
                value = ticket.result(on_wait=on_wait)
            return Outcome(value, source.label, source.trained, name_of(place), note)

        return self._somewhere(device, lambda _: False, at)

    def apart(self, what: Hashable, work: Callable[[], T]) -> T:
        """Work on tensors that needs no network, on the CPU's worker; equal requests at one time share it.

        Raises:
            CnnvizError: too many wait, or the work didn't come to an end.
        """

        def run(_: Task[T]) -> T:
            return work()

        def at(place: torch.device, _: str) -> T:
            with self._pool.submit(str(place), ("apart", what), run) as ticket:
                return ticket.result()

        return self._somewhere("cpu", lambda _: False, at)

    @property
    def held(self) -> int:
        """The bytes of maps that are kept now, and of those that are being made."""
        return self._seen.used

    def loads(self) -> dict[str, Load]:
        """What each device has to do that was used so far."""
        return self._pool.loads()

    def budgets(self) -> dict[str, Budget[Any]]:
        """What is kept of networks and of maps."""
        return {"models": self._models, "maps": self._seen}

    # --- on the visitor's thread -----------------------------------------------------

    def _lanes(self, asked: Asked, device: str) -> list[torch.device]:
        """The places at which a picture's pass may be waited for, each by a worker."""
        return places(device)

    def _somewhere(
        self,
        device: str,
        known: Callable[[torch.device], bool],
        at: Callable[[torch.device, str], T],
        lanes: list[torch.device] | None = None,
    ) -> T:
        """On the device that is asked for, or on the CPU where that can't do it."""
        place, note = self._place(lanes or places(device), known)
        trouble = ""
        try:
            return at(place, note)
        except Full:
            raise DeviceUnavailable(
                f"{self._pool.most_waiting} other pictures are being looked at; try again in a moment."
            ) from None
        except WorkerLost as lost:
            trouble = "failed"
            cause = lost.__cause__
            if _is_here(place):
                raise DeviceUnavailable(
                    "The forward pass took its worker down twice; use another picture, size or network."
                    if cause
                    else "The forward pass didn't move for so long that it was given up; use a smaller size."
                ) from cause
            with self._lock:
                self._lost[place] = time.monotonic()
        except _OutOfMemory:
            trouble = "ran out of memory"
        if _is_here(place):
            raise DeviceUnavailable("This needs more memory than this machine has; use a smaller size.")
        try:
            return at(CPU, f"The {place.type} device {trouble}; this was computed on the CPU.")
        except (Full, WorkerLost, _OutOfMemory) as error:
            raise DeviceUnavailable(
                f"The {place.type} device {trouble}, and the CPU couldn't do it either; use a smaller size."
            ) from error

    def _place(self, offered: list[torch.device], known: Callable[[torch.device], bool]) -> tuple[torch.device, str]:
        """The device that knows the picture, else the one with the fewest waiting; and what is to be said about it."""
        now = time.monotonic()
        with self._lock:
            working = [place for place in offered if now - self._lost.get(place, -RETRY) >= RETRY]
        if not working:
            return CPU, f"The {offered[0].type} device failed; this was computed on the CPU."
        if len(working) == 1:
            return working[0], ""
        return min(working, key=lambda place: (not known(place), self._pool.length(str(place)))), ""

    def _at(
        self,
        asked: Asked,
        graph: LayerGraph,
        place: torch.device,
        note: str,
        on_wait: Callable[[int], None] | None,
    ) -> Result:
        asked = replace(asked, place=place, note=note)
        paths = self._recorded(asked.options, graph)
        if asked.layer not in paths:
            check_pass(asked.options, asked.layer)
        key = asked.key if asked.layer in paths else (*asked.key, asked.layer)
        seen = self._look(asked, key, paths if asked.layer in paths else [asked.layer], on_wait)
        if asked.layer not in seen.maps:  # memory didn't suffice for more than what another visitor wanted
            key = (*asked.key, asked.layer)
            seen = self._look(asked, key, [asked.layer], on_wait)
        return self._result(key, seen, asked.layer, on_wait)

    def _look(
        self, asked: Asked, key: tuple[Hashable, ...], paths: list[str], on_wait: Callable[[int], None] | None
    ) -> Seen:
        with self._lock:
            seen = self._seen.get(key)
            if seen is not None and not (seen.broken_off and asked.layer not in seen.maps):
                return seen
            ticket = self._pool.submit(
                str(asked.place), key, lambda task: self._record(task, asked, key, paths), mark=asked.layer
            )
        with ticket:
            return ticket.result(on_wait=on_wait)

    def _result(
        self, key: tuple[Hashable, ...], seen: Seen, layer: str, on_wait: Callable[[int], None] | None
    ) -> Result:
        found = seen.results.get(layer)
        if found is not None:
            return found
        if _is_here(seen.asked.place):
            return self._kept(key, seen, layer, seen.maps[layer].numpy(), {})

        def bring(task: Task[Result]) -> Result:
            there = seen.maps[layer]
            drawn: dict[Scale, Maps] = {"layer": quantise_there(there)} if there.ndim == 3 else {}
            return self._kept(key, seen, layer, fetched(there).numpy(), drawn)

        with self._pool.submit(str(seen.asked.place), ("bring", key, layer), bring) as ticket:
            return ticket.result(on_wait=on_wait)

    def _kept(
        self,
        key: tuple[Hashable, ...],
        seen: Seen,
        layer: str,
        maps: npt.NDArray[np.float32],
        drawn: dict[Scale, Maps],
    ) -> Result:
        asked = seen.asked
        others = _other_classes(asked.options, layer, maps.shape, asked.source)
        made = Result(
            maps=maps,
            weights=asked.source.label,
            trained=asked.source.trained,
            device=seen.device,
            note=" ".join(filter(None, (seen.note, others))),
            _drawn=drawn,
            _grown=lambda: self._seen.grown(key, seen),
        )
        with self._lock:
            made = seen.results.setdefault(layer, made)
        self._seen.grown(key, seen)
        return made

    def _recorded(self, options: Options, graph: LayerGraph) -> list[str]:
        """The layers that a pass records: all, where they fit into the budget, and else as many as fit into half."""
        try:
            check_pass(options)
        except DeviceUnavailable:
            return []  # each layer by a pass of its own, up to it
        if sum(layer.activation_bytes for layer in graph.layers) <= self._seen.most:
            return [layer.path for layer in graph.layers]
        left, chosen = self._seen.most // 2, set()
        for layer in sorted(graph.layers, key=lambda layer: layer.op in _MADE_AGAIN):
            if layer.activation_bytes <= left:
                left -= layer.activation_bytes
                chosen.add(layer.path)
        return [layer.path for layer in graph.layers if layer.path in chosen]

    # --- on a worker's thread ---------------------------------------------------------

    def _record(self, task: Task[Seen], asked: Asked, key: tuple[Hashable, ...], paths: list[str]) -> Seen:
        sizes = {layer.path: layer.activation_bytes for layer in describe(asked.options).layers}
        self._seen.reserve(key, sum(sizes[path] for path in paths))
        try:
            module = self._module_for(asked)
            attempts = [lambda: self._forward(task, asked, module, paths)]
            if len(paths) > 1:
                attempts.append(lambda: self._forward(task, asked, module, [asked.layer]))
            seen, attempt = self._within_memory(asked.place, module, attempts)
            if attempt:
                short = f"Memory ran short on the {asked.place.type} device: {asked.layer} alone was kept."
                seen.note = " ".join(filter(None, (seen.note, short)))
            with self._lock:
                self._seen.put(key, seen)
            return seen
        finally:
            self._seen.release(key)

    def _module_for(self, asked: Asked) -> nn.Module | None:
        """The module that a pass runs; None where it is run elsewhere."""
        return self._model(asked.options, asked.source, asked.place)

    def _forward(self, task: Task[Seen], asked: Asked, module: nn.Module | None, paths: list[str]) -> Seen:
        seen = Seen(asked, name_of(asked.place))
        entry = card(asked.options.network)
        x = torch.from_numpy(to_input(asked.picture.image, entry, asked.options.size, asked.fit))

        def on_map(path: str, tensor: Tensor) -> None:
            seen.maps[path] = tensor[0].float() if _is_here(asked.place) else tensor[0]
            task.publish(seen, path)

        def on_step() -> None:
            task.step()
            if _is_here(asked.place) and task.holds_up:  # a GPU would be done before its maps are fetched
                raise _BrokenOff

        try:
            found = self._run(seen, module, x, paths, on_step, on_map)
        except _BrokenOff:
            seen.broken_off = True
            return seen
        except Exception as error:
            ours = isinstance(error, CnnvizError | Dropped) or is_out_of_memory(error) or is_broken(error)
            if not entry.brought or ours:
                raise
            reason = f"{type(error).__name__}: {error}".partition("\n")[0].rstrip(".")
            raise Untraceable(f"{asked.options.network} fails on its way to {asked.layer}: {reason}.") from error
        for path, tensor in found.items():
            if path not in seen.maps:
                on_map(path, tensor)
        return seen

    def _run(
        self,
        seen: Seen,
        module: nn.Module | None,
        x: Tensor,
        paths: list[str],
        on_step: Callable[[], None],
        on_map: Callable[[str, Tensor], None],
    ) -> dict[str, Tensor]:
        """The pass itself, as `Passes.run` has it."""
        assert module is not None
        asked = seen.asked
        return self._passes.run(
            module, x, paths, asked.place, precision=asked.precision, on_step=on_step, on_map=on_map
        )

    def _within_memory(
        self, place: torch.device, module: nn.Module | None, attempts: list[Callable[[], T]]
    ) -> tuple[T, int]:
        """What the first attempt gives for which memory suffices, and which it was."""
        for number, attempt in enumerate(attempts):
            try:
                return attempt(), number
            except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is one; the CPU's is a plain one
                if not is_out_of_memory(error):
                    raise
            # gone on with out here, as the exception holds on to the tensors of what failed
            self._passes.forget()
            self._forget(place, module)
            release(place)
        raise _OutOfMemory

    def _model(self, options: Options, source: Source, place: torch.device) -> nn.Module:
        key = (replace(options, size=None), source, place)
        model = self._models.get(key)
        if model is None:
            module = build(options.network, weights=source, device=place, **options.chosen)
            model = _Model(place, self._passes.prepare(module, place))
            self._models.put(key, model)
        return model.module

    def _renew(self, place: str) -> None:
        """On the fresh worker of a device that broke: what lay there may be lost."""
        self._passes.forget()
        self._forget(torch.device(place))

    def _forget(self, place: torch.device, module: nn.Module | None = None) -> None:
        """Let go of all that lies on a device, but for one network."""
        self._seen.drop(lambda seen: seen.asked.place == place)
        self._models.drop(lambda model: model.place == place and model.module is not module)


def _other_classes(options: Options, layer: str, shape: tuple[int, ...], source: Source) -> str:
    """What a page has to say where weights have other classes than the graph beside the maps."""
    counted = describe(options).layer(layer).output_shape
    if shape == counted or source.training is None:
        return ""
    return (
        f"These weights know the {source.training.classes} classes of {source.training.dataset}; "
        f"graph and table count {' x '.join(map(str, counted))} values here, as the network was published."
    )


def _is_here(place: torch.device) -> bool:
    """Whether its tensors lie in this process's own memory."""
    return place.type == "cpu"


@cache
def engine() -> Engine:
    """The engine that everything in this process shares: $CNNVIZ_ENGINE says which, `local` (by default) or `ray`.

    Raises:
        BadOption: it is neither; or `ray` is asked for, and isn't installed or has no cluster.
    """
    chosen = os.environ.get(VARIABLE, "local")
    if chosen == "ray":
        from cnnviz.engine.by_ray import RayEngine  # noqa: PLC0415  an extra, and large

        return RayEngine()
    if chosen != "local":
        raise BadOption(f"{VARIABLE} is '{chosen}', but an engine is 'local' or 'ray'.")
    return Engine()
