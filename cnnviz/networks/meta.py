"""Building a module without filling it: on the meta device, or in memory for weights that come later."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from cnnviz.networks.repeating import Repeating
from cnnviz.operations import FACTORIES

_FILLS = frozenset(
    {
        Tensor.copy_,
        Tensor.fill_,
        Tensor.normal_,
        Tensor.uniform_,
        Tensor.zero_,
        # With which torch.nn.init.trunc_normal_ goes on:
        Tensor.add_,
        Tensor.clamp_,
        Tensor.erfinv_,
        Tensor.mul_,
    }
)

# Factories that take what torch.empty takes: without values, all give the same, which it does soonest.
_AS_EMPTY = frozenset({torch.ones, torch.rand, torch.randn, torch.zeros})


class OnMeta(Repeating):
    """Within it, new tensors are on the meta device and nothing fills them.

    Much faster than `torch.device("meta")`, which runs every initialisation on the meta device, where it does nothing
    but cost time, and every constructor of layers that are alike. The mode holds for the thread that entered it; any
    number of threads may build at once.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`, on the meta device if it makes a tensor; return its tensor if it only fills one."""
        kwargs = kwargs or {}
        if func in FACTORIES:
            if kwargs.get("device") is not None:
                return func(*args, **kwargs)
            return (torch.empty if func in _AS_EMPTY else func)(*args, **{**kwargs, "device": "meta"})
        if func in _FILLS or getattr(func, "__module__", None) == "torch.nn.init":
            tensor: Tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **kwargs)


class Unfilled(TorchFunctionMode):
    """Within it, `torch.nn.init` leaves parameters as they are: weights are on their way.

    Constants and running statistics are set all the same. For the thread that entered it, like `OnMeta`; it has no
    state, and nothing is patched.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func` unless it initialises a parameter."""
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
