"""torchinfo's own description of a module, at the cost of no memory."""

import copy
import warnings

import torch
import torchinfo
from torch import Tensor, nn

from cnnviz.errors import Untraceable
from cnnviz.graph import Shape

CONVENTION = (
    "torchinfo's mult-adds: 1 multiply-accumulate counts 1, FLOPs are twice that; "
    "biases are in it, which cnnviz leaves out."
)


def torchinfo_text(module: nn.Module, input_shape: Shape) -> str:
    """torchinfo's table for a module and one input, with a line on how it counts.

    Args:
        module: on any device; it is not changed.
        input_shape: (channels, height, width), without the batch.

    Raises:
        Untraceable: the module can't be run on the meta device.
    """
    twin = _on_meta(module)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            described = torchinfo.summary(twin, input_size=(1, *input_shape), device=torch.device("meta"), verbose=0)
    except RuntimeError as error:
        cause = str(error.__cause__ or error).strip().partition("\n")[0].rstrip(".")
        raise Untraceable(f"torchinfo can't run {type(module).__name__} without data: {cause}.") from error
    return f"{described}\n{CONVENTION}\n"


def _on_meta(module: nn.Module) -> nn.Module:
    """A copy with all its parameters and buffers on meta: no value is copied."""
    twins: dict[int, Tensor] = {}
    for buffer in module.buffers():
        twins[id(buffer)] = torch.empty_like(buffer, device="meta")
    for parameter in module.parameters():
        empty = torch.empty_like(parameter, device="meta")
        twins[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
    return copy.deepcopy(module, dict(twins))
