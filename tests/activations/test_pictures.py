import io

import numpy as np
import pytest
from PIL import Image

from cnnviz.activations.pictures import DIVERGING, SEQUENTIAL, grid_png, quantise, quantise_within, vector_as_map
from cnnviz.errors import BadOption


def maps(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def restored(drawn) -> np.ndarray:
    low, high = drawn.low[:, None, None], drawn.high[:, None, None]
    return low + drawn.values / 255 * (high - low)


@pytest.mark.parametrize("scale", ["layer", "channel"])
@pytest.mark.parametrize("offset", [0, 10], ids=["signed", "positive"])
def test_values_survive_within_half_a_step(scale, offset):
    original = maps(5, 7, 9) + offset
    drawn = quantise(original, scale)
    half = (drawn.high - drawn.low)[:, None, None] / 255 / 2
    assert np.all(np.abs(restored(drawn) - original) <= half * 1.001)
    assert drawn.signed == (offset == 0)


def test_zero_is_the_middle_of_the_diverging_colours():
    drawn = quantise(np.array([[[-1.0, 0.0, 4.0]]], dtype=np.float32))
    assert drawn.signed
    assert (drawn.low[0], drawn.high[0]) == (-4, 4)
    assert drawn.values.tolist()[0][0][1] in (127, 128)
    assert np.all(DIVERGING[127] > 235)


def test_one_scale_keeps_channels_comparable_and_one_each_shows_the_faint():
    original = np.stack([np.full((2, 2), 0.1), np.full((2, 2), 10.0)]).astype(np.float32)
    original[:, 0, 0] = 0
    assert quantise(original, "layer").values[0].max() < 5
    assert quantise(original, "channel").values[0].max() == 255


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_constant_maps_are_no_division_by_zero(value):
    drawn = quantise(np.full((2, 3, 3), value, dtype=np.float32))
    assert np.unique(drawn.values).size == 1


def test_what_is_no_number_has_a_colour_all_the_same():
    drawn = quantise(np.array([[[np.nan, np.inf, -np.inf, 1.0]]], dtype=np.float32))
    assert np.isfinite(drawn.low).all()
    assert np.isfinite(drawn.high).all()


def test_large_maps_are_averaged_and_say_so():
    drawn = quantise(maps(2, 300, 200))
    assert drawn.shrunk == 3
    assert drawn.values.shape == (2, 100, 66)


@pytest.mark.parametrize("colours", [SEQUENTIAL, DIVERGING])
def test_colour_tables_have_256_entries(colours):
    assert colours.shape == (256, 3)
    assert len(np.unique(colours, axis=0)) > 200


def test_viridis_grows_lighter_all_along():
    lightness = SEQUENTIAL @ np.array([0.2126, 0.7152, 0.0722])
    assert np.all(np.diff(lightness) > -1)


@pytest.mark.parametrize("shape", [(64, 56, 56), (3, 1, 1), (512, 7, 7), (1000,), (1,)])
def test_a_grid_is_a_png(shape):
    picture = Image.open(io.BytesIO(grid_png(maps(*shape), title="conv1")))
    assert picture.format == "PNG"
    assert picture.mode == "P"
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_grid_shows_its_channels_in_their_colours():
    original = np.zeros((2, 56, 56), dtype=np.float32)
    original[1] = 1
    pixels = {colour for _, colour in Image.open(io.BytesIO(grid_png(original))).convert("RGB").getcolors(100_000)}
    assert {tuple(SEQUENTIAL[0].tolist()), tuple(SEQUENTIAL[255].tolist())} <= pixels


def test_a_map_of_one_row_can_be_averaged():
    drawn = quantise(maps(1, 1, 400))
    assert (drawn.shrunk, drawn.values.shape) == (4, (1, 1, 100))


@pytest.mark.parametrize("span", [1e-38, 1e-3, 3e38])
@pytest.mark.parametrize("low", [-0.5, 0.0])
def test_the_ends_are_the_first_and_the_last_colour_whatever_the_span(span, low):
    ends = quantise(np.array([[[low * span, (low + 1) * span]]], dtype=np.float32))
    assert ends.values.flatten().tolist() == [0, 255]


def test_within_one_range_a_colour_means_the_same_in_every_layer():
    faint, strong = (quantise_within(np.full((2, 3, 3), value, dtype=np.float32), 8.0) for value in (0.5, 4.0))
    assert (faint.values[0, 0, 0], strong.values[0, 0, 0]) == (round((0.5 / 8 + 1) / 2 * 255), round(0.75 * 255))
    assert faint.signed
    assert (faint.low[0], faint.high[0]) == (-8, 8)
    assert faint.ends == ([-8.0], [8.0])
    beyond = quantise_within(np.array([[[9.0, -np.inf, np.nan]]], dtype=np.float32), 8.0)
    assert beyond.values.flatten().tolist() == [255, 0, 128]


def test_a_grid_has_the_order_that_it_is_given():
    original = maps(2, 8, 8)
    turned = grid_png(original, order=[1, 0])
    assert turned != grid_png(original)
    assert Image.open(io.BytesIO(turned)).size == Image.open(io.BytesIO(grid_png(original))).size


def test_a_vector_is_one_map_row_by_row():
    filled = vector_as_map(np.arange(10, dtype=np.float32))
    assert filled.shape == (1, 3, 4)
    assert filled.flatten()[:10].tolist() == list(range(10))


def test_maps_without_three_axes_are_refused():
    with pytest.raises(BadOption, match="channels x height x width"):
        quantise(maps(3, 3))
