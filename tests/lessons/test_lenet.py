import numpy as np
import pytest

from cnnviz.errors import BadOption
from cnnviz.lessons import lenet
from cnnviz.networks import build


def test_the_table_saves_900_weights():
    assert lenet.weights_of(lenet.table()) == 1_516
    assert lenet.weights_of(lenet.complete()) == 2_416
    assert sorted(map(len, lenet.table())) == [3] * 6 + [4] * 9 + [6]


def test_no_two_maps_read_the_same_ones():
    assert lenet.alike(lenet.table()) == 0
    assert lenet.alike(lenet.complete()) == 16 * 15 // 2


def test_the_parameters_of_the_paper_and_those_that_are_printed():
    rows = {row.name: row for row in lenet.stages()}
    assert [row.of_1998 for row in rows.values()] == [156, 12, 1_516, 32, 48_120, 10_164, 0]
    assert [row.printed for row in rows.values()] == [156, 0, 2_416, 0, 48_120, 10_164, 850]
    assert sum(row.of_1998 for row in rows.values()) == 60_000
    assert sum(row.printed for row in rows.values()) == 61_706
    assert [row.connections for row in rows.values()] == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]
    assert sum(row.connections for row in rows.values()) == 340_908


@pytest.mark.parametrize("digit", range(10))
def test_a_spoilt_digit_is_four_a_unit_away_from_its_own(digit):
    assert lenet.figures().shape == (10, 12, 7)
    for flipped in (0, 3, 84):
        assert lenet.distances(lenet.spoilt(digit, flipped))[digit] == 4 * flipped
    assert lenet.distances(lenet.spoilt(digit, 0)).argmin() == digit


def test_the_distances_are_the_networks_own():
    drawn = lenet.spoilt(3, 10)
    module = build("lenet5-1998", weights="random", device="cpu")
    own = module.rbf(module.rbf.patterns.new_tensor(drawn.reshape(1, 84)))[0].numpy()
    assert np.array_equal(own, lenet.distances(drawn))


@pytest.mark.parametrize(("digit", "flipped", "words"), [(10, 0, "from 0 to 9"), (3, 85, "has 84")])
def test_what_there_is_none_of(digit, flipped, words):
    with pytest.raises(BadOption, match=words):
        lenet.spoilt(digit, flipped)
