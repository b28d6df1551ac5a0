"""How one number of a feature map comes about: what its layer computes it from, as plain numbers.

Each kind of layer has its class here; `value` is what its parts make, in float64, and `magnitude` the sum
of the absolute values of the terms that are added up for it: what a rounding error is held against.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from cnnviz.graph import Role

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Place = tuple[int, ...]
"""Where a number stands in a layer's output: (channel, row, column), or (unit,)."""

_SMALLEST = float(np.finfo(np.float32).tiny)  # below it float32 has fewer digits


@dataclass(frozen=True, eq=False)
class Products:
    """Products of what is read and weights, added up: a convolution, a fully connected unit.

    Attributes:
        source: path of the layer that is read.
        channels: (n,) those of its channels (or units) that are read, by how much they contribute, most first.
        inputs: (n, *window): what is read of each; 0 outside.
        weights: (n, *window): what it is multiplied by.
        contributions: (n,): the sum of the products over the window.
        bias: added to them.
        outside: (*window): what lies in the padding.
        start: where in the source's maps the window begins, (row, column); negative in the padding.
        step: how far apart its pixels are along each axis (dilation).
        squares: whether the squared differences of inputs and weights are added up instead (RBF units).
    """

    source: str
    channels: npt.NDArray[np.intp]
    inputs: Values
    weights: Values
    contributions: Values
    bias: float
    outside: Mask
    start: Place = ()
    step: Place = ()
    squares: bool = False

    @property
    def products(self) -> Values:
        """(n, *window): the single terms."""
        return (self.inputs - self.weights) ** 2 if self.squares else self.inputs * self.weights

    def rest(self, shown: int) -> float:
        """The sum of the contributions after the `shown` largest."""
        return float(self.contributions[shown:].sum())

    @property
    def value(self) -> float:
        """The contributions and the bias, added up."""
        return float(self.contributions.sum() + self.bias)

    @cached_property
    def magnitude(self) -> float:
        """The absolute products and the bias, added up."""
        return float(np.abs(self.products).sum() + abs(self.bias))


@dataclass(frozen=True, eq=False)
class Window:
    """A pooling: the largest or the mean of what a window of one channel holds.

    Attributes:
        source: path of the layer that is read.
        rule: what is taken of it.
        channel: of the source.
        values: (*window): what is read; 0 outside.
        outside: (*window): what lies in the padding, or behind it where the maps end before the last window does.
        start, step: as in `Products`.
        divisor: what a mean's sum is divided by; the padding counts or doesn't, as the layer has it.
        winner: of a maximum, its place in the window; the first of equals.
    """

    source: str
    rule: Literal["largest", "mean"]
    channel: int
    values: Values
    outside: Mask
    start: Place
    step: Place
    divisor: int = 1
    winner: Place | None = None

    @property
    def value(self) -> float:
        """The winner, or the mean."""
        return float(self.values[self.winner] if self.winner is not None else self.values.sum() / self.divisor)

    @property
    def magnitude(self) -> float:
        """The absolute terms of the sum; of a maximum, itself."""
        return abs(self.value) if self.winner is not None else float(np.abs(self.values).sum() / self.divisor)


@dataclass(frozen=True)
class Arm:
    """One operand of a join.

    Attributes:
        source: path of the layer that it comes from, or the parameter's name; '' for a number.
        role: what the arm is to the join, None where it is no layer's.
        place: where in the source; () for a number.
        value: what stands there.
        factor: what it is multiplied by before it joins: -1 where it is subtracted.
    """

    source: str
    role: Role | None
    place: Place
    value: float
    factor: float = 1.0


@dataclass(frozen=True)
class Join:
    """Two numbers of one place, or more, added, multiplied or divided: a shortcut, a gate."""

    rule: Literal["sum", "product", "quotient"]
    arms: tuple[Arm, ...]

    @property
    def value(self) -> float:
        """The sum, product or quotient."""
        terms = [arm.factor * arm.value for arm in self.arms]
        if self.rule == "sum":
            return float(np.sum(terms))
        if self.rule == "product":
            return float(np.prod(terms))
        with np.errstate(divide="ignore", invalid="ignore"):  # as PyTorch has it
            return float(np.divide(terms[0], terms[1]))

    @property
    def magnitude(self) -> float:
        """The absolute terms of a sum; else the value's own."""
        return float(sum(abs(arm.factor * arm.value) for arm in self.arms)) if self.rule == "sum" else abs(self.value)


@dataclass(frozen=True)
class Moved:
    """A number that is passed on as it is: flattened, sliced, padded, concatenated, dropout in evaluation.

    Attributes:
        source: path of the layer that it comes from, '' where the operation put it there (padding).
        place: where in the source, () where there is none.
        value: what stands there.
        arm: of a concatenation, which operand it is, from 0.
    """

    source: str
    place: Place
    value: float
    arm: int | None = None

    @property
    def magnitude(self) -> float:
        """Its absolute value."""
        return abs(self.value)


@dataclass(frozen=True)
class Given:
    """A number of the network's own input."""

    value: float

    @property
    def magnitude(self) -> float:
        """Its absolute value."""
        return abs(self.value)


@dataclass(frozen=True)
class Normalised:
    """Batch norm in evaluation: (x - mean) / sqrt(variance + eps) * weight + bias.

    Mean and variance are the channel's running ones, weight and bias 1 and 0 where it has none.
    """

    source: str
    place: Place
    x: float
    mean: float
    variance: float
    eps: float
    weight: float
    bias: float

    @property
    def factor(self) -> float:
        """What x is multiplied by: weight / sqrt(variance + eps)."""
        return self.weight / float(np.sqrt(self.variance + self.eps))

    @property
    def value(self) -> float:
        """Centred, scaled and shifted."""
        return (self.x - self.mean) * self.factor + self.bias

    @property
    def magnitude(self) -> float:
        """The absolute terms of x * factor - mean * factor + bias."""
        return (abs(self.x) + abs(self.mean)) * abs(self.factor) + abs(self.bias)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Local response normalisation: x / (k + alpha * sum of squares) ** beta, over channels beside it.

    Attributes:
        channels: (n,) the neighbours, the unit's own channel included, in order.
        values: (n,) what stands there.
        own: which of them is the unit's own.
        alpha: of each square; where PyTorch takes a mean over the neighbours, its alpha divided by their number.
    """

    source: str
    place: Place
    channels: npt.NDArray[np.intp]
    values: Values
    own: int
    k: float
    alpha: float
    beta: float

    @property
    def denominator(self) -> float:
        """What the unit's own value is divided by."""
        return float((self.k + self.alpha * np.square(self.values).sum()) ** self.beta)

    @property
    def value(self) -> float:
        """The unit's own value, divided."""
        return float(self.values[self.own]) / self.denominator

    @property
    def magnitude(self) -> float:
        """Its absolute value."""
        return abs(self.value)


@dataclass(frozen=True)
class Applied:
    """A function of one number: a non-linearity.

    Attributes:
        formula: of x, with the constants that this layer has.
        magnitude: its absolute value, or x's where the formula takes it as a difference.
    """

    source: str
    place: Place
    x: float
    formula: str
    value: float
    magnitude: float


@dataclass(frozen=True, eq=False)
class Share:
    """Softmax: exp(x) as a share of the sum of exp over all units of an axis; or the logarithm of that.

    Attributes:
        values: (n,) all units' values, in order.
        own: which of them is the unit's own.
        logarithm: whether it is a log-softmax.
    """

    source: str
    place: Place
    values: Values
    own: int
    logarithm: bool = False

    @cached_property
    def exponentials(self) -> Values:
        """(n,): exp(x - largest x); the common factor leaves the shares as they are."""
        return np.asarray(np.exp(self.values - self.values.max()))

    @property
    def value(self) -> float:
        """The unit's share, or its logarithm."""
        total = float(self.exponentials.sum())
        if self.logarithm:
            return float(self.values[self.own] - self.values.max()) - float(np.log(total))
        return float(self.exponentials[self.own]) / total

    @property
    def magnitude(self) -> float:
        """Its absolute value; of a logarithm, both terms."""
        if not self.logarithm:
            return abs(self.value)
        return float(self.values.max() - self.values[self.own]) + float(np.log(self.exponentials.sum()))


@dataclass(frozen=True)
class Closed:
    """An operation that isn't taken apart; `reason` is a sentence that says why."""

    reason: str


Parts = Products | Window | Join | Moved | Given | Normalised | Neighbours | Applied | Share | Closed


@dataclass(frozen=True)
class Computed:
    """One number that a layer gave, and how it comes about.

    Attributes:
        path, op: the layer and its operation, as in the graph.
        place: where in the layer's output.
        captured: what the network computed there.
        parts: what it is computed from.
    """

    path: str
    op: str
    place: Place
    captured: float
    parts: Parts

    @property
    def recomputed(self) -> float | None:
        """What the parts make; None where the operation isn't taken apart."""
        return None if isinstance(self.parts, Closed) else self.parts.value

    @property
    def difference(self) -> float | None:
        """How far that is from what was captured, relative to the sum of the absolute terms."""
        if isinstance(self.parts, Closed):
            return None
        if self.parts.value == self.captured:  # infinities included
            return 0.0
        return abs(self.parts.value - self.captured) / max(self.parts.magnitude, _SMALLEST)
