"""The inception module in numbers: the published figures, and modules of real networks taken apart."""

import pytest

from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption
from cnnviz.lessons.inception import counted, modules, places
from cnnviz.networks.inception import M3A


def test_3a_with_reductions_and_without():
    reduced, naive = counted(192, M3A), counted(192, M3A, naive=True)
    assert (reduced.params, reduced.channels) == (163_696, 256)
    assert (naive.params, naive.channels) == (387_296, 416)
    assert [arm.name for arm in reduced.arms] == ["1 × 1", "3 × 3", "5 × 5", "pooling"]
    assert [arm.channels for arm in reduced.arms] == [64, 128, 32, 32]
    assert [arm.channels for arm in naive.arms] == [64, 128, 32, 192]
    assert [arm.weighted for arm in reduced.arms] == [1, 2, 2, 1]
    assert [arm.weighted for arm in naive.arms] == [1, 1, 1, 0]


def test_an_arm_costs_what_its_formula_says():
    three = counted(192, M3A).arms[1]
    assert three.params == (192 + 1) * 96 + (9 * 96 + 1) * 128
    assert three.macs == 28 * 28 * (192 * 96 + 9 * 96 * 128)


@pytest.mark.parametrize("key", ["googlenet", "googlenet-bn"])
def test_the_modules_of_a_whole_network_are_found(key):
    found = modules(describe(Options(key)))
    assert [module.join.partition(".")[0] for module in found] == [f"inception{name}" for name in places()]
    assert [module.channels for module in found] == [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    assert [module.channels for module in found] == [place.widths.joined for place in places().values()]
    assert all(arm.layers[0].startswith(module.join.partition(".")[0]) for module in found for arm in module.arms)


@pytest.mark.parametrize("name", ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"])
def test_a_module_alone_is_the_one_in_the_network(name):
    place = places()[name]
    whole = {module.join: module for module in modules(describe(Options("googlenet")))}[f"inception{name}.concat"]
    alone = counted(place.inputs, place.widths, place.side)
    assert (alone.params, alone.macs, alone.channels) == (whole.params, whole.macs, whole.channels)


def test_batch_norm_has_a_3x3_where_the_5x5_belongs():
    first = modules(describe(Options("googlenet-bn")))[0]
    assert [arm.name for arm in first.arms] == ["1 × 1", "3 × 3", "3 × 3, second", "pooling"]


@pytest.mark.parametrize("number", [0, 5000])
def test_a_width_that_is_no_width(number):
    with pytest.raises(BadOption, match="from 1 to 4,096"):
        counted(192, M3A._replace(conv5x5=number))
