"""AlexNet's ideas: the paper's figures, and what each has to be equal to."""

import numpy as np
import pytest
import torch

from cnnviz.errors import BadOption
from cnnviz.lessons import alexnet
from cnnviz.networks import build
from cnnviz.networks.layers import LocalResponseNorm

MAPS = np.random.default_rng(0).normal(size=(24, 9, 9)).astype(np.float32) * 50


# --- ReLU against tanh


def test_the_bundled_curves_do_not_show_the_papers_factor():
    relu, tanh = (alexnet.epochs_to(log, error=25) for log in alexnet.curves().values())
    assert (relu, tanh) == (7, 7)
    assert tanh / relu == 1, "the paper: about 6"
    assert alexnet.epochs_to(alexnet.curves()["ReLU"]) == relu
    assert alexnet.PAPERS_FACTOR == 6


def test_relus_gradient_is_a_power_of_the_gain():
    x = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    narrow, wide = (alexnet.gradients(x, 10, "ReLU", gain)[0] for gain in (1.0, 2.0))
    assert wide / narrow == pytest.approx(2**9, rel=1e-3), "ReLU is homogeneous"


def test_tanh_saturates_where_relu_does_not_care():
    x = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    tanh, relu = (alexnet.gradients(x, 20, name, 1.5)[0] for name in ("tanh", "ReLU"))
    assert tanh > 0
    assert relu > 0
    assert len(alexnet.gradients(x, 7, "tanh", 1.0)) == 7
    with pytest.raises(BadOption):
        alexnet.gradients(x, 1, "tanh", 1.0)


@pytest.mark.parametrize(("key", "most"), [("relu4", 1.0), ("tanh4", 1.0)])
def test_slopes_are_those_of_autograd(key, most):
    module = build(key, weights="bundled")
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    found = alexnet.slopes(module, x)
    assert [layer.path for layer in found] == ["act1", "act2", "act3"]
    sums = module.conv1(x).detach().requires_grad_()
    module.act1(sums).sum().backward()
    assert found[0].mean == pytest.approx(float(sums.grad.mean()), abs=1e-5)
    assert 0 < found[0].flat < most


# --- LRN


@pytest.mark.parametrize("n", [1, 3, 5, 15])
def test_lrn_is_the_networks_own_layer(n):
    layer = LocalResponseNorm(size=n, k=2.0, alpha=1e-4, beta=0.75)
    ours = alexnet.damped(MAPS, n, 2.0, 1e-4, 0.75).after
    assert np.allclose(ours, layer(torch.from_numpy(MAPS)[None])[0].numpy(), rtol=1e-4, atol=1e-5)


def test_lrn_alone_divides_by_k_to_the_beta():
    nothing = alexnet.damped(MAPS, alpha=0.0)
    assert nothing.lone == pytest.approx(2**0.75)
    assert nothing.most == pytest.approx(1.0)
    assert np.allclose(nothing.after * nothing.lone, MAPS, rtol=1e-5)
    some = alexnet.damped(MAPS)
    assert some.most > 1.1
    assert MAPS[some.channel][some.pixel] == MAPS.max()
    for wrong in ({"k": 0.0}, {"n": 4}):
        with pytest.raises(BadOption):
            alexnet.damped(MAPS, **wrong)


def test_lrn_damps_an_excited_units_neighbours_in_depth_and_no_pixel_beside_it():
    excited = MAPS.copy()
    excited[12, 4, 4] = 1000
    before, after = (np.abs(alexnet.damped(maps).after) for maps in (MAPS, excited))
    damped = np.argwhere(after < before).tolist()
    assert damped == [[channel, 4, 4] for channel in (10, 11, 13, 14)], "n = 5: two on either side"
    untouched = np.ones(MAPS.shape, bool)
    untouched[10:15, 4, 4] = False
    assert np.allclose(after[untouched], before[untouched])


# --- pooling


@pytest.mark.parametrize(("window", "stride"), [(3, 2), (2, 2), (5, 3)])
def test_pooling_is_max_pooling(window, stride):
    expected = torch.nn.functional.max_pool2d(torch.from_numpy(MAPS), window, stride).numpy()
    assert np.array_equal(alexnet.pooled(MAPS, window, stride), expected)


def test_alexnets_maps_have_27_positions_either_way():
    maps = np.zeros((1, 55, 55), np.float32)
    assert alexnet.pooled(maps, 3, 2).shape == alexnet.pooled(maps, 2, 2).shape == (1, 27, 27)


def test_windows_that_overlap_meet_a_position_twice():
    assert alexnet.visits(7, 3, 2) == [1, 1, 2, 1, 2, 1, 1]
    assert alexnet.visits(6, 2, 2) == [1] * 6
    assert alexnet.moved_by_one(np.ones((1, 8, 8), np.float32), 3, 2) == 0
    with pytest.raises(BadOption):
        alexnet.pooled(MAPS, 10, 2)


# --- dropout

LAYER = alexnet.LastLayer(
    units=np.abs(MAPS[:4].reshape(-1)), weight=MAPS[:12].reshape(3, -1) / 1000, bias=np.ones(3, np.float32)
)


def test_the_mean_of_many_masks_is_the_scaled_network():
    many = alexnet.dropped(LAYER, 0.5, 4000)
    assert np.allclose(many.sums.mean(axis=0), many.scaled, atol=0.1 * float(np.abs(many.scaled).max()))
    assert many.away[-1] < many.away[0] / 10, "it goes with one over the root of their number"
    assert np.allclose(many.whole - LAYER.bias, 2 * (many.scaled - LAYER.bias), rtol=1e-4)
    assert many.masks.mean() == pytest.approx(0.5, abs=0.01)


def test_without_dropout_every_mask_is_the_whole():
    none = alexnet.dropped(LAYER, 0.0, 3)
    assert none.masks.all()
    assert np.allclose(none.sums, none.whole, rtol=1e-4)
    for p, masks in ((1.0, 1), (-0.1, 1), (0.5, 0)):
        with pytest.raises(BadOption):
            alexnet.dropped(LAYER, p, masks)


def test_what_is_dropped_are_units_with_all_their_connections():
    """One mask a unit, and not one a weight, as DropConnect has them."""
    drawn = alexnet.dropped(LAYER, 0.5, 20)
    assert drawn.masks.shape == (20, LAYER.units.size)
    for mask, sums in zip(drawn.masks, drawn.sums, strict=True):
        assert np.allclose(sums, LAYER.weight @ (LAYER.units * mask) + LAYER.bias, rtol=1e-4, atol=1e-4)


# --- augmentation


def test_the_paper_counts_2048_where_there_are_2178():
    assert 32 * 32 * 2 == 2_048
    assert alexnet.positions(256, 224) == 33
    assert 2 * alexnet.positions(256, 224) ** 2 == 2_178
    with pytest.raises(BadOption):
        alexnet.positions(200, 224)


def test_ten_crops_are_five_and_their_mirror_images():
    crops = alexnet.ten_crops(256, 224)
    assert len(set(crops)) == 10
    assert [(c.left, c.top) for c in crops[:5]] == [(0, 0), (32, 0), (0, 32), (32, 32), (16, 16)]
    picture = np.arange(3 * 8 * 8, dtype=np.float32).reshape(3, 8, 8)
    plain, mirrored = (alexnet.cut(picture, crop, 6) for crop in (alexnet.Crop(1, 2), alexnet.Crop(1, 2, True)))
    assert np.array_equal(plain, picture[:, 2:8, 1:7])
    assert np.array_equal(mirrored, plain[:, :, ::-1])


def test_random_crops_stay_inside():
    crops = alexnet.random_crops(256, 224, 500)
    assert {c.left for c in crops} | {c.top for c in crops} == set(range(33))
    assert 0.4 < np.mean([c.mirrored for c in crops]) < 0.6
    assert not any(c.mirrored for c in alexnet.random_crops(256, 224, 50, mirror=False))


# --- two towers


def test_where_the_towers_differ():
    rows = {row.path: row for row in alexnet.towers()}
    assert sum(row.one for row in rows.values()) == 62_378_344
    assert sum(row.two for row in rows.values()) == 60_965_224
    assert [path for path, row in rows.items() if row.one != row.two] == ["conv2", "conv4", "conv5"]
    assert rows["conv2"].one - rows["conv2"].two == 256 * 48 * 25
    assert (rows["conv2"].reads_one, rows["conv2"].reads_two) == (96, 48)


# --- what the logs say beside the paper's figures


def test_what_overlapping_windows_are_worth_here():
    """The paper: 0.4 points of top-1 and 0.3 of top-5 error on ImageNet."""
    lost = alexnet.points_lost("overlap")
    assert [round(np.mean(lost), 1), round(min(lost), 1), round(max(lost), 1)] == [1.4, 0.1, 3.3]
    assert np.mean(lost) > 0.4 > min(lost)


def test_dropout_does_not_double_the_epochs_here():
    """The paper: about 2 times the iterations with p = 0.5."""
    assert alexnet.epochs_of_dropout() == [(8, 7), (8, 7), (8, 6)]
    assert all(1 < with_it / without < 2 for with_it, without in alexnet.epochs_of_dropout())
