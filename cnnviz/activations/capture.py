"""The feature maps of any layer, from a forward pass that is a walk over the traced graph."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from cnnviz.activations.prepared import prepared
from cnnviz.errors import BadOption
from cnnviz.program import Ref
from cnnviz.recorder import uncompiled


def capture(
    module: nn.Module,
    x: Tensor,
    layers: Iterable[str] | None = None,
    *,
    on_step: Callable[[int, int], None] | None = None,
    on_map: Callable[[str, Tensor], None] | None = None,
) -> dict[str, Tensor]:
    """What layers give for an input, to the bit what a plain forward pass computes there.

    Runs no further than the last layer asked for. Hooks are not used: a module can be captured from many threads at
    once, `add` and `cat` have maps like any layer, and an in-place ReLU leaves the convolution's map as it was. Nor are
    those run that others have put on modules which hold layers. The module is run in the mode it is in; `build` gives
    evaluation mode.

    Args:
        module: any module that `trace` can follow, on the device of `x`.
        x: (N, C, H, W), normalised as the network expects it.
        layers: paths as in the graph (`layer1.0.conv1`, `layer1.0.add`); all of them by default.
        on_step: called with (operations done, operations to do), for a progress bar; what it raises ends the pass.
        on_map: called with each path and its map as soon as that is there.

    Returns:
        One tensor a path, in the order of the forward pass: (N, C, H, W) for maps, (N, features) for vectors.

    Raises:
        UnknownLayer: a path that the graph doesn't have; names the closest ones.
        Untraceable, ShapeMismatch: as `trace`.
    """
    if x.dim() < 2:
        raise BadOption(f"The input has shape {tuple(x.shape)}, but a batch is needed: (1, 3, 224, 224), say.")
    module = uncompiled(module)
    ready = prepared(module, tuple(x.shape), x.dtype)
    wanted = ready.wanting(module, None if layers is None else tuple(layers))
    with torch.no_grad():
        kept = wanted.run.run(module, x, on_step, _by_path(wanted.places, on_map) if on_map else None)
    return {path: kept[place] for path, place in wanted.places.items()}


def _by_path(places: Mapping[str, Ref], on_map: Callable[[str, Tensor], None]) -> Callable[[Ref, Tensor], None]:
    paths: dict[Ref, list[str]] = {}
    for path, place in places.items():
        paths.setdefault(place, []).append(path)

    def on_kept(place: Ref, tensor: Tensor) -> None:
        for path in paths[place]:
            on_map(path, tensor)

    return on_kept
