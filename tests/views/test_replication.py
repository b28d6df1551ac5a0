"""A K x K layer beside what replaces it, in rows and in words."""

import re

import pytest

from cnnviz.analysis.kernels import replicate
from cnnviz.lessons import kernels
from cnnviz.views import lessons_kernels
from cnnviz.views.replication import sentences, table


def test_a_column_for_each_of_the_three():
    shown = table(replicate(7, 4, 8, 16, size=(2, 3)))
    assert list(shown[0]) == ["", "one 7 × 7", "3 × (3 × 3)", "1 × 7, 7 × 1"]
    rows = {name: values for name, *values in (row.values() for row in shown)}
    assert rows["channels"] == ["4 → 16", "4 → 8 → 8 → 16", "4 → 8 → 16"]
    assert rows["weights"] == ["3,136", "2,016", "1,120"]
    assert rows["activations"] == ["384 B", "768 B", "576 B"]
    assert set(rows["sees"]) == {"7 × 7"}


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
    stack, lines = lessons_kernels.saving_over_kernels(replicate(5))["series"]
    assert [round(saved, 1) for _, saved, _ in stack["points"]] == [0.0, 28.0, 44.9, 55.6, 62.8, 68.0, 72.0]
    assert [radius for _, _, radius in stack["points"]].index(lessons_kernels.HERE) == 1, "K = 5 is looked at"
    assert round(lines["points"][0][1], 1) == 33.3
    (even,) = lessons_kernels.weights_over_mid(replicate(5, 16, 16, 32))["rules"]
    assert (round(even["at"], 1), even["text"]) == (29.6, "even at 29.6")


def test_the_bars_are_as_long_as_the_weights():
    shown = lessons_kernels.weight_bars(replicate(7))
    assert [[part["value"] for part in row["parts"]] for row in shown["rows"]] == [[49], [9, 9, 9], [7, 7]]
    assert len({row["parts"][0]["pattern"] for row in shown["rows"]}) == 3, "colour isn't the only cue"
    assert shown["x"]["to"] == 49
    assert shown["label"] == "Weights: one 7 × 7 49, 3 × (3 × 3) 27, 1 × 7, 7 × 1 14"


def test_the_windows_shrink_to_one_unit():
    single, stack = lessons_kernels.windows(replicate(7))["rows"]
    assert (single["kernel"], single["sides"]) == (7, [7, 1])
    assert (stack["kernel"], stack["sides"]) == (3, [7, 5, 3, 1])


def test_a_window_grows_by_two_pixels_a_layer():
    r = replicate(7, 1, 2, 1, dilation=2)
    shown = lessons_kernels.grown(
        [(name, kernels.grown(chain)) for name, chain in (("one", r.single), ("stack", r.threes), ("lines", r.lines))]
    )
    assert [[step["size"][1] for step in chain["steps"]] for chain in shown] == [[1, 13], [1, 5, 9, 13], [1, 13, 13]]
    assert [len(step["cells"]) for step in shown[1]["steps"]] == [1, 9, 25, 49]
    assert {chain["side"] for chain in shown} == {13}
    assert shown[1]["steps"][1]["said"] == "after 1 layer, a unit sees 9 pixels of 5 × 5"
