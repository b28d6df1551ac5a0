import numpy as np
import pytest

from cnnviz import networks
from cnnviz.activations.overlay import channel_over, heat_over, shares, signed_over
from cnnviz.activations.pictures import quantise
from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption

MAPS = np.random.default_rng(0).standard_normal((4, 9, 9)).astype(np.float32)


def test_one_channel_has_the_colours_that_it_has_among_all():
    drawn = quantise(MAPS)
    over = channel_over(MAPS, drawn, 2, (0, 0, 9, 9))
    steps = np.rint((over.values - over.low) / (over.high - over.low) * 255)
    assert np.abs(steps - drawn.values[2]).max() <= 1
    assert np.array_equal(over.colours, drawn.colours)
    with pytest.raises(BadOption, match="channel 4, but there are 4"):
        channel_over(MAPS, drawn, 4, (0, 0, 9, 9))


def test_heat_has_nothing_below_zero():
    over = heat_over(np.array([[-1, 2], [np.nan, 0]], dtype=np.float32), (0, 0, 2, 2))
    assert over.values.tolist() == [[0, 2], [0, 0]]
    assert (over.low, over.high, over.faint) == (0, 2, True)


def test_what_goes_either_way_is_coloured_around_zero():
    over = signed_over(np.array([[-1, 3], [np.nan, 0]], dtype=np.float32), (0, 0, 2, 2))
    assert (over.low, over.high, over.faint) == (-3, 3, False)
    assert over.values.tolist() == [[-1, 3], [0, 0]]


def test_shares_are_of_the_largest():
    assert shares(np.array([[0, 1, 4]], dtype=np.float32)).tolist() == [[0, 64, 255]]
    assert shares(np.zeros((1, 2), dtype=np.float32)).tolist() == [[0, 0]]


@pytest.mark.parametrize("key", networks.cards())
def test_every_unit_of_maps_lies_in_the_middle_of_what_it_sees(key):
    graph = describe(Options(key))
    for layer in graph.layers:
        top, left, bottom, right = graph.laid_over(layer.path)
        if layer.receptive_field is None:
            assert (top, left, bottom, right) == (0, 0, *graph.input_shape[1:])
            continue
        rows, columns = layer.output_shape[1:]
        tall = (bottom - top) / rows
        window = layer.receptive_field.window((rows // 2, columns // 2))
        assert top + (rows // 2 + 0.5) * tall == (window[0] + window[2]) / 2


def test_alexnets_first_maps_end_before_the_pictures_border():
    assert describe(Options("alexnet")).laid_over("conv1") == (3.5, 3.5, 223.5, 223.5)
