import io

import numpy as np
import pytest
import torch
from foreign import Functional
from PIL import Image
from torch import nn

from cnnviz import networks
from cnnviz.activations.kernels import colour_kernels, kernel_maps, kernels, kernels_png
from cnnviz.activations.pictures import DIVERGING
from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.recorder import follow
from cnnviz.trace import trace


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    return picture


@pytest.mark.parametrize("key", ["lenet5", "lenet5-1998", "alexnet-2012", "resnet18", "resnet20", "googlenet-bn"])
def test_every_convolution_has_kernels(key):
    module = networks.construct(key, device="cpu")
    shape = networks.card(key).input_shape
    graph, program = trace(module, shape), follow(module, (1, *shape))
    for layer in graph.layers:
        if layer.op == "conv":
            weight = kernels(module, graph, layer.path, program)
            inputs = layer.hyper("in_channels") // layer.hyper("groups")
            assert weight.shape == (layer.hyper("out_channels"), inputs, *layer.hyper("kernel"))


def test_the_table_of_1998_leaves_kernels_out():
    module = networks.construct("lenet5-1998", device="cpu")
    weight = kernels(module, trace(module, (1, 32, 32)), "c3")
    assert np.count_nonzero(weight.any(axis=(2, 3))) == 60


def test_kernels_that_a_forward_masks():
    module = Functional()
    graph = trace(module, (3, 16, 16))
    assert np.array_equal(kernels(module, graph, "conv_2"), (module.masked.weight * module.mask).detach().numpy())


def test_what_has_no_kernels():
    module = networks.construct("lenet5", device="cpu")
    graph = trace(module, (1, 32, 32))
    with pytest.raises(BadOption, match="tanh1 is 'tanh', which has no kernels"):
        kernels(module, graph, "tanh1")
    with pytest.raises(BadOption, match="the network's output"):
        kernels(module, graph, "output")
    with pytest.raises(UnknownLayer, match="'conv1'"):
        kernels(module, graph, "conv")
    module = nn.Sequential(nn.Conv1d(2, 3, 3))
    with pytest.raises(BadOption, match="along 1 axes"):
        kernels(module, trace(module, (2, 9)), "0")


def test_zero_is_grey_and_the_strongest_weight_full():
    weight = np.zeros((2, 3, 2, 2), dtype=np.float32)
    weight[0, 0, 0, 0], weight[1, 2, 1, 1] = 4, -1
    tiles = colour_kernels(weight)
    assert tiles[0, 0, 0].tolist() == [255, 128, 128]
    assert tiles[1, 1, 1].tolist() == [128, 128, 96]
    assert colour_kernels(weight, "channel")[1, 1, 1].tolist() == [128, 128, 0]


@pytest.mark.parametrize("sign", [1, -1])
def test_maps_lie_around_zero_whichever_signs_occur(sign):
    drawn = kernel_maps(sign * np.array([[[0.0, 1.0]], [[0.0, 2.0]]], dtype=np.float32))
    assert drawn.signed
    assert drawn.low.tolist() == [-2, -2]
    assert drawn.high.tolist() == [2, 2]
    assert set(drawn.values[:, 0, 0].tolist()) == {128}
    assert drawn.values[1, 0, 1] == (255 if sign > 0 else 0)


def test_constant_zero_is_no_division_by_zero():
    assert set(np.unique(kernel_maps(np.zeros((2, 3, 3), dtype=np.float32)).values)) == {128}


@pytest.mark.parametrize(
    ("shape", "tiles"),
    [((64, 3, 7, 7), 64), ((6, 1, 5, 5), 6), ((16, 6, 5, 5), 6), ((8, 512, 1, 1), 512)],
)
def test_a_sheet_has_one_tile_a_kernel(shape, tiles):
    weight = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    picture = np.asarray(opened(kernels_png(weight, title="conv1, trained")).convert("RGB"))
    side = 36 // shape[2] * shape[2]
    zoom = 36 // shape[2]
    # the title lies above; each tile's corner lies alone among white
    corners = 0
    for y in range(12 + 26, picture.shape[0] - 12, side + 3):
        for x in range(12, picture.shape[1] - side - 11, side + 3):
            block = picture[y : y + zoom, x : x + zoom].reshape(-1, 3)
            corners += len(np.unique(block, axis=0)) == 1 and not (block == 255).all()
    assert corners == tiles


def test_the_colours_of_one_output_channel():
    weight = np.zeros((4, 2, 1, 1), dtype=np.float32)
    weight[2, 0], weight[2, 1] = 1, -1
    pixels = {colour for _, colour in opened(kernels_png(weight, of=2)).getcolors()}
    assert {tuple(DIVERGING[255].tolist()), tuple(DIVERGING[0].tolist())} <= pixels
    with pytest.raises(BadOption, match="output channel 4, but there are 4"):
        kernels_png(weight, of=4)


def test_three_inputs_need_not_be_colours():
    weight = torch.randn(5, 3, 3, 3).numpy()
    coloured, plain = opened(kernels_png(weight)), opened(kernels_png(weight, colour=False))
    assert coloured.size != plain.size or coloured.tobytes() != plain.tobytes()
