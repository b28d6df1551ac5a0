"""What a forward pass is on each kind of device."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, get_args
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from cnnviz.activations.capture import capture
from cnnviz.engine.devices import is_broken, is_out_of_memory
from cnnviz.errors import BadOption

Precision = Literal["float32", "float16", "bfloat16"]
"""What convolutions and fully connected layers are computed in; all but float32 by autocast."""

MOST_GRAPHS = 2  # of a network: each holds the memory of a whole pass


class Passes:
    """Runs forward passes of any network, at most one at a time on each device.

    On CUDA the input goes over from pinned memory, convolutions run channels_last, and a pass that comes again with
    the same shape and layers is replayed as a CUDA graph.
    """

    def __init__(self) -> None:
        self._graphs: WeakKeyDictionary[nn.Module, OrderedDict[tuple[object, ...], _Graph | None]] = WeakKeyDictionary()

    def prepare(self, module: nn.Module, place: torch.device) -> nn.Module:
        """A module that lies on a device, in the form that runs best there."""
        if place.type == "cuda":
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
        return module

    def run(
        self,
        module: nn.Module,
        x: Tensor,
        layers: list[str],
        place: torch.device,
        *,
        precision: Precision = "float32",
        on_step: Callable[[], None] = lambda: None,
        on_map: Callable[[str, Tensor], None] | None = None,
    ) -> dict[str, Tensor]:
        """What layers give for an input, on the device.

        Args:
            x: (N, C, H, W), on the CPU.
            on_step: called after each operation; what it raises ends the pass.
            on_map: called with each layer and its map as soon as it is there, where it is before all are.
        """

        def captured(there: Tensor) -> dict[str, Tensor]:
            at_once = on_map if place.type == "cpu" else None  # elsewhere it isn't there when it is asked for
            return capture(module, there, layers, on_step=lambda *_: on_step(), on_map=at_once)

        with _computing(place, precision):
            if place.type != "cuda":
                return captured(x.to(place))
            there = x.pin_memory().to(place, non_blocking=True, memory_format=_like_images(x))
            return self._replayed(module, there, (tuple(x.shape), tuple(layers), precision), captured)

    def forget(self) -> None:
        """Give back what is held of graphs."""
        self._graphs.clear()

    def _replayed(
        self,
        module: nn.Module,
        x: Tensor,
        what: tuple[object, ...],
        captured: Callable[[Tensor], dict[str, Tensor]],
    ) -> dict[str, Tensor]:
        graphs = self._graphs.setdefault(module, OrderedDict())
        if what not in graphs:  # the first time warms up what a graph can't hold, such as cuDNN's choice of algorithms
            found = captured(x)
            graphs[what] = None
            while len(graphs) > MOST_GRAPHS:
                graphs.popitem(last=False)
            return found
        graph = graphs[what]
        if graph is None:
            try:
                graph = graphs[what] = _Graph(x, captured)
            except RuntimeError as error:
                if is_out_of_memory(error) or is_broken(error):
                    graphs.pop(what)
                    raise
                graph = graphs[what] = _NoGraph(captured)  # a forward that asks the CPU, say
        return graph.replay(x)


class _Graph:
    """A pass as one CUDA graph: launched at once, instead of operation by operation."""

    def __init__(self, x: Tensor, captured: Callable[[Tensor], dict[str, Tensor]]) -> None:
        self._input = x.clone()
        self._graph = torch.cuda.CUDAGraph()
        # other threads may go on with this device meanwhile
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._outputs = captured(self._input)

    def replay(self, x: Tensor) -> dict[str, Tensor]:
        self._input.copy_(x)
        self._graph.replay()
        return {path: output.clone() for path, output in self._outputs.items()}


class _NoGraph(_Graph):
    """A pass that can't be one."""

    def __init__(self, captured: Callable[[Tensor], dict[str, Tensor]]) -> None:
        self._captured = captured

    def replay(self, x: Tensor) -> dict[str, Tensor]:
        return self._captured(x)


def in_batches(
    forward: Callable[[Tensor], Tensor], x: Tensor, most: int = 64, on_step: Callable[[int, int], None] | None = None
) -> Tensor:
    """A forward over many inputs, a batch at a time; halved as often as memory runs out.

    Args:
        forward: (N, …) -> (N, …).
        most: inputs at once.
        on_step: called with (inputs done, inputs in all).

    Raises:
        RuntimeError: memory doesn't suffice for one input.
    """
    done: list[Tensor] = []
    at = 0
    while at < len(x):
        size = min(most, len(x) - at)
        try:
            found = forward(x[at : at + size])
        except RuntimeError as error:
            if size == 1 or not is_out_of_memory(error):
                raise
            found = None
        if found is None:  # out of the except block, as the exception holds on to the tensors of what failed
            most = size // 2
            release(x.device)
            continue
        done.append(found)
        at += size
        if on_step:
            on_step(at, len(x))
    return torch.cat(done)


def fetched(tensor: Tensor) -> Tensor:
    """A tensor as float32 on the CPU; from CUDA through pinned memory."""
    tensor = tensor.float().contiguous()
    if tensor.device.type != "cuda":
        return tensor.cpu()
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    pinned.copy_(tensor, non_blocking=True)
    torch.cuda.current_stream(tensor.device).synchronize()
    return pinned.clone()  # pinned memory is scarce, and handed on to the next


def release(place: torch.device) -> None:
    """Give memory that only waits to be used again back to the device."""
    if place.type == "cuda":
        torch.cuda.empty_cache()
    elif place.type == "mps":
        torch.mps.empty_cache()


def check_precision(precision: str) -> None:
    """Refuses what isn't one.

    Raises:
        BadOption: with those that are.
    """
    if precision not in get_args(Precision):
        raise BadOption(f"The precision '{precision}' was given, but only {', '.join(get_args(Precision))} are known.")


def _like_images(x: Tensor) -> torch.memory_format:
    return torch.channels_last if x.dim() == 4 else torch.contiguous_format


@contextmanager
def _computing(place: torch.device, precision: Precision) -> Iterator[None]:
    with ExitStack() as stack:
        if place.type == "cuda":
            stack.enter_context(torch.cuda.device(place))
        if precision != "float32":
            stack.enter_context(torch.autocast(place.type, dtype=getattr(torch, precision)))
        elif place.type == "cuda":  # float32 as it is called: TensorFloat-32 keeps ten bits of each factor
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
        yield
