"""What each arm of a join is: the main path, an identity or projection shortcut, a branch, a gate.

The rule, for `add`, `concat` and `mul` of two or more tensors: the fork is the join's
immediate dominator, the last layer that every path to the join goes through; an arm is what
lies between the fork and the join. He et al. 2015 name the arms of an addition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnviz.graph import Role, Shape

JOINS = frozenset({"add", "concat", "mul"})
WEIGHTED = frozenset({"conv", "convtranspose", "linear"})
PASSES = frozenset({"dropout", "identity"})  # change nothing that a reader would call a layer


@dataclass(frozen=True)
class Arm:
    """One arm of a join: the layers on it, in no particular order."""

    layers: frozenset[str]
    weighted: int
    empty: bool


def immediate_dominators(sources: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The last layer that every path from the input to a layer goes through.

    Args:
        sources: for each layer, in the order of the forward pass, the layers it reads.

    Source: Cooper, Harvey, Kennedy 2001; without cycles one pass is enough.
    """
    order = {path: number for number, path in enumerate(sources)}
    dominator: dict[str, str] = {}
    for path, before in sources.items():
        if not before:
            continue
        meet = before[0]
        for other in before[1:]:
            while meet != other:
                if order[meet] > order[other]:
                    meet = dominator.get(meet, next(iter(sources)))
                else:
                    other = dominator.get(other, next(iter(sources)))  # noqa: PLW2901
        dominator[path] = meet
    return dominator


def arms_of(join: str, fork: str, sources: Mapping[str, Sequence[str]], ops: Mapping[str, str]) -> list[Arm]:
    """The arms of a join, one for each of its operands."""
    arms = []
    for end in sources[join]:
        found: set[str] = set()
        ahead = [end]
        while ahead:
            path = ahead.pop()
            if path != fork and path not in found:
                found.add(path)
                ahead += sources[path]
        arms.append(
            Arm(
                layers=frozenset(found),
                weighted=sum(ops[path] in WEIGHTED for path in found),
                empty=all(ops[path] in PASSES for path in found),
            )
        )
    return arms


def roles(op: str, arms: Sequence[Arm], shapes: Sequence[Shape], output: Shape) -> list[Role]:
    """The role of each operand of a join, given its arms and its operands' shapes.

    `add`: the arm with most weighted layers is `main`, one with nothing on it `identity`, one with
    fewer `projection`; equals are `branch`. `concat`: `branch`. `mul`: the broadcast arm is `gate`.
    """
    if op == "concat":
        return ["branch"] * len(arms)
    if op == "mul":
        if all(shape == output for shape in shapes) or all(shape != output for shape in shapes):
            return ["branch"] * len(arms)
        return ["main" if shape == output else "gate" for shape in shapes]
    if all(arm.empty for arm in arms):
        return ["branch"] * len(arms)
    most = max(arm.weighted for arm in arms if not arm.empty)
    longest = sum(arm.weighted == most and not arm.empty for arm in arms)
    return [
        "identity" if arm.empty else "projection" if arm.weighted < most else "main" if longest == 1 else "branch"
        for arm in arms
    ]
