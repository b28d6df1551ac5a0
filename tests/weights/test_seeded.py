"""Seeded random weights."""

import threading
from collections import OrderedDict

import pytest
import torch
from fillable import equal, small
from torch import nn

from cnnviz.errors import BadWeights
from cnnviz.weights import initialise


def test_initialise_is_he_with_neutral_normalisation():
    module = small()
    nn.init.constant_(module.bn.running_mean, 3.0)
    initialise(module)
    assert module.conv.weight.std().item() == pytest.approx((2 / 75) ** 0.5, rel=0.05)
    assert module.fc.weight.std().item() == pytest.approx((2 / 1024) ** 0.5, rel=0.05)
    assert module.conv.weight.mean().abs() < 0.01
    assert module.bn.weight.eq(1).all()
    assert not module.bn.bias.any()
    assert not module.fc.bias.any()
    assert not module.bn.running_mean.any()
    assert module.bn.running_var.eq(1).all()


def test_a_saturating_network_gets_gain_one():
    module = small(nn.Tanh)
    initialise(module)
    assert module.conv.weight.std().item() == pytest.approx((1 / 75) ** 0.5, rel=0.05)


def test_groups_count_in_fan_in():
    module = nn.Sequential(nn.Conv2d(64, 64, 3, groups=8), nn.ReLU())
    initialise(module)
    assert module[0].weight.std().item() == pytest.approx((2 / 72) ** 0.5, rel=0.05)


def test_the_variance_of_activations_is_kept():
    module = nn.Sequential(*[layer for _ in range(12) for layer in (nn.Linear(256, 256), nn.ReLU())])
    initialise(module)
    with torch.inference_mode():
        out = module(torch.randn(64, 256, generator=torch.Generator().manual_seed(0)))
    assert 0.2 < out.pow(2).mean() < 5


def test_same_seed_same_weights_whatever_else_happens(filled):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    others = [small() for _ in range(4)]
    torch.set_rng_state(before)
    threads = [threading.Thread(target=initialise, args=(other, 7)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(equal(filled, other) for other in others)
    assert torch.equal(before, torch.get_rng_state())
    initialise(others[0], seed=8)
    assert not equal(filled, others[0])


def test_an_added_head_leaves_the_trunk_as_it_was(filled):
    grown = small()
    grown = nn.Sequential(OrderedDict(aux=nn.Linear(4, 4), **dict(grown.named_children())))
    initialise(grown, seed=7)
    assert torch.equal(grown.fc.weight, filled.fc.weight)


def test_a_module_may_initialise_itself_and_constants_are_kept():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.coefficient = nn.Parameter(torch.empty(6))
            self.register_buffer("bitmap", torch.arange(84.0))

        def initialise(self, generator):
            nn.init.uniform_(self.coefficient, 2, 3, generator=generator)

    module = nn.Sequential(Own(), nn.Linear(2, 2))
    initialise(module)
    assert module[0].coefficient.min() >= 2
    assert len(set(module[0].coefficient.tolist())) == 6
    assert torch.equal(module[0].bitmap, torch.arange(84.0))
    assert not module[1].bias.any()

    lost = nn.Sequential(Own()).to("meta")
    with pytest.raises(BadWeights, match="'bitmap' of Own"):
        initialise(lost)


def test_a_module_on_meta_is_given_memory(filled):
    with torch.device("meta"):
        module = small()
    initialise(module, seed=7)
    assert equal(module, filled)


def test_half_precision_and_empty_layers_are_filled():
    module = nn.Sequential(nn.Linear(4, 4).half(), nn.Linear(0, 3))
    initialise(module)
    assert module[0].weight.isfinite().all()
