import pytest
import torch
from torch.nn import functional

from cnnviz.networks import card, construct
from cnnviz.networks.lenet import DIGITS


@pytest.fixture(scope="module")
def lenet5_1998():
    return construct("lenet5-1998", device="cpu")


@pytest.mark.parametrize(
    ("layer", "parameters"),
    [("c1", 156), ("s2", 12), ("c3", 1_516), ("s4", 32), ("c5", 48_120), ("f6", 10_164), ("rbf", 0)],
)
def test_parameters_of_the_paper(lenet5_1998, layer, parameters):
    assert sum(p.numel() for p in getattr(lenet5_1998, layer).parameters()) == parameters


def test_table_i(lenet5_1998):
    # Six maps read three neighbours in a ring, six read four, three read four with a gap, one reads all.
    expected = [{i, (i + 1) % 6, (i + 2) % 6} for i in range(6)]
    expected += [{i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6} for i in range(6)]
    expected += [{0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, set(range(6))]
    read: list[set[int]] = [set() for _ in range(16)]
    for out, into in lenet5_1998.c3.pairs:
        read[out].add(into)
    assert read == expected
    assert lenet5_1998.c3.describe()[1]["connections"] == 60


def test_c3_is_a_dense_convolution_with_zeros_where_the_table_has_no_connection(lenet5_1998):
    c3 = lenet5_1998.c3
    dense = c3.dense_weight()
    x = torch.randn(1, 6, 14, 14)
    torch.testing.assert_close(c3(x), functional.conv2d(x, dense, c3.bias))
    connected = set(c3.pairs)
    empty = [dense[o, i].count_nonzero() == 0 for o in range(16) for i in range(6) if (o, i) not in connected]
    assert len(empty) == 36
    assert all(empty)


def test_the_bitmaps_are_ten_different_digits_of_84_pixels(lenet5_1998):
    patterns = lenet5_1998.rbf.patterns
    assert patterns.numel() == 840
    assert set(patterns.unique().tolist()) == {-1.0, 1.0}
    assert all([len(row) for row in drawing.split()] == [7] * 12 for drawing in DIGITS)
    assert torch.cdist(patterns, patterns).square().add(torch.eye(10) * 1000).min() >= 32  # 8 pixels differ


def test_the_bitmap_that_f6_draws_wins(lenet5_1998):
    assert lenet5_1998.rbf(lenet5_1998.rbf.patterns).argmin(dim=1).tolist() == list(range(10))


def test_lenet5_gives_probabilities():
    probabilities = construct("lenet5", device="cpu")(torch.randn(3, 1, 32, 32))
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(3))


def test_lenet5_has_the_printed_rows():
    module = construct("lenet5")
    shapes, x = {}, torch.empty(1, 1, 32, 32, device="meta")
    for name, layer in module.named_children():
        x = layer(x)
        shapes[name] = tuple(x.shape[1:])
    assert list(shapes) == (
        [
            "conv1",
            "tanh1",
            "pool1",
            "conv2",
            "tanh2",
            "pool2",
            "conv3",
            "tanh3",
            "flatten",
            "fc1",
            "tanh4",
            "fc2",
            "softmax",
        ]
    )
    assert shapes["conv1"] == (6, 28, 28)
    assert shapes["pool1"] == (6, 14, 14)
    assert shapes["conv2"] == (16, 10, 10)
    assert shapes["pool2"] == (16, 5, 5)
    assert shapes["conv3"] == (120, 1, 1)


def test_background_and_foreground_are_where_the_paper_puts_them():
    norm = card("lenet5").normalisation
    assert [(p - norm.mean[0]) / norm.std[0] for p in (0, 1)] == pytest.approx([-0.1, 1.175])
