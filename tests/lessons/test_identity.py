import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.lessons.identity import EVERY, Copying, copied_by_hand

PICTURE = np.random.default_rng(0).random((32, 48))


def learned(decay: float, steps: int = 300) -> Copying:
    copying = Copying(PICTURE, 2, decay, steps=steps)
    for _ in copying.learn():
        pass
    return copying


def test_with_weight_decay_a_residual_stack_copies_by_weights_of_zero_and_a_plain_one_by_none():
    found = learned(0.01)
    first, last = found.moments[0], found.moments[-1]
    assert first.weights[0] == first.weights[1]
    assert last.errors[1] < 1e-4
    assert last.weights[1] < 0.25 * first.weights[1]
    assert last.errors[0] > 1e-3
    assert last.weights[0] > 4 * last.weights[1]
    plain, residual = found.copies
    assert np.abs(residual - PICTURE).max() < 0.02 < np.abs(plain - PICTURE).max()


def test_without_it_the_weights_stay_though_the_stack_copies():
    last = learned(0.0).moments[-1]
    assert last.errors[1] < 0.01 < last.errors[0]
    assert last.weights[1] > 0.1


def test_the_identity_of_a_plain_layer_is_ones_on_the_diagonal_and_not_all_ones():
    """The article has a perceptron copy its input by weights that are all one."""
    [[plain], _] = Copying(PICTURE, 1, 0.0).stacks
    x = torch.rand(8, plain.fc1.in_features)
    for weight, copies in ((torch.eye(16), True), (torch.ones(16, 16), False)):
        for layer in (plain.fc1, plain.fc2):
            layer.weight = nn.Parameter(weight)
        assert torch.allclose(plain(x), x) == copies


def test_what_all_ones_make_of_a_picture():
    ones, diagonal = copied_by_hand(PICTURE)
    assert diagonal == 0
    patches = PICTURE.reshape(8, 4, 12, 4).swapaxes(1, 2).reshape(-1, 16)
    expected = np.square(patches.sum(axis=1, keepdims=True) - patches).mean() / patches.var()
    assert ones == pytest.approx(expected, rel=1e-4)
    assert ones > 100


def test_a_residual_block_of_weights_of_zero_is_the_identity():
    [_, [residual]] = Copying(PICTURE, 1, 0.0).stacks
    for parameter in residual.parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(8, residual.fc1.in_features)
    assert torch.equal(residual(x), x)


def test_it_goes_part_by_part_and_the_same_each_time():
    one, other = (Copying(PICTURE, 1, 0.01, seed=3, steps=2 * EVERY) for _ in range(2))
    assert list(one.learn()) == [0.0, 0.5, 1.0]
    assert not list(zip(other.moments, one.moments, strict=False))
    list(other.learn())
    assert [m.step for m in one.moments] == [0, EVERY, 2 * EVERY]
    assert one.moments == other.moments
    assert one.copies[0].shape == PICTURE.shape


@pytest.mark.parametrize("seed", [0, 1])
def test_an_error_of_one_is_what_the_mean_has(seed):
    copying = Copying(PICTURE, 1, 0.0, seed)
    patches = torch.from_numpy(PICTURE)
    assert copying._variance == pytest.approx(float(patches.var(correction=0)), rel=1e-5)
