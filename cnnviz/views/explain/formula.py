"""A formula, and how it is written: with symbols in HTML, with numbers in plain text, and its value.

It is written once, in Python's syntax (`floor((n + 2*p - k)/s) + 1`); all else follows from that.
"""

import ast
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Formula:
    """A number of a layer and how it comes about.

    Attributes:
        name: what it is: 'output height and width', 'parameters', 'MACs', 'receptive field', …
        symbols: the formula in symbols, HTML: '<var>c<sub>out</sub></var> …'.
        where: what each of its symbols is, HTML and words.
        text, expression: the same with this layer's numbers put in: plain text ('⌊(224 + 2·3 − 7)/2⌋ + 1'), and
            Python's syntax with `floor` and `ceil`.
        value: what that gives, which is the graph's number.
        unit: of the value: 'bytes', 'pixels', or ''.
        asked: as `text`, in HTML, with symbols for what is itself a result of this layer: '64·<var>h<sub>out…'.
    """

    name: str
    symbols: str
    where: Mapping[str, str]
    text: str
    expression: str
    value: int
    unit: str = ""
    asked: str = ""

    @property
    def question(self) -> str:
        """The left side in HTML, which doesn't give any other question's answer away, and a question mark."""
        return f"{self.asked} = ?{self._unit}"

    @property
    def line(self) -> str:
        """Both sides in plain text: '64·3·7·7 = 9,408'."""
        return f"{self.text} = {with_commas(self.value)}{self._unit}"

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


_SYMBOLS = {
    "n": "length that comes in",
    "p": "padding on each side",
    "p_before": "padding before",
    "p_after": "padding behind",
    "k": "kernel",
    "s": "stride",
    "d": "dilation",
    "o": "output padding",
    "t": "first place taken",
    "e": "length of an axis",
    "c": "channels",
    "c_in": "channels in",
    "c_out": "channels out, one a filter",
    "c_before": "maps of zeros before",
    "c_after": "maps of zeros behind",
    "g": "groups",
    "m": "connected pairs of maps, a kernel each",
    "k_h": "kernel height",
    "k_w": "kernel width",
    "k_l": "kernel length",
    "k_d": "kernel depth",
    "h_in": "height in",
    "w_in": "width in",
    "h_out": "height out",
    "w_out": "width out",
    "l_in": "length in",
    "l_out": "length out",
    "d_in": "depth in",
    "d_out": "depth out",
    "f": "features",
    "h": "height",
    "w": "width",
    "f_in": "features in",
    "f_out": "features out",
    "M": "MACs",
    "r": "window of what comes in",
    "j": "stride of its windows",
    "a": "start of its first window",
}


_RESULTS = frozenset(["h_out", "w_out", "l_out", "d_out", "M"])


_BRACKETS = {"": ("(", ")"), "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉"), "max": ("max(", ")"), "min": ("min(", ")")}

_SUM, _CROSS, _QUOTIENT, _DOT, _ATOM = range(1, 6)  # what binds more strongly needs no brackets
_FUNCTIONS: dict[str, Callable[..., Fraction]] = {
    "floor": lambda x: Fraction(math.floor(x)),
    "ceil": lambda x: Fraction(math.ceil(x)),
    "max": max,
    "min": min,
}


def formula(
    name: str, template: str, numbers: Mapping[str, int], unit: str = "", results: Collection[str] = _RESULTS
) -> Formula:
    """A formula in Python's syntax, with a number for each of its names; those in `results` other formulas give.

    A product in brackets that is multiplied from the left is set apart by a cross: h*w*(k*k) is h·w × k·k.
    """
    tree = ast.parse(template, mode="eval").body
    names = [word for word in re.findall(r"[A-Za-z]\w*", template) if word in numbers]
    symbols = dict.fromkeys(word if word in _SYMBOLS else word.partition("_")[0] for word in names)
    return Formula(
        name=name,
        symbols=_written(tree, {}),
        where={_symbol(symbol): _SYMBOLS[symbol] for symbol in symbols},
        text=_written(tree, numbers),
        expression=re.sub(r"[A-Za-z]\w*", lambda word: str(numbers.get(word[0], word[0])), template),
        value=int(_value(tree, numbers)),
        unit=unit,
        asked=_written(tree, {symbol: number for symbol, number in numbers.items() if symbol not in results}),
    )


def _value(node: ast.expr, numbers: Mapping[str, int]) -> Fraction:
    match node:
        case ast.Constant(value=int(number)):
            return Fraction(number)
        case ast.Name(id=name):
            return Fraction(numbers[name])
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _FUNCTIONS[name](*(_value(argument, numbers) for argument in arguments))
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left, numbers), _value(right, numbers)
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b
    raise AssertionError(ast.dump(node))


def _written(node: ast.expr, numbers: Mapping[str, int], least: int = 0) -> str:
    """A formula's text; a name without a number is its symbol. `least` is how strongly it has to bind to stand without
    brackets.
    """
    dot = "·" if numbers else "\u2009"  # symbols stand side by side: 2 p
    match node:
        case ast.Constant(value=int(number)):
            text, strength = _plain(number)
        case ast.Name(id=name):
            text, strength = _plain(numbers[name]) if name in numbers else (_symbol(name), _ATOM)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            opening, closing = _BRACKETS[name]
            text = opening + ", ".join(_written(argument, numbers) for argument in arguments) + closing
            strength = _ATOM
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            sign, strength = " + " if isinstance(op, ast.Add) else " − ", _SUM
            text = _written(left, numbers, _SUM) + sign + _written(right, numbers, _CROSS)
        case ast.BinOp(left=left, op=ast.Mult(), right=ast.BinOp(op=ast.Mult()) as right):
            strength = _CROSS
            text = " × ".join(_written(side, numbers, _DOT) for side in (left, right))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            strength = _DOT
            text = dot.join([_written(left, numbers, _DOT), _written(right, numbers, _ATOM)])
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            strength = _QUOTIENT
            text = f"{_written(left, numbers, _DOT)}/{_written(right, numbers, _ATOM)}"
        case _:
            raise AssertionError(ast.dump(node))
    opening, closing = _BRACKETS[""]
    return text if strength >= least else opening + text + closing


def _plain(number: int) -> tuple[str, int]:
    text = with_commas(number) if number < 0 or number >= 10_000 else str(number)
    return text, _ATOM if number >= 0 else _SUM


def with_commas(value: int) -> str:
    """11,689,512, with a sign that is one."""
    return "−" * (value < 0) + f"{abs(value):,}"


def _symbol(name: str) -> str:
    base, _, index = name.partition("_")
    return f"<var>{base}<sub>{index}</sub></var>" if index else f"<var>{base}</var>"
