"""How one number was computed, as a sentence and as a table of its terms."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from cnnviz.activations.parts import (
    Applied,
    Arm,
    Closed,
    Computed,
    Given,
    Join,
    Moved,
    Neighbours,
    Normalised,
    Parts,
    Place,
    Products,
    Share,
    Window,
)

COLUMNS = ("term", "input", "weight", "adds")


def sentence(computed: Computed) -> str:
    """What the layer does to get this number, in words and figures, without the single terms."""
    return _SENTENCES[type(computed.parts)](computed.parts)


def check(computed: Computed) -> str:
    """By how much what the parts make differs from what the network computed; '' where they make nothing."""
    if computed.recomputed is None or computed.difference is None:
        return ""
    if computed.difference == 0:
        return f"The steps give {computed.recomputed:.6g}, the very number that the network computed."
    return (
        f"The steps give {computed.recomputed:.6g}, the network computed {computed.captured:.6g}: "
        f"they differ by {computed.difference:.1e} of the sum of the absolute terms, as float32 rounds."
    )


def terms(computed: Computed, most: int = 10) -> pd.DataFrame:
    """What is added up, one row a term, the largest first, the rest in one.

    Of a convolution and a fully connected unit a term is an input channel (or unit); of an average pooling, a pixel of
    the window; of an addition, an arm; of LRN's bracket, a neighbour's square; of a softmax's sum, a unit's
    exponential. Other operations add nothing up.

    Returns:
        Columns term (a text), input and weight (numbers, or missing where a term is a whole patch), adds.
    """
    rows = _rows(computed.parts, most)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"input": float, "weight": float, "adds": float})


Row = tuple[str, float | None, float | None, float]


def _rows(parts: Parts, most: int) -> list[Row]:
    if isinstance(parts, Products):
        return _products(parts, most)
    if isinstance(parts, Window) and parts.winner is None:
        return _pixels(parts, most)
    if isinstance(parts, Join) and parts.rule == "sum":
        return [(_arm_with_role(arm), arm.value, arm.factor, arm.factor * arm.value) for arm in parts.arms]
    if isinstance(parts, Neighbours):
        return _squares(parts)
    if isinstance(parts, Share):
        return _exponentials(parts, most)
    return []


def _pixels(parts: Window, most: int) -> list[Row]:
    inside = np.argwhere(~parts.outside).tolist()
    each = [(_at(tuple(at)), float(parts.values[tuple(at)])) for at in inside]
    each.sort(key=lambda one: -abs(one[1]))
    rows: list[Row] = [(name, value, 1 / parts.divisor, value / parts.divisor) for name, value in each[:most]]
    return rows + _rest([value / parts.divisor for _, value in each[most:]], "pixels")


def _squares(parts: Neighbours) -> list[Row]:
    rows: list[Row] = [("k", None, None, parts.k)]
    for number, (channel, value) in enumerate(zip(parts.channels.tolist(), parts.values.tolist(), strict=True)):
        own = " (its own)" if number == parts.own else ""
        rows.append((f"channel {channel}{own}", value, parts.alpha, parts.alpha * value**2))
    return rows


def _exponentials(parts: Share, most: int) -> list[Row]:
    order = np.argsort(-parts.exponentials, kind="stable").tolist()
    rows: list[Row] = []
    for unit in order[:most]:
        own = " (its own)" if unit == parts.own else ""
        rows.append((f"unit {unit}{own}", float(parts.values[unit]), None, float(parts.exponentials[unit])))
    return rows + _rest(parts.exponentials[order[most:]].tolist(), "units")


def _products(parts: Products, most: int) -> list[Row]:
    single = parts.inputs[0].size == 1
    what = "channel" if parts.inputs.ndim > 1 else "unit"
    rows: list[Row] = [
        (
            f"{what} {channel}",
            float(parts.inputs[number].item()) if single else None,
            float(parts.weights[number].item()) if single else None,
            float(parts.contributions[number]),
        )
        for number, channel in enumerate(parts.channels[:most].tolist())
    ]
    rows += _rest(parts.contributions[most:].tolist(), f"{what}s")
    return rows if parts.squares else [*rows, ("bias", None, None, parts.bias)]


def _rest(values: list[float], what: str) -> list[Row]:
    return [(f"{len(values)} more {what}", None, None, float(sum(values)))] if values else []


# --- sentences ---------------------------------------------------------------------------


def _of_products(parts: Products) -> str:
    if parts.squares:
        return (
            f"The squared differences between {len(parts.channels)} units of {parts.source} and the pattern, added up."
        )
    bias = ", and the bias" if parts.bias else ""
    if parts.inputs.ndim == 1:
        return f"{len(parts.channels)} units of {parts.source}, each times its weight, added up{bias}."
    window = " × ".join(map(str, parts.outside.shape))
    covered = int(parts.outside.sum())
    padded = f" {covered} of its positions lie in the padding." if covered else ""
    depth = len(parts.channels)
    return (
        f"A window of {window} in {depth} channel{'s' if depth != 1 else ''} of {parts.source}, "
        f"from {_at(parts.start)} on, times the kernel, added up{bias}.{padded}"
    )


def _of_window(parts: Window) -> str:
    window = " × ".join(map(str, parts.outside.shape))
    where = f"a window of {window} in channel {parts.channel} of {parts.source}, from {_at(parts.start)} on"
    if parts.winner is not None:
        return f"The largest value of {where}: that at {_at(parts.winner)} of the window."
    return f"The mean of {where}: its sum divided by {parts.divisor}."


def _of_join(parts: Join) -> str:
    sign = {"sum": "+", "product": "×", "quotient": "÷"}[parts.rule]
    told = [
        f"{arm.factor * arm.value:.6g}" + (f" from {_arm(arm.source, arm.place)}" if arm.source else "")
        for arm in parts.arms
    ]
    return f" {sign} ".join(told) + "."


def _of_moved(parts: Moved) -> str:
    return (
        f"It is {_arm(parts.source, parts.place)}."
        if parts.source
        else "The operation put it there: a constant, such as padding."
    )


def _of_normalised(parts: Normalised) -> str:
    return (
        f"({parts.x:.6g} − {parts.mean:.6g}) / √({parts.variance:.6g} + {parts.eps:g}) · {parts.weight:.6g} "
        f"+ {parts.bias:.6g}: {_arm(parts.source, parts.place)}, less the channel's mean, in its standard deviations, "
        "scaled and shifted."
    )


def _of_neighbours(parts: Neighbours) -> str:
    x = float(parts.values[parts.own])
    return (
        f"{x:.6g} / ({parts.k:g} + {parts.alpha:g} · the sum of {len(parts.channels)} squares) ^ {parts.beta:g} "
        f"= {x:.6g} / {parts.denominator:.6g}: {_arm(parts.source, parts.place)}, divided by what its neighbours make."
    )


def _of_share(parts: Share) -> str:
    share = "The logarithm of exp" if parts.logarithm else "exp"
    own = float(parts.values[parts.own])
    return f"{share}({own:.6g}) as a share of the sum of exp over {len(parts.values)} units of {parts.source}."


_SENTENCES: dict[type, Callable[..., str]] = {
    Products: _of_products,
    Window: _of_window,
    Join: _of_join,
    Moved: _of_moved,
    Given: lambda _: "It is the picture's own, as the network receives it.",
    Normalised: _of_normalised,
    Neighbours: _of_neighbours,
    Applied: lambda parts: f"{parts.formula}, where x = {parts.x:.6g} is {_arm(parts.source, parts.place)}.",
    Share: _of_share,
    Closed: lambda parts: parts.reason,
}


def _arm(source: str, place: Place) -> str:
    return f"{source} at {_at(place)}" if source and place else source or "a constant"


def _arm_with_role(arm: Arm) -> str:
    return _arm(arm.source, arm.place) + (f" ({arm.role})" if arm.role else "")


def _at(place: Place) -> str:
    return f"({', '.join(map(str, place))})"
