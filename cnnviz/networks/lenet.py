"""LeNet-5, from LeCun, Bottou, Bengio, Haffner 1998: Gradient-Based Learning Applied to Document
Recognition; as most articles print it, and as the paper has it.
"""

from collections import OrderedDict

from torch import nn

from cnnviz.networks.card import Card, Normalisation, Paper
from cnnviz.networks.layers import Connections, RadialBasis, ScaledTanh, Subsampling, TableConv2d

LECUN_1998 = Paper(
    "LeCun, Bottou, Bengio, Haffner 1998: Gradient-Based Learning Applied to Document Recognition",
    "http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf",
)

# Section II.B: background at -0.1, foreground at 1.175, so that the mean is about 0, the variance about 1.
MNIST = Normalisation("MNIST, -0.1 to 1.175", mean=(0.1 / 1.275,), std=(1 / 1.275,))

BORDER = 2
"""Section II.B: MNIST's 28 x 28 in the middle of 32 x 32, so that the ends of strokes, too, can lie in the
centre of what the highest units see."""

TABLE_I = """
    X . . . X X X . . X X X X . X X
    X X . . . X X X . . X X X X . X
    X X X . . . X X X . . X . X X X
    . X X X . . X X X X . . X . X X
    . . X X X . . X X X X . X X . X
    . . . X X X . . X X X X . X X X
"""
"""Which maps of S2 (rows) the maps of C3 (columns) read: different ones, to break the symmetry."""

DIGITS = (
    """
    .......
    ..###..
    .#...#.
    #.....#
    #.....#
    #.....#
    #.....#
    #.....#
    #.....#
    .#...#.
    ..###..
    .......
    """,
    """
    .......
    ...#...
    ..##...
    .#.#...
    ...#...
    ...#...
    ...#...
    ...#...
    ...#...
    ...#...
    .#####.
    .......
    """,
    """
    .......
    ..####.
    .#....#
    ......#
    ......#
    .....#.
    ....#..
    ...#...
    ..#....
    .#.....
    .######
    .......
    """,
    """
    .......
    .#####.
    ......#
    .....#.
    ....#..
    ..###..
    .....#.
    ......#
    ......#
    #.....#
    .#####.
    .......
    """,
    """
    .......
    ....##.
    ...#.#.
    ...#.#.
    ..#..#.
    ..#..#.
    .#...#.
    #######
    .....#.
    .....#.
    .....#.
    .......
    """,
    """
    .......
    #######
    #......
    #......
    #......
    ######.
    ......#
    ......#
    ......#
    #.....#
    .#####.
    .......
    """,
    """
    .......
    ...###.
    ..#....
    .#.....
    #......
    #.###..
    ##...#.
    #.....#
    #.....#
    .#...#.
    ..###..
    .......
    """,
    """
    .......
    #######
    ......#
    .....#.
    .....#.
    ....#..
    ....#..
    ...#...
    ...#...
    ..#....
    ..#....
    .......
    """,
    """
    .......
    ..###..
    .#...#.
    #.....#
    .#...#.
    ..###..
    .#...#.
    #.....#
    #.....#
    .#...#.
    ..###..
    .......
    """,
    """
    .......
    ..###..
    .#...#.
    #.....#
    #.....#
    .#...##
    ..###.#
    ......#
    .....#.
    ....#..
    .###...
    .......
    """,
)
"""The ten digits, 7 wide and 12 high, which F6 is to draw: ours, after section II.B and figure 3."""


def connections(table: str) -> Connections:
    """For each column of the table, the rows that are marked with an X."""
    columns = zip(*(line.split() for line in table.strip().splitlines()), strict=True)
    return tuple(tuple(row for row, mark in enumerate(column) if mark == "X") for column in columns)


class LeNet5(nn.Sequential):
    """LeNet-5 as it is usually printed (`assets/printed/lenet5.csv`).

    Input (N, 1, 32, 32) in the paper's normalisation; output (N, classes) probabilities.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(1, 6, kernel_size=5),  # 6 x 28 x 28
                tanh1=nn.Tanh(),
                pool1=nn.AvgPool2d(kernel_size=2, stride=2),  # 6 x 14 x 14
                conv2=nn.Conv2d(6, 16, kernel_size=5),  # 16 x 10 x 10
                tanh2=nn.Tanh(),
                pool2=nn.AvgPool2d(kernel_size=2, stride=2),  # 16 x 5 x 5
                conv3=nn.Conv2d(16, 120, kernel_size=5),  # 120 x 1 x 1
                tanh3=nn.Tanh(),
                flatten=nn.Flatten(),
                fc1=nn.Linear(120, 84),
                tanh4=nn.Tanh(),
                fc2=nn.Linear(84, classes),
                softmax=nn.Softmax(dim=1),
            )
        )


class LeNet51998(nn.Sequential):
    """LeNet-5 as LeCun et al. 1998 have it (section II.B, figure 2): 60,000 trainable parameters.

    Input (N, 1, 32, 32) in the paper's normalisation; output (N, 10), the squared distance of F6's
    84 units from each digit's 7 x 12 bitmap: the smallest wins. All units up to F6 are squashed.
    """

    def __init__(self) -> None:
        super().__init__(
            OrderedDict(
                c1=nn.Conv2d(1, 6, kernel_size=5),  # 6 x 28 x 28
                tanh1=ScaledTanh(),
                s2=Subsampling(6),  # 6 x 14 x 14
                tanh2=ScaledTanh(),
                c3=TableConv2d(6, connections(TABLE_I), kernel_size=5),  # 16 x 10 x 10
                tanh3=ScaledTanh(),
                s4=Subsampling(16),  # 16 x 5 x 5
                tanh4=ScaledTanh(),
                c5=nn.Conv2d(16, 120, kernel_size=5),  # 120 x 1 x 1
                tanh5=ScaledTanh(),
                flatten=nn.Flatten(),
                f6=nn.Linear(120, 84),
                tanh6=ScaledTanh(),
                rbf=RadialBasis(DIGITS),
            )
        )


CATALOGUE = (
    Card(
        "lenet5",
        title="LeNet-5",
        year=1998,
        idea="Convolution and subsampling in turn: local receptive fields, shared weights, fewer pixels.",
        build=LeNet5,
        input_shape=(1, 32, 32),
        normalisation=MNIST,
        border=BORDER,
        digits=True,
        paper=LECUN_1998,
        classes=10,
        printed="lenet5",
    ),
    Card(
        "lenet5-1998",
        title="LeNet-5 of 1998",
        year=1998,
        idea="The original: sparse connections between maps, trainable subsampling, and an output that "
        "compares with drawn digits.",
        build=LeNet51998,
        input_shape=(1, 32, 32),
        normalisation=MNIST,
        border=BORDER,
        digits=True,
        paper=LECUN_1998,
        classes=10,
        options=frozenset(),
    ),
)
