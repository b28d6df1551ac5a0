"""The catalogue: every network, declared from its paper, one file a family.

A family is a file of this package that has a tuple `CATALOGUE` of cards; adding one
is adding that file.
"""

import pkgutil
from contextlib import nullcontext
from functools import cache
from importlib import import_module

import torch
from torch import nn

from cnnviz.errors import BadOption, DeviceUnavailable, UnknownNetwork
from cnnviz.networks.card import Accuracy, Card, Normalisation, Paper
from cnnviz.networks.meta import OnMeta, Unfilled
from cnnviz.weights import Source, fill, resolve

__all__ = ["Accuracy", "Card", "Normalisation", "Paper", "build", "card", "cards", "construct"]

MOST_CLASSES = 1_000_000
SHORTCUTS = ("A", "B", "C")


def cards() -> dict[str, Card]:
    """Every network's card by its key: families in the order they were published."""
    return dict(_catalogue())


def card(key: str) -> Card:
    """The card of one network.

    Raises:
        UnknownNetwork: the catalogue has no such key; the message names the closest ones.
    """
    try:
        return _catalogue()[key]
    except KeyError:
        raise UnknownNetwork(key, _catalogue()) from None


def build(
    key: str,
    *,
    weights: str | Source = "auto",
    device: str | torch.device = "cpu",
    classes: int | None = None,
    shortcut: str | None = None,
    heads: bool | None = None,
) -> nn.Module:
    """A network in eval mode, filled with weights; its attribute `weights` says with which.

    Args:
        weights: `random`, `bundled`, `imagenet`, a file's path, what `weights.resolve` found, or `auto`:
            ImageNet where it is already on disk, else bundled, else random; random, too, where an option
            makes a network that no such weights fit.
        device: where to; on meta a network has no weights.
        classes, shortcut, heads: as `construct`.

    Raises:
        UnknownNetwork, BadOption, DeviceUnavailable: as `construct`.
        BadWeights: the weights aren't there, or don't fit.
    """
    entry = card(key)
    place = _device(device)
    if place.type == "meta":
        return construct(key, device=place, classes=classes, shortcut=shortcut, heads=heads)
    source = weights if isinstance(weights, Source) else source_for(key, weights, classes, shortcut, heads)
    module = construct(entry.key, device="cpu", classes=classes, shortcut=shortcut, heads=heads, filled=False)
    fill(module, source)
    vars(module)["weights"] = source
    return _moved(module, place)


def source_for(
    key: str,
    weights: str = "auto",
    classes: int | None = None,
    shortcut: str | None = None,
    heads: bool | None = None,
) -> Source:
    """The weights that `build` takes for these arguments."""
    entry = card(key)
    # the published checkpoints have the heads as well
    given = {"classes": classes, "shortcut": shortcut, "heads": None if entry.checkpoint else heads}
    fits = all(value is None or value == entry.default(name) for name, value in given.items() if name in entry.options)
    return resolve(key, "random" if weights == "auto" and not fits else weights, entry.checkpoint)


def construct(
    key: str,
    *,
    device: str | torch.device = "meta",
    classes: int | None = None,
    shortcut: str | None = None,
    heads: bool | None = None,
    filled: bool = True,
) -> nn.Module:
    """A network in eval mode, with the parameters that its constructor gives it; on meta, with none.

    An option left at None is the network's own choice. The module's attribute `network` is its key.
    `filled=False` leaves the parameters' memory as it was found, for weights that are on their way.

    Raises:
        UnknownNetwork: the catalogue has no such key.
        BadOption: the network doesn't take an option, or not with this value.
        DeviceUnavailable: the device isn't there, or has too little memory.
    """
    entry = card(key)
    given = {"classes": classes, "shortcut": shortcut, "heads": heads}
    options = {name: value for name, value in given.items() if value is not None}
    for name, value in options.items():
        _check(entry, name, value)

    place = _device(device)
    if place.type == "meta":
        with OnMeta():
            module = entry.build(**options)
    else:
        with nullcontext() if filled else Unfilled():
            module = entry.build(**options)
        module = _moved(module, place)
    vars(module)["network"] = key
    return module.eval()


@cache
def _catalogue() -> dict[str, Card]:
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    families: list[tuple[Card, ...]] = [module.CATALOGUE for module in modules if hasattr(module, "CATALOGUE")]
    # In one year, arXiv's numbers tell who was first.
    families.sort(key=lambda family: (family[0].year, family[0].paper.link))
    found = [entry for family in families for entry in family]
    catalogue = {entry.key: entry for entry in found}
    assert len(catalogue) == len(found), "two networks have the same key"
    return catalogue


def _check(entry: Card, name: str, value: object) -> None:
    if name not in entry.options:
        known = " and ".join(sorted(entry.options))
        takes = f"no such option, only {known}" if known else "no options"
        raise BadOption(f"You gave {name}={value!r}; {entry.key} takes {takes}.")
    if name == "classes":
        # True is an int to Python, but no number of classes.
        fits = type(value) is int and 1 <= value <= MOST_CLASSES
        wanted = f"a whole number from 1 to {MOST_CLASSES:,}"
    elif name == "shortcut":
        fits, wanted = value in SHORTCUTS, "'A', 'B' or 'C'"
    else:
        fits, wanted = isinstance(value, bool), "True or False"
    if not fits:
        raise BadOption(f"You gave {name}={value!r}; {entry.key} takes {wanted}.")


def _device(device: str | torch.device) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError):
        raise DeviceUnavailable(f"No device is called {device!r}; type 'cpu', 'cuda', 'mps' or 'meta'.") from None


def _moved(module: nn.Module, device: torch.device) -> nn.Module:
    try:
        return module.to(device)
    except (RuntimeError, AssertionError) as error:  # torch raises either where a device is missing
        problem = str(error).partition("\n")[0].rstrip(".")
    raise DeviceUnavailable(f"The device '{device}' can't be used: {problem}. Use 'cpu'.")
