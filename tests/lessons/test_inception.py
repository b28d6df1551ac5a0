"""The inception module in numbers: the published figures, and modules of real networks taken apart."""

import numpy as np
import pytest
import torch

from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption
from cnnviz.lessons.inception import (
    correlation,
    counted,
    heads,
    modules,
    normalised,
    places,
    seen,
    silenced,
    sizes,
    sizes_at_start,
)
from cnnviz.networks import build
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


# --- on a picture


@pytest.fixture(scope="module", params=["googlenet", "googlenet-bn"])
def network(request):
    """A network with random weights at a small size, its modules, and a picture."""
    module = build(request.param, weights="random")
    module.avgpool = torch.nn.AdaptiveAvgPool2d(1)
    graph = describe(Options(request.param))
    return module, modules(graph), torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)), graph


def test_arms_energies_are_shares_of_the_concat(network):
    module, found, x, _ = network
    given = seen(module, x, found)
    assert len(given.maps) == 9
    first = found[0]
    assert [len(maps) for maps in given.maps[first.join]] == [arm.channels for arm in first.arms]
    whole = np.concatenate(given.maps[first.join])
    shares = given.energy(first.join)
    assert sum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx(np.square(whole[:64]).sum() / np.square(whole).sum(), rel=1e-4)


def test_a_silent_arm_gives_zeros_and_nothing_else_changes(network):
    module, found, x, _ = network
    last = found[-1]
    rows = silenced(module, x, last.arms)
    assert rows.shape == (5, 1000)
    with torch.no_grad():
        assert np.allclose(rows[0], module(x)[0].softmax(0).numpy(), atol=1e-6)
        # 5b is followed by the mean, the fully connected layer and nothing else: a silent arm is a silent piece of it
        maps = [torch.from_numpy(m).mean(dim=(1, 2)) for m in seen(module, x, [last]).maps[last.join]]
        maps[1] = torch.zeros_like(maps[1])
        assert np.allclose(rows[2], module.fc(torch.cat(maps)).softmax(0).numpy(), atol=1e-6)
    again = silenced(module, x, last.arms[:1])
    assert np.allclose(again[0], rows[0], atol=1e-6), "the module is left as it was"


def test_untrained_weights_say_how_much_a_kernel_reads(network):
    module, found, _, graph = network
    key = graph.network
    assert sizes(module, found)[found[0].join] == pytest.approx(sizes_at_start(key, found)[found[0].join])
    one, three, *_ = sizes(module, found)[found[0].join]
    assert one == pytest.approx(float(np.sqrt(2 / 192) * np.sqrt(2 / np.pi)), rel=0.05), "He et al. 2015: by the fan-in"
    assert three == pytest.approx(float(np.sqrt(2 / (96 * 9)) * np.sqrt(2 / np.pi)), rel=0.05)
    assert normalised(graph, found[0].arms[0]) == (key == "googlenet-bn")


def test_trained_weights_are_as_large_as_their_start_says():
    """So they don't tell what the data needed: of the bundled weights, start and size are correlated by 0.998."""
    found = modules(describe(Options("googlenet")))
    now, start = sizes(build("googlenet", weights="bundled"), found), sizes_at_start("googlenet", found)
    assert round(correlation(now, start), 3) == 0.998
    shrunk = [a / b for join in now for a, b in zip(now[join], start[join], strict=True)]
    assert (round(min(shrunk), 2), round(max(shrunk), 2)) == (0.79, 0.85)


# --- heads


def test_what_the_heads_cost_and_where_they_sit():
    first, second = heads()
    plain, both = (describe(Options("googlenet", heads=on)).totals.params for on in (None, True))
    assert (plain, both) == (6_998_552, 13_378_280)
    assert first.params + second.params == both - plain
    assert [head.after for head in (first, second)] == ["inception4a.concat", "inception4d.concat"]
    assert dict(first.layers)["aux1.fc1"] == (128 * 4 * 4 + 1) * 1024
    assert 0.5 < first.below < second.below < 0.9
