import pytest
import torch
from torch import nn
from torch.nn import functional

from cnnviz.networks.layers import AtMostAvgPool2d, LocalResponseNorm, RadialBasis, ScaledTanh, Subsampling, TableConv2d
from cnnviz.operations import describe_module


def test_lrn_is_the_papers_formula():
    x = torch.randn(2, 9, 3, 4, dtype=torch.float64) * 50
    k, n, alpha, beta = 2.0, 5, 1e-4, 0.75
    expected = torch.empty_like(x)
    for i in range(9):
        low, high = max(0, i - n // 2), min(8, i + n // 2)
        squares = sum(x[:, j] ** 2 for j in range(low, high + 1))
        expected[:, i] = x[:, i] / (k + alpha * squares) ** beta
    layer = LocalResponseNorm(size=n, alpha=alpha, beta=beta, k=k)
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=0)
    assert (layer(x) - functional.local_response_norm(x, n, alpha, beta, k)).abs().max() > 1
    assert layer.describe() == ("lrn", {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0})


def test_lrns_gradient_is_that_of_pytorchs_own():
    """Which has the mean where the paper has the sum; with one channel there are no neighbours."""
    for channels in (1, 2, 9):
        x = (torch.randn(2, channels, 3, 4, dtype=torch.float64) * 50).requires_grad_()
        layer = LocalResponseNorm(size=5, alpha=1e-2)
        ours = layer(x)
        theirs = functional.local_response_norm(x, 5, alpha=5e-2, beta=0.75, k=2.0)
        torch.testing.assert_close(ours, theirs)
        weights = torch.randn_like(x)
        torch.testing.assert_close(*(torch.autograd.grad((y * weights).sum(), x)[0] for y in (ours, theirs)))
        assert torch.autograd.gradgradcheck(layer, x)


def test_lrn_divides_in_single_precision():
    x = torch.randn(2, 9, 3, 4) * 50
    layer = LocalResponseNorm()
    for kind in (torch.bfloat16, torch.float16):
        given = layer(x.to(kind))
        assert given.dtype == kind
        torch.testing.assert_close(given, layer(x.to(kind).float()).to(kind), rtol=0, atol=0)


def test_pooling_by_at_most_the_map():
    layer = AtMostAvgPool2d(7)
    x = torch.randn(2, 3, 9, 7)
    torch.testing.assert_close(layer(x), functional.avg_pool2d(x, 7, stride=1))
    small = torch.randn(2, 3, 2, 8)
    torch.testing.assert_close(layer(small), functional.avg_pool2d(small, (2, 7), stride=1))
    assert describe_module(layer).hyperparameters == describe_module(nn.AvgPool2d(7, stride=1)).hyperparameters
    assert layer.describe_at((3, 2, 8))[1]["kernel"] == (2, 7)


def test_scaled_tanh_maps_one_to_one():
    layer = ScaledTanh()
    torch.testing.assert_close(layer(torch.tensor([-1.0, 0.0, 1.0])), torch.tensor([-1.0, 0.0, 1.0]), atol=1e-4, rtol=0)
    assert layer(torch.tensor(100.0)).item() == pytest.approx(1.7159)
    assert layer.describe() == ("tanh", {"amplitude": 1.7159, "slope": 2 / 3})


def test_subsampling_adds_scales_and_shifts():
    layer = Subsampling(2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([2.0, -1.0]))
        layer.bias.copy_(torch.tensor([0.5, 3.0]))
    x = torch.arange(32.0).view(1, 2, 4, 4)
    sums = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    expected = torch.stack([2 * sums[:, 0] + 0.5, 3 - sums[:, 1]], dim=1)
    torch.testing.assert_close(layer(x), expected)


def test_table_convolution_is_a_dense_one_with_zeros():
    table = ((0, 2), (1,), (0, 1, 2))
    layer = TableConv2d(3, table, kernel_size=3)
    x = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    layer.double()
    dense = torch.zeros(3, 3, 3, 3, dtype=torch.float64)
    kernels = iter(layer.weight)
    for out, inputs in enumerate(table):
        for into in inputs:
            dense[out, into] = next(kernels)
    torch.testing.assert_close(layer(x), functional.conv2d(x, dense, layer.bias))
    layer(x).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.count_nonzero() == 6 * 9


def test_table_convolution_starts_the_same_for_a_seed():
    layer = TableConv2d(3, ((0, 2), (1,)), kernel_size=3)
    layer.initialise(torch.Generator().manual_seed(1))
    first = layer.weight.clone()
    layer.initialise(torch.Generator().manual_seed(1))
    assert torch.equal(first, layer.weight)


def test_rbf_is_the_squared_distance():
    layer = RadialBasis(("#.\n.#", "##\n##"))
    x = torch.tensor([[1.0, -1.0, -1.0, 1.0], [0.0, 0.0, 0.0, 2.0]])
    assert layer(x).tolist() == [[0.0, 8.0], [4.0, 4.0]]
    assert layer.describe() == ("rbf", {"in_features": 4, "out_features": 2})
    assert not list(layer.parameters())
    assert not layer.state_dict()
