"""A K x K layer beside what replaces it, in rows and in words."""

import re

import pytest

from cnnviz.analysis.kernels import replicate
from cnnviz.views import lessons_kernels
from cnnviz.views.replication import rows, sentences


def test_a_row_for_each_of_the_three():
    single, stack, lines = rows(replicate(7, 4, 8, 16, size=(2, 3)))
    assert [row[""] for row in (single, stack, lines)] == ["one 7 × 7", "3 × (3 × 3)", "1 × 7, 7 × 1"]
    assert [row["channels"] for row in (single, stack, lines)] == ["4 → 16", "4 → 8 → 8 → 16", "4 → 8 → 16"]
    assert (single["weights"], stack["weights"], lines["weights"]) == ("3,136", "2,016", "1,120")
    assert (single["activations"], stack["activations"]) == ("384 B", "768 B")
    assert {row["sees"] for row in (single, stack, lines)} == {"7 × 7"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"channels_in": 16, "mid": 16, "channels_out": 32}, "46.0 % fewer weights.*29.6.*up to 29 save"),
        ({"channels_in": 16, "channels_out": 32}, "8.0 % more weights"),
        ({"stride": 2}, "same window every 2 pixels, but all its other layers run over the whole map"),
        ({"stride": 2, "strided": "first"}, "sees 7 × 7, not 5 × 5"),
        ({"stride": 2, "strided": "each"}, "a unit every 4 pixels, not every 2, that sees 7 × 7, not 5 × 5"),
    ],
)
def test_what_is_said(options, said):
    assert re.search(said, sentences(replicate(5, size=(56, 56), **options)))


def test_the_curves_hold_the_articles_savings():
    stack, lines = lessons_kernels.saving_over_kernels(replicate(5)).data
    assert [round(saved, 1) for saved in stack.y] == [0.0, 28.0, 44.9, 55.6, 62.8, 68.0, 72.0]
    assert round(lines.y[0], 1) == 33.3
    marked = lessons_kernels.weights_over_mid(replicate(5, 16, 16, 32)).layout.annotations
    assert [note.text for note in marked] == ["even at 29.6"]


def test_the_bars_are_as_long_as_the_weights():
    bars = lessons_kernels.weight_bars(replicate(7)).data
    assert [bar.x[0] for bar in bars] == [49, 9, 9, 9, 7, 7]
