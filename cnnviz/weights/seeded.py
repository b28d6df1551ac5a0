"""Random weights that are the same for a seed, wherever and however often they are made."""

import hashlib
import math
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from cnnviz.errors import BadWeights
from cnnviz.operations import describe_module

_SATURATING = {"tanh", "sigmoid", "softsign", "hardtanh", "hardsigmoid"}
_RECTIFYING = {"relu", "relu6", "leakyrelu", "prelu", "elu", "gelu", "silu", "selu", "mish"}


@runtime_checkable
class Initialises(Protocol):
    """A module whose own parameters need other values than a convolution's fills them itself."""

    def initialise(self, generator: torch.Generator) -> None:
        """Set the module's own parameters (not its children's), random ones from `generator`."""
        ...


def initialise(module: nn.Module, seed: int = 0) -> None:
    """Fill every parameter, the same for a seed on every thread and whatever ran before.

    Kernels and matrices are normal with zero mean and standard deviation gain / sqrt(fan-in):
    gain sqrt(2) (He, Zhang, Ren, Sun 2015, equation 10), or 1 in a network that saturates
    (tanh or sigmoid and no ReLU; LeCun, Bottou, Orr, Müller 1998, section 4.6). Vectors are 0
    where they are called bias, else 1, so that a normalisation begins as the identity. Running
    statistics are reset, other buffers are constants and kept.

    A tensor's values depend on the seed and on its own name alone: heads that are switched
    on leave the trunk as it was.

    Raises:
        BadWeights: a constant was lost, because the module was built on the meta device.
    """
    materialise(module)
    operations = {known.op for child in module.modules() if (known := describe_module(child))}
    gain = 1.0 if operations & _SATURATING and not operations & _RECTIFYING else math.sqrt(2)
    with torch.no_grad():
        for path, child in module.named_modules():
            if isinstance(child, Initialises):
                child.initialise(_generator(seed, path))
                continue
            for name, parameter in child.named_parameters(recurse=False):
                if parameter.ndim >= 2:
                    deviation = gain / math.sqrt(max(1, math.prod(parameter.shape[1:])))
                    generator = _generator(seed, f"{path}.{name}")
                    if parameter.device.type == "cpu":
                        parameter.normal_(0, deviation, generator=generator)
                    else:  # the same values as on the CPU
                        values = torch.empty(parameter.shape, dtype=parameter.dtype)
                        parameter.copy_(values.normal_(0, deviation, generator=generator))
                else:
                    parameter.fill_(0.0 if name.endswith("bias") else 1.0)
            reset_statistics(child)


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def materialise(module: nn.Module) -> None:
    """Give tensors on the meta device (empty) memory on the CPU."""
    for child in module.modules():
        lost = [name for name, buffer in child.named_buffers(recurse=False) if buffer.is_meta]
        if lost and not hasattr(child, "reset_running_stats"):
            raise BadWeights(
                f"The constant '{lost[0]}' of {type(child).__name__} has no values on the meta device: "
                f"build the network on the CPU."
            )
    # What to_empty does, but for these tensors only: the others hold constants.
    module._apply(  # type: ignore[no-untyped-call]
        lambda tensor: torch.empty_like(tensor, device="cpu") if tensor.is_meta else tensor
    )


def reset_statistics(child: nn.Module) -> None:
    """Running statistics as they are before anything was learned, where a module has some."""
    if callable(reset := getattr(child, "reset_running_stats", None)):
        reset()
