"""How one number was computed, as HTML for a page: windows and kernels as grids of numbers, terms with their sum."""

import math
from collections.abc import Sequence
from html import escape
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from cnnviz.activations.parts import Computed, Mask, Neighbours, Parts, Place, Products, Share, Values, Window
from cnnviz.views.terms import check, sentence, terms

T = TypeVar("T", bound=np.generic)
MOST_TERMS = 8
MOST_NUMBERED = 7  # along a side: the numbers of larger windows are said on hover
MOST_ALONG = 16  # larger windows are terms in a table
_NEGATIVE, _MIDDLE, _POSITIVE = (84, 39, 136), (247, 247, 247), (179, 88, 6)  # the maps' own colours
_EVEN = math.sqrt(1.05 * 0.05) - 0.05  # the luminance that is as far from white as from black


def worked(computed: Computed) -> str:
    """The steps that lead to a number, the largest first, and what they make beside what the network computed.

    Names that a network of others brings along are text and nothing else.
    """
    parts = computed.parts
    small = not isinstance(parts, Products | Window) or max(parts.outside.shape, default=0) <= MOST_ALONG
    if isinstance(parts, Products) and parts.outside.size > 1 and small:
        steps = _patches(parts)
    elif isinstance(parts, Window) and small:
        steps = _window(parts)
    else:
        steps = _terms(parts, [tuple(row) for row in terms(computed, MOST_TERMS).itertuples(index=False)])
    told = check(computed)
    return f"<p>{escape(sentence(computed))}</p>{steps}" + (f"<p class=check>{escape(told)}</p>" if told else "")


# --- windows -----------------------------------------------------------------------------


def _patches(parts: Products) -> str:
    """Each of the channels that contribute most: patch, kernel, and their products; then all that is added up."""
    side = max(parts.outside.shape)
    shown = min(len(parts.channels), 6 if side <= 3 else 4 if side <= 5 else 3)
    patches, kernels, products = (
        [_flat(values) for values in all_[:shown]] for all_ in (parts.inputs, parts.weights, parts.products)
    )
    outside = _flat(parts.outside)
    most = [max(float(np.abs(values).max()) for values in grids) for grids in (patches, kernels, products)]
    rows = []
    for number in range(shown):
        adds = f"adds <b>{_signed(float(parts.contributions[number]))}</b>"
        rows.append(
            f"<li><p>channel {parts.channels[number]} {adds}</p><div class=grids>"
            f"{_grid('patch', patches[number], most[0], outside)}<i>×</i>"
            f"{_grid('kernel', kernels[number], most[1])}<i>=</i>"
            f"{_grid('products', products[number], most[2], outside)}</div></li>"
        )
    added = [
        (f"channel {channel}", float(adds))
        for channel, adds in zip(parts.channels[:shown].tolist(), parts.contributions[:shown], strict=True)
    ]
    if others := len(parts.channels) - shown:
        added.append((f"{others} more channel{'s' if others > 1 else ''}", parts.rest(shown)))
    added.append(("bias", parts.bias))
    longest = max((abs(adds) for _, adds in added), default=0.0)
    lines = "".join(f"<tr><th scope=row>{name}</th>{_amount(adds, longest)}</tr>" for name, adds in added)
    wide = " class=wide" if side > 3 else ""
    return f"<ul{wide}>{''.join(rows)}</ul><table class=sum>{lines}{_last('together', parts.value)}</table>"


def _window(parts: Window) -> str:
    values, winner = _flat(parts.values), parts.winner
    if winner is not None:
        place = int(np.ravel_multi_index(winner, parts.values.shape))
        winner = (place // values.shape[1], place % values.shape[1])
    grid = _grid("window", values, float(np.abs(values).max()), _flat(parts.outside), winner)
    total = f"<p>Their sum is {_digits(float(values.sum()))}.</p>" if winner is None else ""
    return f"<div class=alone style=--n:{values.shape[1]}>{grid}</div>{total}"


def _flat(values: npt.NDArray[T]) -> npt.NDArray[T]:
    """A window as rows and columns, whatever axes it has."""
    return values.reshape(math.prod(values.shape[:-1]), values.shape[-1])


def _grid(name: str, values: Values, most: float, outside: Mask | None = None, winner: Place | None = None) -> str:
    """Numbers on their colours, violet below zero and orange above; padding is hatched."""
    digits = _decimals(most)
    rows = [
        "".join(
            _cell(
                f"{round(value, digits) + 0:.{digits}f}".replace("-", "−"),  # + 0: without the sign of a zero
                value / most if most else 0.0,
                max(values.shape) <= MOST_NUMBERED,
                padded=outside is not None and bool(outside[row, column]),
                won=(row, column) == winner,
            )
            for column, value in enumerate(line)
        )
        for row, line in enumerate(values.tolist())
    ]
    lines = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table class=grid style=--n:{values.shape[1]}><caption>{name}</caption>{lines}</table>"


def _cell(told: str, share: float, numbered: bool, *, padded: bool, won: bool) -> str:
    colour, dark = _colour(share)
    kinds = " ".join(kind for kind, is_one in (("pad", padded), ("won", won), ("w", dark)) if is_one)
    look = (f" class='{kinds}'" if kinds else "") + ("" if padded else f" style=background:{colour}")
    return f"<td{look}>{told}</td>" if numbered else f"<td{look} title={told}></td>"


def _colour(share: float) -> tuple[str, bool]:
    """Of a value from -1 to 1, and whether letters on it are to be white."""
    end, part = (_NEGATIVE if share < 0 else _POSITIVE), min(1.0, abs(share))
    channels = [round(middle + (last - middle) * part) for middle, last in zip(_MIDDLE, end, strict=True)]
    linear = [(c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in channels]
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#" + "".join(f"{c:02x}" for c in channels), luminance < _EVEN


def _decimals(most: float) -> int:
    """As many as leave two or three digits of the largest value."""
    if not 0 < most < math.inf:
        return 0
    size = math.floor(math.log10(most))
    return min(9, max(0, 2 - max(0, size) if size >= -1 else 1 - size))


# --- terms -------------------------------------------------------------------------------


def _terms(parts: Parts, rows: Sequence[tuple[str, float, float, float]]) -> str:
    """Terms that are single numbers: what is read, times what, and what that adds."""
    if not rows:
        return ""
    weighted = any(not math.isnan(weight) for _, _, weight, _ in rows)
    longest = max(abs(adds) for *_, adds in rows)
    times = "<th scope=col>times</th>" if weighted else ""
    head = f"<tr><th scope=col>term</th><th scope=col>input</th>{times}<th scope=col>adds</th><td></td></tr>"
    lines = [
        f"<tr><th scope=row>{escape(name)}</th><td>{_known(value)}</td>"
        f"{f'<td>{_known(weight)}</td>' if weighted else ''}{_amount(adds, longest)}</tr>"
        for name, value, weight, adds in rows
    ]
    name = "in brackets" if isinstance(parts, Neighbours) else "sum of exp" if isinstance(parts, Share) else "together"
    together = float(np.sum([adds for *_, adds in rows]))
    return f"<table class=sum>{head}{''.join(lines)}{_last(name, together, 2 if weighted else 1)}</table>"


def _amount(value: float, longest: float) -> str:
    """What a term adds, and a bar that shows how much of the largest term that is."""
    share = 100 * min(1.0, abs(value) / longest) if longest else 0.0
    side = "less" if value < 0 else "more"
    return f"<td>{_signed(value)}</td><td class=bar><i class={side} style=width:{share:.3g}%></i></td>"


def _last(name: str, total: float, empty: int = 0) -> str:
    return f"<tr class=total><th scope=row>{name}</th>{'<td></td>' * empty}<td>{_digits(total)}</td><td></td></tr>"


def _known(value: float) -> str:
    return "" if math.isnan(value) else _digits(value)


def _digits(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.4g}".replace("-", "−")
