import numpy as np
import pytest
import torch
from torch.nn import functional

from cnnviz.analysis.kernels import replicate
from cnnviz.errors import BadOption
from cnnviz.lessons import kernels

PICTURE = np.random.default_rng(0).random((40, 44))


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("kernel", range(3, 16, 2))
def test_a_gradient_reaches_the_same_pixels_through_the_stack_as_through_the_kernel(kernel, dilation):
    r = replicate(kernel, 2, 3, 4, dilation=dilation)
    single, stack, lines = (kernels.support(kernels.gradient(chain)) for chain in (r.single, r.threes, r.lines))
    assert single.shape == r.single.field
    assert np.array_equal(single, stack)
    assert np.array_equal(single, lines)
    assert single.sum() == kernel**2  # dilated, the pixels between are left out by all


@pytest.mark.parametrize(("strided", "side"), [("last", 7), ("first", 11), ("each", 15)])
def test_with_a_stride_it_reaches_what_the_formula_says(strided, side):
    r = replicate(7, stride=2, strided=strided)
    assert kernels.support(kernels.gradient(r.threes)).shape == (side, side) == r.threes.field
    assert kernels.support(kernels.gradient(r.single)).shape == (7, 7)


def test_two_kernels_are_composed_as_polynomials_are_multiplied():
    first, second = torch.randn(1, 1, 1, 3, dtype=torch.float64), torch.randn(1, 1, 1, 3, dtype=torch.float64)
    whole = kernels.composed([first, second])
    assert np.allclose(whole[0, 0, 0], np.polymul(first[0, 0, 0], second[0, 0, 0]))


@pytest.mark.parametrize("kernel", range(3, 16, 2))
@pytest.mark.parametrize("dilation", [1, 2])
def test_a_linear_stack_is_one_kernel_inside_the_border(kernel, dilation):
    if dilation * (kernel - 1) >= min(PICTURE.shape):
        pytest.skip("no inside")
    r = replicate(kernel, 1, 3, 1, dilation=dilation)
    found = kernels.compare(r.threes, PICTURE)
    assert found.kernel.shape == (kernel, kernel)
    assert found.border == dilation * (r.stack - 1)
    assert found.inside < 1e-12
    if r.stack > 1:
        # and the border is no wider than it has to be
        assert np.abs(found.difference)[found.border - 1].max() > 1e-6


def test_two_lines_are_one_kernel_of_rank_one():
    found = kernels.compare(replicate(5).lines, PICTURE)
    assert np.linalg.matrix_rank(found.kernel) == 1
    assert found.inside < 1e-12


def test_what_is_not_compared():
    with pytest.raises(BadOption, match="stride 1"):
        kernels.compare(replicate(5, stride=2).threes, PICTURE)
    with pytest.raises(BadOption, match="has to fit"):
        kernels.compare(replicate(5).threes, PICTURE[:4])
    with pytest.raises(BadOption, match="fewer channels"):
        kernels.linear(replicate(5, 1, 1024, 1024).threes)


@pytest.mark.parametrize("size", [5, 7])
def test_a_composed_kernel_is_found_again(size):
    torch.manual_seed(1)
    layers = [torch.randn(1, 1, 3, 3, dtype=torch.float64) for _ in range((size - 1) // 2)]
    target = kernels.composed(layers)[0, 0].numpy()
    assert kernels.fitted_by_stack(target, starts=12).residual < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_a_random_5x5_is_no_stack_of_one_channel_but_one_of_two(seed):
    target = kernels.random_kernel(5, seed)
    one, two = (kernels.fitted_by_stack(target, mid) for mid in (1, 2))
    assert one.weights == 18
    assert one.residual > 0.1
    assert two.residual < 0.02
    assert one.residual == pytest.approx(np.linalg.norm(target - one.closest) / np.linalg.norm(target))


def test_gradient_descent_finds_nothing_closer():
    """The same by another way: Adam on the two kernels, from many starts at once."""
    target = torch.from_numpy(kernels.random_kernel(5))
    generator = torch.Generator().manual_seed(0)
    first, second = (
        torch.empty(64, 1, 3, 3, dtype=torch.float64).normal_(generator=generator).requires_grad_() for _ in range(2)
    )
    optimiser = torch.optim.Adam([first, second], lr=0.05)
    for _ in range(600):
        whole = functional.conv2d(first.transpose(0, 1), second.flip(2, 3), padding=2, groups=64)[0]
        left = (whole - target).square().sum((1, 2))
        optimiser.zero_grad()
        left.sum().backward()
        optimiser.step()
    nearest = float(left.detach().min().sqrt() / target.norm())
    assert kernels.fitted_by_stack(kernels.random_kernel(5)).residual == pytest.approx(nearest, abs=0.01)


def test_lines_leave_what_the_singular_values_say():
    target = kernels.random_kernel(5)
    values = np.linalg.svd(target, compute_uv=False)
    for mid in range(1, 6):
        expected = np.sqrt((values[mid:] ** 2).sum() / (values**2).sum())
        assert kernels.fitted_by_lines(target, mid).residual == pytest.approx(expected, abs=1e-12)
