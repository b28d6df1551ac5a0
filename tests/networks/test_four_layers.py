import pytest
from torch import nn

from cnnviz import networks, trace

WIDTHS = [(3 * 25 + 1) * 32, (32 * 25 + 1) * 32, (32 * 25 + 1) * 64, (64 * 4 * 4 + 1) * 10]  # a bias each


@pytest.mark.parametrize(("key", "op"), [("relu4", "relu"), ("tanh4", "tanh")])
def test_four_weighted_layers_and_one_kind_of_nonlinearity(key, op):
    graph = trace(networks.construct(key), (3, 32, 32))
    assert [layer.params for layer in graph.layers if layer.params] == WIDTHS
    assert [layer.op for layer in graph.layers if layer.op in ("relu", "tanh")] == [op] * 3
    assert graph.layer("pool3").output_shape == (64, 4, 4)


def test_they_are_equal_but_for_the_nonlinearity():
    relu4, tanh4 = (networks.construct(key) for key in ("relu4", "tanh4"))
    assert [type(a) for a in relu4 if not isinstance(a, nn.ReLU)] == [
        type(b) for b in tanh4 if not isinstance(b, nn.Tanh)
    ]
    assert {n: p.shape for n, p in relu4.named_parameters()} == {n: p.shape for n, p in tanh4.named_parameters()}
