"""LeNet-5: what C3's connection table saves, what its output compares with, and which 60,000 it has.

Source: LeCun, Bottou, Bengio, Haffner 1998, section II.B, table I, figure 3.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from cnnviz.analysis.cost import connections as connections_of
from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption
from cnnviz.networks.layers import Connections, RadialBasis
from cnnviz.networks.lenet import DIGITS, TABLE_I, connections

KERNEL = 5
MAPS = 6
"""Maps of S2."""
FIGURE = (12, 7)
"""Height and width of the figure that F6's 84 units are to draw."""
_STAGES = (  # as the paper has it, as it is usually printed
    ("C1", "c1", "conv1"),
    ("S2", "s2", "pool1"),
    ("C3", "c3", "conv2"),
    ("S4", "s4", "pool2"),
    ("C5", "c5", "conv3"),
    ("F6", "f6", "fc1"),
    ("output", "rbf", "fc2"),
)


@dataclass(frozen=True)
class Stage:
    """A layer of LeNet-5 in either version: parameters of both, and the paper's connections."""

    name: str
    of_1998: int
    printed: int
    connections: int


@cache
def stages() -> tuple[Stage, ...]:
    """The layers with parameters, counted from the two networks' graphs; they add up to 60,000 and 61,706."""
    paper, printed = describe(Options("lenet5-1998")), describe(Options("lenet5"))
    return tuple(
        Stage(name, paper.layer(own).params, printed.layer(other).params, connections_of(paper.layer(own)))
        for name, own, other in _STAGES
    )


def table() -> Connections:
    """Which maps of S2 each of C3's 16 maps reads."""
    return connections(TABLE_I)


def complete() -> Connections:
    """The same if each read all."""
    return (tuple(range(MAPS)),) * len(table())


def weights_of(reads: Connections) -> int:
    """Weights and biases of C3: a 5 x 5 kernel for each pair of maps, and a bias a map. 1,516 of table I, 2,416 of all.

    Args:
        reads: the maps that each of its maps reads.
    """
    return sum(KERNEL**2 * len(maps) + 1 for maps in reads)


def alike(reads: Connections) -> int:
    """How many pairs of maps read the very same ones, so that nothing but their start tells them apart."""
    return sum(first == second for at, first in enumerate(reads) for second in reads[:at])


@cache
def figures() -> npt.NDArray[np.float32]:
    """(10, 12, 7): the digits that the output compares F6 with, 1 for ink and -1 for paper."""
    drawn: npt.NDArray[np.float32] = RadialBasis(DIGITS).patterns.numpy().reshape(len(DIGITS), *FIGURE)
    return drawn


def spoilt(digit: int, flipped: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """(12, 7): a digit's figure with some units of the wrong sign, as F6 might draw it.

    Raises:
        BadOption: no such digit, or more units than there are.
    """
    if not 0 <= digit < len(DIGITS):
        raise BadOption(f"The digit {digit} was given, but there are those from 0 to {len(DIGITS) - 1}.")
    units = FIGURE[0] * FIGURE[1]
    if not 0 <= flipped <= units:
        raise BadOption(f"{flipped} units were to be flipped, but F6 has {units}.")
    drawn: npt.NDArray[np.float32] = figures()[digit].copy()
    # of one shuffled order, so that more flips keep the earlier ones
    wrong = np.random.default_rng([seed, digit]).permutation(units)[:flipped]
    drawn.flat[wrong] *= -1
    return drawn


def distances(drawn: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(10,): the output for what F6 draws, the squared distance from each digit's figure; the smallest wins."""
    squared: npt.NDArray[np.float32] = np.square(figures() - drawn).sum(axis=(1, 2))
    return squared
