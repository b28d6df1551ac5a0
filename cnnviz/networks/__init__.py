"""The catalogue: every network, declared from its paper, one file a family.

A family is a file of this package that has a tuple `CATALOGUE` of cards; adding one
is adding that file. A network of the user's own is brought into it for as long as the process lives.
"""

import copy
import inspect
import pkgutil
from collections.abc import Mapping
from contextlib import nullcontext
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import nn

from cnnviz.errors import BadOption, DeviceUnavailable, UnknownNetwork
from cnnviz.graph import Shape
from cnnviz.networks.card import IMAGENET, Accuracy, Card, Normalisation, Paper
from cnnviz.networks.foreign import made
from cnnviz.networks.meta import OnMeta, Unfilled
from cnnviz.weights import Source, bundled, fill, resolve

__all__ = ["Accuracy", "Card", "Normalisation", "Paper", "bring", "build", "card", "cards", "construct", "kinds_for"]

MOST_CLASSES = 100_000
SHORTCUTS = ("A", "B", "C")

_brought: dict[str, Card] = {}


def cards() -> dict[str, Card]:
    """Every network's card by its key: brought ones, then families in the order they were published."""
    return _brought | _catalogue()


def card(key: str) -> Card:
    """The card of one network.

    Raises:
        UnknownNetwork: the catalogue has no such key; the message names the closest ones.
    """
    try:
        return cards()[key]
    except KeyError:
        raise UnknownNetwork(key, cards()) from None


def bring(name: str, input_shape: Shape = (3, 224, 224), **keywords: object) -> Card:
    """Take a network of the user's own into the catalogue of this process, under its name.

    It is imported and made now, and never again. A picture reaches it in ImageNet's normalisation, or in 0..1 where
    its input hasn't three channels.

    Args:
        name: `package.module:callable`. Its code is run: never what a URL says.
        input_shape: (channels, height, width).
        keywords: what the callable is given, such as classes=10; those that are None are left out.

    Raises:
        BadOption: it can't be imported, can't be made, or is no module.
    """
    given = {word: value for word, value in keywords.items() if value is not None}
    module = made(name, given).eval()
    channels = input_shape[0]
    plain = Normalisation("0 to 1", mean=(0.0,) * channels, std=(1.0,) * channels)
    _brought[name] = Card(
        name,
        title=name,
        year=0,
        idea=inspect.cleandoc(type(module).__doc__ or "").partition("\n")[0],
        build=lambda: module,
        input_shape=input_shape,
        normalisation=IMAGENET if channels == len(IMAGENET.mean) else plain,
        paper=Paper("", ""),
        options=frozenset(),
        brought=True,
        keywords=tuple(given.items()),
    )
    return _brought[name]


def build(
    key: str,
    *,
    weights: str | Source = "auto",
    device: str | torch.device = "cpu",
    classes: int | None = None,
    shortcut: str | None = None,
    heads: bool | None = None,
    batch_norm: bool | None = None,
) -> nn.Module:
    """A network in eval mode, filled with weights; its attribute `weights` says with which.

    A brought one is handed out as it is, without that attribute, and is not to be changed: all share it.

    Args:
        weights: `random`, `bundled`, `imagenet`, a file's path, what `weights.resolve` found, or `auto`:
            ImageNet where it is already on disk, else bundled, else random; random, too, where an option
            makes a network that no such weights fit; of a brought network, those that it was made with. Bundled
            ones may have fewer classes than the network usually has: unless `classes` says otherwise, the module
            then has theirs.
        device: where to; on meta a network has no weights.
        classes, shortcut, heads, batch_norm: as `construct`.

    Raises:
        UnknownNetwork, BadOption, DeviceUnavailable: as `construct`.
        BadWeights: the weights aren't there, or don't fit.
    """
    options: dict[str, Any] = {"classes": classes, "shortcut": shortcut, "heads": heads, "batch_norm": batch_norm}
    place = _device(device)
    if place.type == "meta":
        return construct(key, device=place, **options)
    source = weights if isinstance(weights, Source) else source_for(key, weights, **options)
    if source.training and classes is None:
        options["classes"] = source.training.classes
    module = construct(key, device="cpu", filled=False, **options)
    if not card(key).brought:
        fill(module, source)
        vars(module)["weights"] = source
    elif source.kind != "made" or place.type != "cpu":
        module = copy.deepcopy(module)
        fill(module, source)
    return _moved(module, place)


def source_for(key: str, weights: str = "auto", **options: int | str | bool | None) -> Source:
    """The weights that `build` takes for these arguments."""
    entry = card(key)
    if entry.brought and weights == "auto":
        return Source("made", network=key)
    found = resolve(key, weights, entry.checkpoint)
    if weights != "auto":
        return found
    choice = (found, resolve(key, "auto"), resolve(key, "random"))
    return next(source for source in choice if source.kind == "random" or _fits(entry, source, options))


def kinds_for(key: str, **options: int | str | bool | None) -> tuple[str, ...]:
    """The words that `build` takes as `weights` for these options; published ones may have to be fetched before."""
    entry, ours = card(key), bundled(key)
    fit = {
        "auto": True,
        "bundled": ours is not None and _fits(entry, ours, options),
        "imagenet": entry.checkpoint is not None and _fits(entry, Source("imagenet"), options),
        "random": True,
    }
    return tuple(kind for kind, fits in fit.items() if fits)


def _fits(entry: Card, source: Source, options: Mapping[str, object]) -> bool:
    """Whether options leave the network as the weights know it."""
    usual = {name: entry.default(name) for name in entry.options}
    if source.training and source.training.classes:
        usual["classes"] = source.training.classes
    # the published checkpoints have the heads as well
    usual = {name: value for name, value in usual.items() if name != "heads" or not entry.checkpoint}
    return all(options.get(name) in (None, value) for name, value in usual.items())


def construct(
    key: str,
    *,
    device: str | torch.device = "meta",
    classes: int | None = None,
    shortcut: str | None = None,
    heads: bool | None = None,
    batch_norm: bool | None = None,
    filled: bool = True,
) -> nn.Module:
    """A network in eval mode, with the parameters that its constructor gives it; on meta, with none.

    An option left at None is the network's own choice. The module's attribute `network` is its key. A brought network
    is handed out as it was made, wherever it is, and without that attribute, as it may have a child of that name.
    `filled=False` leaves the parameters' memory as it was found, for weights that are on their way.

    Raises:
        UnknownNetwork: the catalogue has no such key.
        BadOption: the network doesn't take an option, or not with this value.
        DeviceUnavailable: the device isn't there, or has too little memory.
    """
    entry = card(key)
    given = {"classes": classes, "shortcut": shortcut, "heads": heads, "batch_norm": batch_norm}
    options = {name: value for name, value in given.items() if value is not None}
    for name, value in options.items():
        _check(entry, name, value)
    if entry.brought:
        return entry.build()

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
        known = ", ".join(sorted(entry.options))
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
