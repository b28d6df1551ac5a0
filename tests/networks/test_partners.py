"""Which network stands beside which."""

import pytest

from cnnviz.networks import cards
from cnnviz.networks.partners import ANY, partner


@pytest.mark.parametrize("key", cards())
def test_every_network_has_another_one_beside_it(key):
    assert partner(key) in cards()
    assert partner(key) != key


@pytest.mark.parametrize(
    ("key", "beside"),
    [
        ("resnet18", "plain18"),
        ("plain34", "resnet34"),
        ("resnet56", "plain56"),
        ("resnet18-printed", "resnet18"),
        ("resnet50", "resnet34"),
        ("vgg16", "alexnet"),
        ("alexnet", "vgg16"),
        ("alexnet-2012", "alexnet"),
        ("vgg11", "vgg13"),
        ("vgg19", "vgg16"),
        ("googlenet", "googlenet-bn"),
        ("googlenet-bn", "googlenet"),
        ("lenet5", "lenet5-1998"),
        ("nets:Mine", ANY),
    ],
)
def test_the_partner_is_what_it_is_usually_compared_with(key, beside):
    assert partner(key) == beside
