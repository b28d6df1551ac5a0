"""Which network each printed table is held against, and the comparison: the catalogue beside `cnnviz.printed`."""

from functools import cache

from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption
from cnnviz.networks import card, cards
from cnnviz.printed.comparison import KEYS, hold_comparison
from cnnviz.printed.computed import places_along
from cnnviz.printed.held import Held, Row, hold, produce, usual

PRODUCED = ("vgg16", "vgg19")
"""Networks whose table can't be read in the article, or isn't there: it is computed."""

PAPERS_INPUTS = {"alexnet": 224}
"""By printed table, the side of the input that the network's paper prints, where the table has another one."""


def tables() -> dict[str, str]:
    """The key of each network whose table is printed, or produced -> the network that it is held against."""
    found: dict[str, str] = {}
    for key, entry in cards().items():
        if entry.printed:
            found[entry.printed] = key
        elif key in PRODUCED:
            found[key] = key
    return found


@cache
def printed(key: str) -> Held:
    """The printed table of a network against the computed one.

    Raises:
        UnknownNetwork: the catalogue has no such key.
        BadOption: nothing is printed of it.
    """
    known = tables()
    name = card(key).printed or key
    if name not in known:
        listed = ", ".join(known)
        raise BadOption(f"No table of {key} is printed; there are those of {listed}, as in 'cnnviz printed lenet5'.")
    against = describe(Options(known[name]))
    if name in PRODUCED:
        return produce(against)
    others = {other: describe(Options(other)) for other in _variants(name)}
    return hold(name, against, key, others)


def beside(key: str) -> tuple[str, ...]:
    """What else is called like a network whose table is printed, a sentence each, with its parameters."""
    name = card(key).printed or key
    against = tables()[name]
    own = describe(Options(against))
    sentences = [usual(describe(Options(name)), own)] if name != against else []
    for other in _variants(name):
        if other != against:
            sentences.append(
                f"{other} ({card(other).title}) has {describe(Options(other)).totals.params:,} parameters."
            )
    if "heads" in card(against).options:
        heads = describe(Options(against, heads=True)).totals.params
        sentences.append(f"{against} with both auxiliary heads has {heads:,} parameters.")
    return tuple(sentences)


def papers_input(key: str) -> str:
    """What the input that a paper prints would give where the table has another one, in a sentence; '' elsewhere."""
    name = card(key).printed or key
    if name not in PAPERS_INPUTS:
        return ""
    own, side = describe(Options(tables()[name])), PAPERS_INPUTS[name]
    first = next(layer for layer in own.layers if layer.op == "conv")
    return (
        f"The paper prints an input of {side}, for which {first.path} would have {places_along(first, side):g} places "
        f"along a side; with the table's {own.input_shape[1]} it has {places_along(first, own.input_shape[1]):g}."
    )


@cache
def comparison() -> tuple[Row, ...]:
    """The article's comparison of four networks against their graphs."""
    known = cards()
    relatives = {
        key: tuple(other for other, entry in known.items() if entry.paper == known[key].paper) for key in KEYS.values()
    }
    graphs = {key: describe(Options(key)) for keys in (*relatives.values(), KEYS.values()) for key in keys}
    return hold_comparison(graphs, relatives, {key: known[key].year for key in KEYS.values()})


def _variants(name: str) -> tuple[str, ...]:
    return tuple(key for key in cards() if key.startswith(f"{name}-"))
