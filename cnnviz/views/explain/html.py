"""The layer card as HTML: its numbers, and its definition in MathML, which browsers draw without a script."""

import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape

from latex2mathml.converter import convert

from cnnviz.views.explain import Explanation, Formula, Share


def card_html(known: Explanation, *, asked: bool = False) -> str:
    """A layer's card: words and numbers, its formulas as a table of name, symbols and numbers, and its definition.

    Names that a network of others brings along are text and nothing else. `asked` puts question marks for whatever is
    computed.
    """
    shapes = known.shapes_asked if asked else known.shapes
    place = " · ".join(filter(None, (known.arm, known.block)))
    told = () if asked else (_list(known.notes), _small(known.sees), _shares(known.shares))
    inside = (
        f"<p><strong>{_words(known.heading)}</strong> · {_words(shapes)}</p>",
        _small(place),
        _table(known.formulas, asked),
        *told,
        f"<p>{_words(known.purpose)}</p>",
        _definition(known),
    )
    return "".join(inside)


def _definition(known: Explanation) -> str:
    """What the layer computes, as MathML, with its source and what the symbols of the card mean."""
    symbols = {symbol: meaning for formula in known.formulas for symbol, meaning in formula.where.items()}
    meanings = "".join(f"<li>{symbol} {escape(meaning)}</li>" for symbol, meaning in sorted(symbols.items()))
    details = f"<details><summary>What the symbols mean</summary><ul>{meanings}</ul></details>" if meanings else ""
    return (_math(known.definition) if known.definition else "") + _small(known.source) + details


def _table(formulas: Iterable[Formula], asked: bool) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{escape(formula.name)}</th><td>{formula.symbols}</td>"
        f"<td>{formula.question if asked else _solved(formula.line)}</td></tr>"
        for formula in formulas
    )
    return f"<table>{rows}</table>" if rows else ""


def _solved(line: str) -> str:
    """A formula with its result, after the last equals sign, in bold."""
    left, _, right = line.rpartition(" = ")
    return f"{escape(left)} = <strong>{escape(right)}</strong>"


def _shares(shares: Iterable[Share]) -> str:
    items = "".join(
        f"<div><dt>of all {escape(share.name)}</dt><dd>{share.percent:.3g} %"
        f"<span style='--share:{share.percent:.3f}%'></span></dd></div>"
        for share in shares
    )
    return f"<dl>{items}</dl>"


def _list(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{_words(note)}</li>" for note in notes)
    return f"<ul>{items}</ul>" if items else ""


def _small(text: str) -> str:
    return f"<p class='small'>{_words(text)}</p>" if text else ""


@lru_cache(maxsize=512)
def _math(latex: str) -> str:
    return f"<div class='definition' tabindex='0'>{convert(latex, display='block')}</div>"


def _words(text: str) -> str:
    """Markdown's `code`, the only mark that our sentences have."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
