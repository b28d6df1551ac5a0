"""Forward passes on other machines: replicas on Ray Serve, which batches, scales and places them.

The app's process keeps all else: the queue of its visitors, the maps of their pictures, what is asked besides maps.
What only it has stays with it as well: networks of the user's own, and weights that a visitor has brought.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cnnviz.catalogue import Options
from cnnviz.engine.devices import choose_device, name_of
from cnnviz.engine.local import Engine
from cnnviz.engine.passes import Passes, Precision
from cnnviz.engine.pool import WorkerLost
from cnnviz.engine.results import Asked, Seen
from cnnviz.errors import BadOption
from cnnviz.networks import build, card, source_for

try:
    import ray
    from ray import serve
    from ray.exceptions import RayActorError, RayTaskError
except ImportError as error:
    raise BadOption("CNNVIZ_ENGINE=ray needs Ray, which isn't installed: 'pip install cnnviz[ray]'.") from error

NAME = "cnnviz"
LANES = 16  # passes of one app that are under way at a time
MOST_REPLICAS = 16
POLL = 0.1  # seconds between two looks at whether somebody still waits
TRIES = 2


class Request(NamedTuple):
    """A pass, in words and numbers that any machine understands."""

    options: Options
    weights: str
    seed: int
    x: npt.NDArray[np.float32]
    paths: tuple[str, ...]
    precision: Precision
    threads: int


class Replica:
    """Runs passes on the device that Ray gave it, each by itself."""

    def __init__(self) -> None:
        self._place = choose_device()
        self._passes = Passes()
        self._modules: dict[tuple[Options, str], nn.Module] = {}

    @serve.batch(max_batch_size=8, batch_wait_timeout_s=0.005)
    async def run(self, requests: list[Request]) -> list[tuple[str, dict[str, npt.NDArray[np.float32]]] | Exception]:
        """The device's name and the maps of each; equal pictures of one batch are computed once.

        The others aren't stacked: with another batch size, matrix products add up in another order, and the last bits
        of a map would depend on who else was looking at something.
        """
        answers: list[tuple[str, dict[str, npt.NDArray[np.float32]]] | Exception] = []
        done: dict[Any, Any] = {}
        for request in requests:
            key = (*request[:3], request.x.tobytes(), *request[4:])
            if key not in done:
                try:
                    done[key] = name_of(self._place), self._maps(request)
                except Exception as error:  # of this request alone
                    done[key] = error
            answers.append(done[key])
        return answers

    def _maps(self, request: Request) -> dict[str, npt.NDArray[np.float32]]:
        torch.set_num_threads(request.threads)
        module = self._module(request)
        found = self._passes.run(
            module, torch.from_numpy(request.x.copy()), list(request.paths), self._place, precision=request.precision
        )
        return {path: tensor.float().cpu().numpy() for path, tensor in found.items()}

    def _module(self, request: Request) -> nn.Module:
        options, key = request.options, (request.options, request.weights)
        if key not in self._modules:
            source = source_for(options.network, request.weights, **options.chosen)
            module = build(options.network, weights=source, device=self._place, **options.chosen)
            while len(self._modules) >= 8:
                self._modules.pop(next(iter(self._modules)))
            self._modules[key] = self._passes.prepare(module, self._place)
        return self._modules[key]


class RayEngine(Engine):
    """An engine whose passes are run by replicas on Ray Serve.

    It uses the replicas that are there, and starts some where there are none: at the address in $RAY_ADDRESS, or else
    on this machine. A replica that is lost costs a visitor one retry.

    Attributes:
        lost: how often one was.

    Args:
        replicas: the fewest; Ray starts more, up to 16, while they have more to do than two passes each.
        how: as `Engine` takes it.
    """

    def __init__(self, replicas: int = 1, **how: Any) -> None:
        super().__init__(**how)
        if not ray.is_initialized():
            try:
                ray.init(address=os.environ.get("RAY_ADDRESS"), namespace=NAME, log_to_driver=False)
            except ConnectionError as error:
                raise BadOption(
                    f"RAY_ADDRESS is '{os.environ.get('RAY_ADDRESS')}', but no Ray answers there: 'ray start --head'."
                ) from error
        self._handle = _deployed(replicas)
        self.lost = 0

    def _lanes(self, asked: Asked, device: str) -> list[torch.device]:
        if device != "auto" or not _travels(asked):
            return super()._lanes(asked, device)
        return [torch.device("cpu", lane) for lane in range(LANES)]

    def _module_for(self, asked: Asked) -> nn.Module | None:
        return None if asked.place.index is not None and asked.place.type == "cpu" else super()._module_for(asked)

    def _run(
        self,
        seen: Seen,
        module: nn.Module | None,
        x: Tensor,
        paths: list[str],
        on_step: Callable[[], None],
        on_map: Callable[[str, Tensor], None],
    ) -> dict[str, Tensor]:
        if module is not None:
            return super()._run(seen, module, x, paths, on_step, on_map)
        asked = seen.asked
        request = Request(
            asked.options,
            asked.source.kind,
            asked.source.seed,
            x.numpy(),
            tuple(paths),
            asked.precision,
            torch.get_num_threads(),
        )
        device, maps = self._asked_for(request, on_step)
        seen.device = f"{device} by Ray"
        return {path: torch.from_numpy(values.copy()) for path, values in maps.items()}

    def _asked_for(self, request: Request, on_step: Callable[[], None]) -> Any:
        for left in reversed(range(TRIES)):
            answer = self._handle.run.remote(request)
            try:
                while True:
                    try:
                        return answer.result(timeout_s=POLL)
                    except TimeoutError:
                        on_step()
            except RayTaskError as error:
                raise error.cause from error
            except RayActorError as error:
                self.lost += 1
                if not left:
                    raise WorkerLost("ray") from error
            except BaseException:
                answer.cancel()  # nobody waits any more
                raise
        raise AssertionError


def _travels(asked: Asked) -> bool:
    """Whether any machine that has cnnviz can run this."""
    return asked.source.kind in ("random", "bundled", "imagenet") and not card(asked.options.network).brought


def _deployed(replicas: int) -> Any:
    """The replicas, started if there are none yet."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    with_gpus = resources.get("GPU", 0) >= 1
    running = serve.status().applications
    if NAME not in running:
        deployment = serve.deployment(
            name="Replica",
            max_ongoing_requests=16,
            autoscaling_config={
                "min_replicas": replicas,
                "initial_replicas": replicas,
                "max_replicas": max(replicas, MOST_REPLICAS),
                "target_ongoing_requests": 2,
            },
            ray_actor_options={"num_cpus": 1, "num_gpus": 1 if with_gpus else 0},
        )(Replica)
        serve.start(proxy_location="Disabled")  # asked by the app alone, never by HTTP
        serve.run(deployment.bind(), name=NAME, route_prefix=None)
    return serve.get_app_handle(NAME)
