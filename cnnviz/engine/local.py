"""Forward passes on this machine, one at a time, on a thread of their own.

Pages of many visitors ask at once; passes side by side would only take the processor from each
other. Equal requests share one computation, and its result is kept until the budget is used up.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from cnnviz.activations.capture import capture
from cnnviz.activations.pictures import Maps, Scale, quantise
from cnnviz.catalogue import Options, as_trained, describe
from cnnviz.engine.timing import Timing, time_pass
from cnnviz.errors import BadOption, CnnvizError, DeviceUnavailable, Untraceable
from cnnviz.images import Fit, to_input
from cnnviz.networks import build, card, source_for
from cnnviz.prediction import Prediction, class_names, last_layer, ranked
from cnnviz.weights import Source

T = TypeVar("T")
MOST_WAITING = 64  # passes, the running one included
MOST_BYTES = 2_000_000_000  # of the two largest maps that a pass holds at once
MOST_MACS = 500_000_000_000  # half a minute on two quiet cores
_OUT_OF_MEMORY = re.compile("out of memory|not enough memory|can't allocate memory", re.IGNORECASE)


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

    def drawn(self, scale: Scale) -> Maps:
        """The maps ready to be drawn; made once, however many look at them."""
        if scale not in self._drawn:
            self._drawn[scale] = quantise(self.maps, scale)
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


class Budget(Generic[T]):
    """The most recently used values, as many as fit into a number of bytes. Not thread-safe by itself."""

    def __init__(self, most_bytes: int, size_of: Callable[[T], int]) -> None:
        self._most, self._size_of = most_bytes, size_of
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self.used = 0

    def get(self, key: Hashable) -> T | None:
        """The value at `key`, which becomes the most recently used."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value; the least recently used ones go. One larger than the budget is not kept."""
        if self._size_of(value) > self._most:
            return
        if key in self._values:
            self.used -= self._size_of(self._values.pop(key))
        self._values[key] = value
        self.used += self._size_of(value)
        while self.used > self._most:
            self.used -= self._size_of(self._values.popitem(last=False)[1])


class Engine:
    """Runs forward passes on one worker thread.

    Args:
        model_bytes, map_bytes: what is kept at most of networks, and of their maps.
    """

    def __init__(self, model_bytes: int = 1_500_000_000, map_bytes: int = 250_000_000) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cnnviz-engine")
        self._models: Budget[nn.Module] = Budget(model_bytes, _bytes_of)  # touched by the worker only
        self._results: Budget[Result] = Budget(map_bytes, lambda result: result.maps.nbytes)
        self._running: dict[Hashable, Future[Result]] = {}
        self._timings: dict[Hashable, Future[Timing]] = {}
        self._lock = threading.RLock()  # a computation may end before its callback is added

    def maps(
        self,
        options: Options,
        picture: Picture,
        layer: str,
        *,
        weights: str = "auto",
        fit: Fit = "crop",
        device: str = "auto",
    ) -> Result:
        """What `layer` gives for a picture; waits until it is there.

        Raises:
            CnnvizError: whatever is wrong with the network, the weights, the layer or the device.
        """
        source = source_for(options.network, weights, **options.chosen)
        _check_effort(options, layer)
        key = (options, picture.digest, layer, source, fit, device)
        with self._lock:
            found = self._results.get(key)
            if found is not None:
                return found
            future = self._running.get(key)
            if future is None and len(self._running) >= MOST_WAITING:
                raise DeviceUnavailable(f"{MOST_WAITING} other pictures are being looked at; try again in a moment.")
            if future is None:
                future = self._worker.submit(self._compute, options, picture.image, layer, source, fit, device)
                self._running[key] = future
                future.add_done_callback(lambda done: self._keep(key, done))
        return future.result()

    def prediction(
        self,
        options: Options,
        picture: Picture,
        *,
        weights: str = "auto",
        fit: Fit = "crop",
        device: str = "auto",
    ) -> Answer:
        """What the network takes the picture for, as `cnnviz predict` has it: a view of the last layer's maps.

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
        found = self.maps(options, picture, last.path, weights=weights, fit=fit, device=device)
        answer = ranked(torch.from_numpy(found.maps), graph, class_names(card(options.network), training))
        return Answer(answer, options, found.weights, found.trained, found.device, found.note)

    def timing(self, options: Options, device: str = "auto") -> Timing:
        """How long one picture takes here; waits until it is there. Measured once a process.

        It takes its turn with the pictures that are looked at, so that neither disturbs the other.

        Raises:
            CnnvizError: whatever is wrong with the network or the device.
        """
        _check_effort(options, describe(options).layers[-1].path)
        key = (options, device)
        with self._lock:
            if key not in self._timings:
                self._timings[key] = self._worker.submit(self._time, options, device)
            future = self._timings[key]
        try:
            return future.result()
        except Exception:
            self._timings.pop(key, None)  # what was wrong may be right next time
            raise

    def _time(self, options: Options, device: str) -> Timing:
        place = choose_device(device)
        try:
            return time_pass(options, place, _device_name(place))
        except RuntimeError as error:
            if not _OUT_OF_MEMORY.search(str(error)):
                raise
        raise DeviceUnavailable(f"{options.network} needs more memory than '{place}' has; use a smaller size.")

    def _keep(self, key: Hashable, done: "Future[Result]") -> None:
        with self._lock:
            self._running.pop(key, None)
            if not done.cancelled() and done.exception() is None:
                self._results.put(key, done.result())

    def _compute(
        self, options: Options, image: Image.Image, layer: str, source: Source, fit: Fit, device: str
    ) -> Result:
        place = choose_device(device)
        try:
            return self._forward(options, image, layer, source, fit, place)
        except RuntimeError as error:  # torch.OutOfMemoryError is one; the CPU's is a plain one
            if not _OUT_OF_MEMORY.search(str(error)):
                raise
        # gone on with out here, as the exception holds on to the tensors of the failed pass
        if place.type == "cpu":
            raise DeviceUnavailable(
                f"{options.network} at this input size needs more memory than this machine has; use a smaller size."
            )
        result = self._forward(options, image, layer, source, fit, torch.device("cpu"))
        return replace(result, note=f"The {place.type} device ran out of memory; this was computed on the CPU.")

    def _forward(
        self, options: Options, image: Image.Image, layer: str, source: Source, fit: Fit, place: torch.device
    ) -> Result:
        module = self._model(options, source, place)
        entry = card(options.network)
        x = torch.from_numpy(to_input(image, entry, options.size, fit)).to(place)
        try:
            output = capture(module, x, [layer])[layer]
        except Exception as error:
            if not entry.brought or isinstance(error, CnnvizError) or _OUT_OF_MEMORY.search(str(error)):
                raise
            reason = f"{type(error).__name__}: {error}".partition("\n")[0].rstrip(".")
            raise Untraceable(f"{options.network} fails on its way to {layer}: {reason}.") from error
        return Result(
            maps=output[0].float().cpu().numpy(),
            weights=source.label,
            trained=source.trained,
            device=_device_name(place),
            note=_other_classes(options, layer, tuple(output.shape[1:]), source),
        )

    def _model(self, options: Options, source: Source, place: torch.device) -> nn.Module:
        key = (replace(options, size=None), source, place.type)
        module = self._models.get(key)
        if module is None:
            module = build(options.network, weights=source, device=place, **options.chosen)
            self._models.put(key, module)
        return module


def _other_classes(options: Options, layer: str, shape: tuple[int, ...], source: Source) -> str:
    """What a page has to say where weights have other classes than the graph beside the maps."""
    counted = describe(options).layer(layer).output_shape
    if shape == counted or source.training is None:
        return ""
    return (
        f"These weights know the {source.training.classes} classes of {source.training.dataset}; "
        f"graph and table count {' x '.join(map(str, counted))} values here, as the network was published."
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


def _check_effort(options: Options, layer: str) -> None:
    """Refuses a pass beforehand that this machine couldn't hold, or would never end.

    Raises:
        UnknownLayer: the network has no such layer.
        DeviceUnavailable: with what it would take.
    """
    graph = describe(options)
    upto = graph.layers[: graph.layers.index(graph.layer(layer)) + 1]
    held = sum(sorted(step.activation_bytes for step in upto)[-2:])
    macs = sum(step.macs for step in upto)
    if held > MOST_BYTES or macs > MOST_MACS:
        raise DeviceUnavailable(
            f"Up to {layer}, {options.network} at this size takes {held / 1e9:.1f} GB at once and {macs / 1e9:,.0f} "
            f"billion multiply-accumulates, more than the {MOST_BYTES / 1e9:.0f} GB and {MOST_MACS / 1e9:,.0f} billion "
            "that are allowed; use a smaller size."
        )


def _device_name(place: torch.device) -> str:
    return str(torch.cuda.get_device_name(place)) if place.type == "cuda" else place.type.upper()


def _bytes_of(module: nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))


@cache
def engine() -> Engine:
    """The engine that everything in this process shares."""
    return Engine()
