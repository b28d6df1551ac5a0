"""torchinfo's text."""

import pytest
import torch
from torch import nn

from cnnviz import networks
from cnnviz.errors import Untraceable
from cnnviz.summary import torchinfo_text


@pytest.mark.parametrize("key", networks.cards())
def test_torchinfo_counts_every_networks_parameters(key):
    parameters = sum(p.numel() for p in networks.construct(key).parameters())
    text = torchinfo_text(networks.construct(key), networks.card(key).input_shape)
    assert f"Total params: {parameters:,}\n" in text
    assert "FLOPs are twice that" in text


def test_a_module_with_values_stays_as_it_is():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert "Total params: 120" in torchinfo_text(module, (3, 8, 8))
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_shared_parameters_count_once():
    layer = nn.Conv2d(4, 4, 3, padding=1)
    assert "Total params: 148" in torchinfo_text(nn.Sequential(layer, layer), (4, 8, 8))


def test_what_torchinfo_can_not_run_is_a_sentence():
    with pytest.raises(Untraceable, match="torchinfo can't run Sequential without data: ") as caught:
        torchinfo_text(nn.Sequential(nn.Linear(3, 3)), (3, 8, 8))
    assert "\n" not in str(caught.value)
