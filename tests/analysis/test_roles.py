import pytest

from cnnviz.analysis.roles import Arm, arms_of, immediate_dominators, roles

MAP = (8, 4, 4)


def arm(weighted: int, *, empty: bool = False) -> Arm:
    return Arm(layers=frozenset(), weighted=weighted, empty=empty)


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        ([arm(2), arm(0, empty=True)], ["main", "identity"]),
        ([arm(2), arm(1)], ["main", "projection"]),
        ([arm(2), arm(0)], ["main", "projection"]),  # option A: sliced and padded, without weights
        ([arm(0), arm(0, empty=True)], ["main", "identity"]),  # x + relu(x)
        ([arm(1), arm(1)], ["branch", "branch"]),
        ([arm(2), arm(2), arm(1), arm(0, empty=True)], ["branch", "branch", "projection", "identity"]),
        ([arm(0, empty=True), arm(0, empty=True)], ["branch", "branch"]),  # x + x
    ],
)
def test_arms_of_an_addition(arms, expected):
    assert roles("add", arms, [MAP] * len(arms), MAP) == expected


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([MAP, (8, 1, 1)], ["main", "gate"]),
        ([(1, 4, 4), MAP], ["gate", "main"]),
        ([MAP, MAP], ["branch", "branch"]),
    ],
)
def test_the_broadcast_arm_of_a_product_is_its_gate(shapes, expected):
    assert roles("mul", [arm(1), arm(1)], shapes, MAP) == expected


def test_arms_of_a_concat_are_equals():
    assert roles("concat", [arm(2), arm(0, empty=True)], [MAP, MAP], MAP) == ["branch", "branch"]


SOURCES = {
    "input": [],
    "stem": ["input"],
    "left": ["stem"],
    "right": ["stem"],
    "inner": ["left", "right"],
    "drop": ["stem"],
    "outer": ["inner", "drop"],
}
OPS = {
    "input": "input",
    "stem": "conv",
    "left": "conv",
    "right": "conv",
    "inner": "add",
    "drop": "dropout",
    "outer": "add",
}


def test_the_fork_is_the_joins_immediate_dominator():
    forks = immediate_dominators(SOURCES)
    assert (forks["inner"], forks["outer"], forks["left"]) == ("stem", "stem", "stem")


def test_an_arm_is_what_lies_between_fork_and_join():
    long, short = arms_of("outer", "stem", SOURCES, OPS)
    assert long.layers == {"inner", "left", "right"}
    assert (long.weighted, long.empty) == (2, False)
    assert (short.layers, short.weighted, short.empty) == ({"drop"}, 0, True)  # dropout is no layer of an arm
