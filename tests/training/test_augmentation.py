from dataclasses import replace

import pytest
import torch

from cnnviz.training.augmentation import CropAndFlip, Handwriting

STILL = Handwriting(share=1.0, shift=0, degrees=0, slant=0, scale=(1, 1), stretch=0, pen=(0, 0))


@pytest.fixture
def squares():
    x = torch.zeros(200, 1, 32, 32)
    x[:, :, 12:20, 12:20] = 1
    return x


def changed(augmentation, x, seed=0):
    return augmentation(x, torch.Generator().manual_seed(seed))


def centres(x):
    """Of mass, (N, 2): y, x."""
    mass, places = x.sum((1, 2, 3)), torch.arange(32.0)
    return torch.stack([(x.sum((1, 3)) @ places) / mass, (x.sum((1, 2)) @ places) / mass], 1)


def test_it_is_the_same_for_a_seed_and_stays_in_range(squares):
    once, again, other = (changed(Handwriting(), squares, seed) for seed in (0, 0, 1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert once.shape == squares.shape
    assert (once.min(), once.max()) >= (0, 0)
    assert once.max() <= 1


def test_a_share_stays_as_it_is(squares):
    same = (changed(Handwriting(), squares) == squares).all(dim=(1, 2, 3))
    assert 0.1 < same.float().mean() < 0.3
    assert torch.equal(changed(replace(Handwriting(), share=0), squares), squares)


def test_nothing_asked_for_changes_nothing(squares):
    torch.testing.assert_close(changed(STILL, squares), squares, atol=1e-5, rtol=0)


def test_shifts_are_in_pixels(squares):
    moved = centres(changed(replace(STILL, shift=3), squares)) - centres(squares)
    assert 2.5 < moved.abs().max() <= 3.001
    assert moved.std(0).min() > 1


def test_scale_is_that_of_the_digit(squares):
    areas = changed(replace(STILL, scale=(0.5, 0.5)), squares).sum((1, 2, 3)) / 64
    torch.testing.assert_close(areas, torch.full((200,), 0.25), atol=0.02, rtol=0)


def test_pens_are_thicker_and_thinner(squares):
    ink = [float(changed(replace(STILL, pen=(pen, pen)), squares).mean()) for pen in (-1, 0, 1, 2)]
    side = [round((mean * 32 * 32) ** 0.5) for mean in ink]
    assert side == [6, 8, 10, 12]


# --- crop and flip -----------------------------------------------------------


@pytest.fixture
def ramps():
    """Pictures whose values tell where a pixel was: across in channel 0, down in channel 1."""
    along = torch.arange(8.0)
    return torch.stack([along.expand(8, 8), along[:, None].expand(8, 8)]).expand(300, 2, 8, 8)


def test_pictures_are_moved_and_mirrored_whole(ramps):
    moved = changed(CropAndFlip(2, ground=(-1.0, -1.0)), ramps)
    assert moved.shape == ramps.shape
    ways = set()
    for picture in moved:
        inside = picture[0] >= 0
        step = (picture[0, :, 1:] - picture[0, :, :-1])[inside[:, 1:] & inside[:, :-1]].unique()
        assert len(step) == 1  # one pixel on, to the right or, mirrored, to the left
        assert torch.equal(inside, picture[1] >= 0)
        ways.add((float(step), int(inside.any(0).sum()), int(inside.any(1).sum())))
    assert {step for step, _, _ in ways} == {1.0, -1.0}
    assert {across for _, across, _ in ways} == {down for _, _, down in ways} == {6, 7, 8}


def test_what_lies_beside_the_picture_is_ground(ramps):
    moved = changed(CropAndFlip(8, ground=(0.25, 0.75)), ramps)
    corner = moved[:, :, 0, 0]
    beside = (corner == torch.tensor([0.25, 0.75])).all(1)
    assert 0.5 < beside.float().mean() < 1


def test_it_follows_the_seed(ramps):
    once, again, other = (changed(CropAndFlip(2, ground=(0.0, 0.0)), ramps, seed) for seed in (0, 0, 1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
