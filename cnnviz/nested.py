"""Tensors in nested tuples, lists and dicts: what a forward takes and gives."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` applied to everything in it that is no container."""
    if isinstance(value, tuple):
        changed = [mapped(v, change) for v in value]
        return type(value)(*changed) if hasattr(value, "_fields") else _same_kind(value, changed)
    if isinstance(value, list):
        return [mapped(v, change) for v in value]
    if isinstance(value, dict):
        return {k: mapped(v, change) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(*(mapped(v, change) for v in (value.start, value.stop, value.step)))
    return change(value)


def _same_kind(value: tuple[Any, ...], items: list[Any]) -> tuple[Any, ...]:
    # torch.return_types.max and torch.Size build from one sequence, as tuple does
    return type(value)(items)


def tensors(value: Any, index: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Tensor]]:
    """Every tensor in a nested value, with the keys that lead to it."""
    if isinstance(value, Tensor):
        yield index, value
    elif isinstance(value, tuple | list):
        for position, item in enumerate(value):
            yield from tensors(item, (*index, position))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors(item, (*index, key))


def at(value: Any, index: tuple[Any, ...]) -> Any:
    """What lies in a nested value where the keys of `index` lead."""
    for key in index:
        value = value[key]
    return value


def field_names(value: Any, index: tuple[Any, ...]) -> Iterator[Any]:
    """An index with named tuples' fields by name: ('aux1',) instead of (2,)."""
    for key in index:
        yield value._fields[key] if hasattr(value, "_fields") else key
        value = value[key]
