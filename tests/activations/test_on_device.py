import numpy as np
import pytest
import torch

from cnnviz.activations.on_device import quantise_there
from cnnviz.activations.pictures import quantise
from cnnviz.errors import BadOption


def here_and_there(maps: np.ndarray, scale, device: str):
    return quantise(maps, scale), quantise_there(torch.from_numpy(maps).to(device), scale)


DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")],
    ),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scale", ["layer", "channel"])
@pytest.mark.parametrize("offset", [0, 10], ids=["signed", "positive"])
@pytest.mark.parametrize("shape", [(5, 7, 9), (2, 300, 200), (3, 1, 1), (1, 1, 400)])
def test_both_ways_agree_within_a_step(shape, offset, scale, device):
    maps = np.random.default_rng(0).standard_normal(shape).astype(np.float32) + np.float32(offset)
    here, there = here_and_there(maps, scale, device)
    assert here.values.shape == there.values.shape
    assert np.abs(here.values.astype(int) - there.values).max() <= 1
    assert np.allclose(here.low, there.low, rtol=1e-5)
    assert np.allclose(here.high, there.high, rtol=1e-5)
    assert (here.signed, here.shrunk) == (there.signed, there.shrunk)


@pytest.mark.parametrize("device", DEVICES)
def test_what_is_no_number_and_what_is_constant(device):
    maps = np.array([[[np.nan, np.inf, -np.inf, 1.0]], [[2.0, 2.0, 2.0, 2.0]]], dtype=np.float32)
    there = quantise_there(torch.from_numpy(maps).to(device), "channel")
    assert np.isfinite(there.low).all()
    assert np.isfinite(there.high).all()
    assert there.values[0, 0].tolist()[1:3] == [255, 0]
    assert np.unique(there.values[1]).size == 1


def test_vectors_are_refused():
    with pytest.raises(BadOption, match="channels x height x width"):
        quantise_there(torch.zeros(10))
