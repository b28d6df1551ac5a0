"""What the lesson on shortcuts says, held against the paper, the logs and the networks themselves."""

import math

import numpy as np
import pytest
import torch

from cnnviz.lessons import shortcuts
from cnnviz.networks import construct

# --- the training curves -----------------------------------------------------


def test_depth_harms_the_plain_networks_and_not_the_residual_ones():
    """He et al. 2015, figure 6: the deeper plain network has more errors in training, too."""
    last = {curve.network: (curve.training[-1], curve.held_out[-1]) for curve in shortcuts.curves()}
    assert last["plain56"][0] > last["plain20"][0] + 20
    assert last["plain56"][1] > last["plain20"][1] + 20
    assert last["resnet56"][0] < last["resnet20"][0]
    assert last["resnet20"] == pytest.approx((14.632, 15.2))


def test_the_papers_errors_fall_with_depth():
    assert list(shortcuts.TABLE_6.values()) == [8.75, 7.51, 7.17, 6.97, 6.43]
    assert shortcuts.TABLE_2["plain34"] > shortcuts.TABLE_2["plain18"]
    assert shortcuts.TABLE_2["resnet34"] < shortcuts.TABLE_2["resnet18"]


def test_with_batch_norm_the_logged_gradients_do_not_vanish():
    """Section 4.1: 'unlikely to be caused by vanishing gradients'."""
    deep = next(curve for curve in shortcuts.curves() if curve.network == "plain56")
    for norms in deep.gradients:
        assert len(norms) == 56
        assert norms["conv1"] > norms["layer3.8.conv2"]


def test_without_batch_norm_one_epoch_is_there_and_a_network_that_diverged_says_so():
    found = {curve.network: curve for curve in shortcuts.curves(batch_norm=False)}
    assert {len(curve.epochs) for curve in found.values()} == {1}
    assert [name for name, curve in found.items() if curve.diverged] == ["resnet56"]


# --- gradients through depth -------------------------------------------------

PICTURE = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)


def ratio(depth: int, *, plain: bool, batch_norm: bool, how: str = "He") -> float:
    return shortcuts.backward(shortcuts.Untrained(depth, plain, batch_norm, how), PICTURE).ratio("maps")


def test_gradients_are_those_of_plain_autograd():
    module = shortcuts.network(20, plain=False, batch_norm=False)
    shortcuts.initialise(module, "He", seed=3)
    found = shortcuts.gradients(module, torch.from_numpy(PICTURE))
    module.zero_grad()
    logits = module(torch.from_numpy(PICTURE))
    torch.nn.functional.cross_entropy(logits, logits.argmin(1)).backward()
    expected = [p.grad.norm().item() for name, p in module.named_parameters() if name.endswith("weight")]
    assert found.weights == pytest.approx(expected, rel=1e-4)
    assert found.layers[0] == "conv1"
    assert found.layers[-1] == "fc"
    assert len(found.layers) == 20


@pytest.mark.parametrize("depth", [18, 34, 20, 56])
def test_a_depths_networks_are_the_catalogues(depth):
    for key, plain in ((f"plain{depth}", True), (f"resnet{depth}", False)):
        options = {} if plain else {"shortcut": "A"}
        ours = {name: p.shape for name, p in shortcuts.network(depth, plain=plain, batch_norm=True).named_parameters()}
        assert ours == {name: p.shape for name, p in construct(key, **options).named_parameters()}


def test_plain_and_residual_begin_with_the_same_weights():
    plain, residual = (shortcuts.network(20, plain=plain, batch_norm=True) for plain in (True, False))
    for module in (plain, residual):
        shortcuts.initialise(module, "PyTorch", seed=1)
    assert torch.equal(plain.layer3[2].conv2.weight, residual.layer3[2].conv2.weight)


@pytest.mark.parametrize(
    ("how", "deviation"),
    [
        ("He", (2 / 288) ** 0.5),
        ("LeCun", (1 / 288) ** 0.5),
        ("Xavier", (2 / 864) ** 0.5),
        ("PyTorch", (1 / 864) ** 0.5),
    ],
)
def test_the_rules_give_their_deviation(how, deviation):
    layer = torch.nn.Conv2d(32, 64, 3)
    shortcuts.initialise(layer, how)
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.03)


@pytest.mark.parametrize("how", shortcuts.INITIALISATIONS)
def test_with_batch_norm_plain_gradients_grow_whatever_the_weights_begin_with(how):
    """He et al. 2015, section 4.1: no vanishing; Yang et al. 2019: batch norm makes them explode, about 1.21 a layer."""
    found = ratio(56, plain=True, batch_norm=True, how=how)
    assert 1.15 < found ** (1 / 54) < 1.27
    assert 1 < ratio(56, plain=False, batch_norm=True, how=how) < found / 30


def test_without_batch_norm_the_initialisation_decides():
    """The article's claim holds for weights that begin too small, and not for He's."""
    for how in ("LeCun", "Xavier", "PyTorch"):
        assert ratio(56, plain=True, batch_norm=False, how=how) < 1e-6
        assert ratio(56, plain=False, batch_norm=False, how=how) > 0.1
    assert 0.01 < ratio(56, plain=True, batch_norm=False) < 100
    assert ratio(56, plain=False, batch_norm=False) > 1000, "every block adds its variance"


def test_a_gradient_that_is_gone_is_said_to_be():
    assert ratio(110, plain=True, batch_norm=False, how="PyTorch") == 0
    nothing = shortcuts.Gradients(("a", "b", "fc"), (1.0, 0.0, 1.0), (1.0, 0.0, 1.0), 1.0)
    assert math.isnan(nothing.ratio("maps"))


# --- options A, B and C ------------------------------------------------------


@pytest.mark.parametrize("key", shortcuts.with_options())
def test_what_is_on_the_shortcuts_makes_the_whole_difference(key):
    a, b, c = (shortcuts.option(key, option) for option in shortcuts.OPTIONS)
    assert (a.projections, a.shortcut_params, a.shortcut_macs) == (0, 0, 0)
    for more in (b, c):
        assert more.params - a.params == more.shortcut_params > 0
        assert more.macs - a.macs == more.shortcut_macs > 0
    assert b.projections < c.projections


def test_published_sizes():
    assert shortcuts.option("resnet18", "B").params == 11_689_512
    assert shortcuts.option("resnet34", "B").params == 21_797_672
    assert shortcuts.option("resnet34", "C").projections == 16, "one a block"
    assert shortcuts.option("resnet50", "B").projections == 4, "layer1.0 too, whose depth grows at stride 1"


@pytest.mark.parametrize("option", shortcuts.OPTIONS)
def test_an_excerpt_has_both_kinds_of_block(option):
    graph = shortcuts.excerpt("resnet18", option)
    roles = [edge.role for edge in graph.edges if edge.target.endswith(".add") and edge.role != "main"]
    assert roles == ["projection", "projection" if option == "C" else "identity"]
    assert graph.layers[-1].output_shape == (128, 28, 28)
