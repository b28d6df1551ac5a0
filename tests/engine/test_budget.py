import random

import pytest

from cnnviz.engine.budget import Budget


def test_the_most_recent_values_are_kept_within_the_bytes():
    budget: Budget[bytes] = Budget(10, len)
    budget.put("a", b"1234")
    budget.put("b", b"1234")
    budget.get("a")
    budget.put("c", b"1234")
    assert (budget.get("a"), budget.get("b"), budget.used) == (b"1234", None, 8)
    budget.put("d", b"x" * 11)
    assert budget.get("d") is None
    budget.put("a", b"12")
    assert budget.used == 6


def test_room_is_made_before_a_value_is():
    budget: Budget[bytes] = Budget(10, len)
    budget.put("a", b"12345")
    budget.put("b", b"12345")
    budget.reserve("c", 7)
    assert (budget.get("a"), budget.get("b"), budget.used) == (None, None, 7)
    budget.put("c", b"123")
    assert budget.used == 3
    budget.reserve("d", 4)
    budget.release("d")
    assert (budget.used, budget.get("c")) == (3, b"123")


def test_a_value_that_grows_is_measured_again():
    budget: Budget[list[int]] = Budget(10, len)
    growing = [1, 2, 3]
    budget.put("a", [1])
    budget.put("b", growing)
    growing += [0] * 7
    budget.grown("b", growing)
    assert (budget.get("a"), budget.used) == (None, 10)
    budget.grown("gone", growing)
    assert budget.get("gone") is None


def test_what_is_dropped_is_chosen():
    budget: Budget[bytes] = Budget(10, len)
    for key in "abc":
        budget.put(key, key.encode())
    budget.drop(lambda value: value != b"b")
    assert [budget.get(key) for key in "abc"] == [None, b"b", None]
    assert budget.used == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_budget_is_kept_whatever_happens(seed):
    chance, budget = random.Random(seed), Budget[bytes](100, len)
    for _ in range(500):
        key, value = chance.randrange(8), b"x" * chance.randrange(60)
        if chance.random() < 0.3:
            budget.reserve(key, len(value))
            assert budget.used <= 100
        if chance.random() < 0.9:
            budget.put(key, value)
        else:
            budget.release(key)
        assert budget.used <= 100
