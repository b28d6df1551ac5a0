"""A module's forward followed once and kept: what can be run again for each picture.

Following costs what a tenth of a pass of ResNet-152 does. It is kept for as long as the module lives and nothing that
its forward could read of it has changed.
"""

import types
from collections import OrderedDict
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from cnnviz.errors import UnknownLayer
from cnnviz.graph import Shape
from cnnviz.program import Pass, Program, Ref
from cnnviz.recorder import follow, name_of

MOST_PROGRAMS, MOST_PASSES = 4, 16  # of a module, of a program: the most recent ones

_FIXED = (
    *(types.NoneType, bool, int, float, complex, str, bytes, Path, Tensor, nn.Module, type),
    *(torch.dtype, torch.device, types.FunctionType, types.BuiltinFunctionType),
)


@dataclass(frozen=True)
class Wanted:
    """Some layers of a program.

    Attributes:
        run: the pass that keeps them.
        places: where each of their paths has its tensor, in the order of the pass.
    """

    run: Pass
    places: dict[str, Ref]


@dataclass(frozen=True)
class Prepared:
    """A program, and its passes made ready."""

    program: Program
    _wanted: "OrderedDict[tuple[str, ...], Wanted]" = field(default_factory=OrderedDict)

    def wanting(self, module: nn.Module, paths: tuple[str, ...] | None = None) -> Wanted:
        """Layers made ready to be captured; all of them by default.

        Raises:
            UnknownLayer: a path that the program doesn't have.
        """
        known = self.program.places
        paths = tuple(known) if paths is None else paths
        found = self._wanted.get(paths)
        if found is None:
            for path in paths:
                if path not in known:
                    raise UnknownLayer(path, known, name_of(module))
            places = {path: known[path] for path in sorted(paths, key=lambda path: known[path].step)}
            found = self._wanted[paths] = Wanted(Pass(self.program, module, frozenset(places.values())), places)
            _forget_oldest(self._wanted, MOST_PASSES)
        return found


class _Known:
    """What has been prepared of a module, and how the module looked then."""

    def __init__(self, module: nn.Module) -> None:
        self._inner = [vars(child) for child in module.modules() if child is not module]
        self._looked = [_copied(attributes) for attributes in (vars(module), *self._inner)]
        self.prepared: OrderedDict[tuple[Shape, torch.dtype], Prepared] = OrderedDict()

    def still(self, module: nn.Module) -> bool:
        """Whether nothing has changed: tensors and modules are the very same, all else is equal."""
        try:
            return [vars(module), *self._inner] == self._looked
        except Exception:
            return False  # another tensor in a tensor's place can't be compared: it is another one


_known: "WeakKeyDictionary[nn.Module, _Known]" = WeakKeyDictionary()


def prepared(module: nn.Module, shape: Shape, dtype: torch.dtype) -> Prepared:
    """The program of a module at an input shape, followed now or before.

    Raises:
        Untraceable, ShapeMismatch: as `follow`.
    """
    known = _known.get(module)
    if known is not None and not known.still(module):
        known = None
        _known.pop(module, None)
    found = known.prepared.get((shape, dtype)) if known else None
    if found is not None:
        return found
    found = Prepared(follow(module, shape, dtype))
    if known is None and _can_be_compared(module):
        known = _known[module] = _Known(module)
    if known is not None:
        known.prepared[shape, dtype] = found
        _forget_oldest(known.prepared, MOST_PROGRAMS)
    return found


def _can_be_compared(module: nn.Module) -> bool:
    """Whether a look at the attributes tells if a forward could have changed: a settings object could change unseen."""
    return all(
        _is_fixed(value, module)
        for child in module.modules()
        for name, value in vars(child).items()
        if not name.startswith("_")
    )


def _is_fixed(value: Any, root: nn.Module) -> bool:
    if isinstance(value, list | tuple | set | frozenset):
        return all(_is_fixed(item, root) for item in value)
    if isinstance(value, dict):
        return all(_is_fixed(item, root) for item in value.values())
    if is_dataclass(value) and not isinstance(value, type):
        return bool(type(value).__dataclass_params__.frozen)  # type: ignore[attr-defined]
    return value is not root and isinstance(value, _FIXED)  # the root, kept here, would live for ever


def _copied(value: Any) -> Any:
    """Containers as they are now, with the very things that they hold."""
    if type(value) in (dict, OrderedDict):
        return {name: _copied(item) for name, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_copied(item) for item in value)
    return set(value) if type(value) is set else value


def _forget_oldest(kept: "OrderedDict[Any, Any]", most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
