"""Functions of one number: their formulas, and what they give."""

import math
from collections.abc import Callable

from cnnviz.activations.parts import Applied
from cnnviz.activations.reading import Reading, Unread


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _selu(x: float) -> float:
    alpha, scale = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017
    return scale * (x if x > 0 else alpha * math.expm1(x))


def _gelu(reading: Reading, x: float) -> tuple[str, float]:
    if reading.given("approximate", "none") == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return "x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715 x³)))", x / 2 * (1 + math.tanh(inner))
    return "x · Φ(x), Φ the normal distribution's", x / 2 * math.erfc(-x / math.sqrt(2))


def _tanh(reading: Reading, x: float) -> tuple[str, float]:
    amplitude, slope = reading.hyper.get("amplitude"), reading.hyper.get("slope")
    if isinstance(amplitude, float) and isinstance(slope, float):
        return f"{amplitude:g} · tanh({slope:.4g} · x)", amplitude * math.tanh(slope * x)
    return "tanh(x)", math.tanh(x)


def _leaky(reading: Reading, x: float) -> tuple[str, float]:
    slope = float(reading.given("negative_slope", 0.01))
    return f"x, or {slope:g} · x where x < 0", x if x > 0 else slope * x


def _prelu(reading: Reading, x: float) -> tuple[str, float]:
    slopes = reading.weight("weight")
    if slopes is None:
        raise Unread(f"{reading.path} takes its slopes from elsewhere, and isn't taken apart.")
    slope = float(slopes.flatten()[reading.index[1] if slopes.numel() > 1 else 0])
    return f"x, or {slope:g} · x where x < 0", x if x > 0 else slope * x


def _elu(reading: Reading, x: float) -> tuple[str, float]:
    alpha = float(reading.given("alpha", 1.0))
    return f"x, or {alpha:g} · (exp(x) - 1) where x < 0", x if x > 0 else alpha * math.expm1(x)


def _hardtanh(reading: Reading, x: float) -> tuple[str, float]:
    low, high = float(reading.given("min_val", -1.0)), float(reading.given("max_val", 1.0))
    return f"x, but at least {low:g} and at most {high:g}", min(max(x, low), high)


FUNCTIONS: dict[str, Callable[[Reading, float], tuple[str, float]]] = {
    "elu": _elu,
    "gelu": _gelu,
    "hardsigmoid": lambda _, x: ("x / 6 + 1 / 2, but at least 0 and at most 1", min(max(x / 6 + 0.5, 0.0), 1.0)),
    "hardswish": lambda _, x: ("x · min(max(x + 3, 0), 6) / 6", x * min(max(x + 3, 0.0), 6.0) / 6),
    "hardtanh": _hardtanh,
    "leakyrelu": _leaky,
    "mish": lambda _, x: ("x · tanh(log(1 + exp(x)))", x * math.tanh(_softplus(x))),
    "prelu": _prelu,
    "relu": lambda _, x: ("max(0, x)", max(0.0, x)),
    "relu6": lambda _, x: ("min(max(0, x), 6)", min(max(0.0, x), 6.0)),
    "selu": lambda _, x: ("1.0507 · (x, or 1.6733 · (exp(x) - 1) where x < 0)", _selu(x)),
    "sigmoid": lambda _, x: ("1 / (1 + exp(-x))", _sigmoid(x)),
    "silu": lambda _, x: ("x / (1 + exp(-x))", x * _sigmoid(x)),
    "softsign": lambda _, x: ("x / (1 + |x|)", x / (1 + abs(x))),
    "tanh": _tanh,
}
"""By operation: the formula of x with the layer's constants, and its value."""

# near zero their terms cancel: the rounding error is that of x rather than that of the value
_CANCEL = frozenset({"gelu", "hardsigmoid", "hardswish"})


def applied(reading: Reading) -> Applied:
    """A non-linearity at one place."""
    x = reading.number(reading.read, reading.index)
    op = reading.step.operation.op
    formula, value = FUNCTIONS[op](reading, x)
    return Applied(
        source=reading.path_of(reading.read),
        place=reading.place,
        x=x,
        formula=formula,
        value=value,
        magnitude=max(abs(x), abs(value)) if op in _CANCEL else abs(value),
    )
