"""Axes whose ticks are round numbers, and values short enough for a chart."""

import pytest

from cnnviz.views.charts import axis, bars, line, part, tick_text


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 25, [0, 5, 10, 15, 20, 25]), (-8.4, 72, [-20, 0, 20, 40, 60, 80]), (0, 0.13, [0, 0.05, 0.1, 0.15])],
)
def test_an_axis_reaches_from_tick_to_tick(low, high, ticks):
    found = axis("x", low, high, at_most=5)
    assert [tick for tick, _ in found["ticks"]] == ticks
    assert (found["from"], found["to"]) == (ticks[0], ticks[-1])


def test_an_axis_may_end_where_its_values_do():
    found = axis("x", 1, 4, at_most=5, widen=False)
    assert (found["from"], found["to"]) == (1, 4)
    assert [text for _, text in found["ticks"]] == ["1", "2", "3", "4"]
    flat = axis("x", 3, 3)
    assert flat["from"] < flat["to"], "one value, too, has a place"


@pytest.mark.parametrize(
    ("value", "text"), [(-20, "−20"), (0.05, "0.05"), (9_000, "9000"), (25_000, "25 k"), (2e6, "2 M"), (1.5e9, "1.5 G")]
)
def test_a_tick_is_short(value, text):
    assert tick_text(value) == text


def test_a_value_has_no_more_digits_than_are_seen():
    assert line("a", "blue", [(1, 100 / 3, 0)], "{y}")["points"] == [(1, 33.3333, 0)]
    row = {"name": "a", "parts": [part(3, "blue", "", "three"), part(4, "orange", "stripes", "four")]}
    assert bars("b", "in words", 100, [row], axis_title="weights")["x"]["to"] == 7
    assert bars("b", "in words", 100, [row])["x"]["ticks"] == [], "its texts say how much it is"
