"""Layers that are alike: PyTorch constructs the first, the others begin as it was when it was new."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import wraps
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_modules
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

REPEATED = frozenset(
    (
        *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear),
        *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.LayerNorm),
        *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Hardswish),
        *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Dropout, nn.Dropout2d),
    )
)
"""Layers of which a network has many, and whose constructors do nothing but fill the layer itself."""

META = torch.device("meta")
Constructor = Callable[..., None]


class Repeating(TorchFunctionMode):
    """Within it, PyTorch constructs layers on the meta device once for the same arguments.

    Most of what building a deep network takes are constructors that do again what they did for an equal layer. Here,
    each after the first gets what the first had right after its construction; parameters and buffers are its own. That
    holds for the very classes of `REPEATED`, not for those derived from them. Wherever something else might have a say,
    PyTorch's constructor does it all: beside another mode, for arguments that are more than numbers and words, for a
    layer on another device.

    While any thread is within, those classes have constructors of ours, which hand on to PyTorch's in every thread that
    isn't. Afterwards they are as they were.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[object, _Made | None] = {}

    def __enter__(self) -> Self:
        super().__enter__()  # type: ignore[no-untyped-call]
        _CONSTRUCTORS.replace()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _CONSTRUCTORS.put_back()
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]

    def construct(self, layer: nn.Module, usual: Constructor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Do what the usual constructor does to a layer that is being made."""
        given = _exactly((*args, *kwargs.values()))
        key = (usual, type(layer), torch.get_default_dtype(), tuple(kwargs), given)
        made = self._known.get(key)
        if made is None:
            usual(layer, *args, **kwargs)
            self._known[key] = _Made.of(layer)
        else:
            made.again(layer)


class _Empty(NamedTuple):
    """A tensor without data."""

    shape: tuple[int, ...]  # as torch.Size, PyTorch would take each number for one that may be symbolic
    stride: tuple[int, ...]
    dtype: torch.dtype
    requires_grad: bool

    @classmethod
    def like(cls, tensor: Tensor | None) -> "_Empty | None":
        if tensor is None:
            return None
        return cls(tuple(tensor.shape), tensor.stride(), tensor.dtype, tensor.requires_grad)

    def another(self) -> Tensor:
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=META)


class _Made(NamedTuple):
    """What a layer has right after its construction.

    Attributes:
        shared: its attributes; None for those of which each layer has its own.
        containers: the kinds of these, empty ones.
    """

    shared: dict[str, Any]
    containers: dict[str, type]
    parameters: dict[str, _Empty | None]
    buffers: dict[str, _Empty | None]

    @classmethod
    def of(cls, layer: nn.Module) -> "_Made | None":
        """None for a layer that has something of which it isn't known how to make another."""
        own, parameters, buffers = dict(vars(layer)), layer._parameters, layer._buffers
        containers = {name: type(value) for name, value in own.items() if type(value) in _CONTAINERS}
        own |= dict.fromkeys(containers)
        empty = not any(vars(layer)[name] for name in containers.keys() - {"_parameters", "_buffers"})
        with torch._C.DisableTorchFunction():
            bare = all(_is_bare(tensor, nn.Parameter) for tensor in parameters.values()) and all(
                _is_bare(tensor, Tensor) for tensor in buffers.values()
            )
            if not (empty and bare and all(map(_is_fixed, own.values()))):
                return None
            return cls(
                own,
                containers,
                {name: _Empty.like(tensor) for name, tensor in parameters.items()},
                {name: _Empty.like(tensor) for name, tensor in buffers.items()},
            )

    def again(self, layer: nn.Module) -> None:
        own = vars(layer)
        own.update(self.shared)
        for name, kind in self.containers.items():
            own[name] = kind()
        with torch._C.DisableTorchFunction():  # the mode would be asked on which device, which is known
            parameters, buffers = own["_parameters"], own["_buffers"]
            for name, empty in self.parameters.items():
                parameters[name] = empty and nn.Parameter(empty.another(), empty.requires_grad)
            for name, empty in self.buffers.items():
                buffers[name] = empty and empty.another()


_CONTAINERS = (dict, OrderedDict, set)
_FIXED = frozenset((bool, float, int, str, type(None), torch.device, torch.dtype))


def _is_fixed(value: object) -> bool:
    """Whether a value can't change, so that layers may share it."""
    return all(map(_is_fixed, value)) if type(value) is tuple else type(value) in _FIXED


def _is_bare(tensor: Tensor | None, kind: type[Tensor]) -> bool:
    """Whether a parameter or a buffer on meta is what `_Empty` says of it, and no more."""
    return tensor is None or (type(tensor) is kind and tensor.is_meta and not vars(tensor))


def _exactly(value: object) -> object:
    """What is equal for the same arguments alone: 1, 1.0 and True are not, and what may change is like nothing else."""
    kind = type(value)
    if kind is tuple:
        return tuple([_exactly(item) for item in cast(tuple[object, ...], value)])
    if kind is float:
        return kind, repr(value)  # 0.0 == -0.0
    return kind, value if kind in _FIXED else object()


def _in_charge() -> Repeating | None:
    """The mode that holds for this thread; None if none or another one does, too, or if a hook waits for parameters."""
    modes = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    if len(modes) != 1 or not isinstance(modes[0], Repeating) or not torch._C._is_torch_function_mode_enabled():
        return None
    hooked = torch_modules._global_parameter_registration_hooks or torch_modules._global_buffer_registration_hooks
    return None if hooked else modes[0]


class _Constructors:
    """The constructors of `REPEATED`, ours while they are needed."""

    def __init__(self) -> None:
        self._lock, self._users = Lock(), 0
        owners = {next(cls for cls in layer.__mro__ if _INIT in vars(cls)) for layer in REPEATED}
        self._usual: Mapping[type, Constructor] = {owner: vars(owner)[_INIT] for owner in owners}
        self._ours = {owner: _asking(usual) for owner, usual in self._usual.items()}

    def replace(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._change(self._usual, self._ours)

    def put_back(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._change(self._ours, self._usual)

    @staticmethod
    def _change(present: Mapping[type, Constructor], wanted: Mapping[type, Constructor]) -> None:
        for owner, constructor in wanted.items():
            if vars(owner)[_INIT] is present[owner]:  # another library's stays, which may put ours back later
                setattr(owner, _INIT, constructor)


_INIT = "__init__"


def _asking(usual: Constructor) -> Constructor:
    @wraps(usual)  # which other threads may inspect: TorchScript reads its source
    def constructor(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        mode = _in_charge() if type(self) in REPEATED else None
        if mode is None:
            usual(self, *args, **kwargs)
        else:
            mode.construct(self, usual, args, kwargs)

    return constructor


_CONSTRUCTORS = _Constructors()
