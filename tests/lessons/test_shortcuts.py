"""What the lesson on shortcuts says, held against the paper, the logs and the networks themselves."""

import math

import numpy as np
import pytest
import torch

from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption, UnknownLayer
from cnnviz.images import load_image, photographs, to_input
from cnnviz.lessons import shortcuts
from cnnviz.networks import build, card, construct
from cnnviz.prediction import CIFAR10_NAMES

# --- the training curves -----------------------------------------------------


def test_depth_harms_the_plain_networks_and_not_the_residual_ones():
    """He et al. 2015, figure 6: the deeper plain network has more errors in training, too."""
    last = {curve.network: (curve.training[-1], curve.held_out[-1]) for curve in shortcuts.curves()}
    assert {name: round(training, 1) for name, (training, _) in last.items()} == {
        "plain20": 19.0,
        "plain56": 52.0,
        "resnet20": 14.6,
        "resnet56": 14.1,
    }
    assert last["plain56"][1] > last["plain20"][1] + 20


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


def test_projections_are_needed_where_shapes_differ_and_not_where_the_stride_says():
    assert shortcuts.option("resnet50", "B").unstrided == (("layer1.0", 64, 256),)
    assert shortcuts.option("resnet34", "B").unstrided == ()
    assert shortcuts.option("resnet34", "C").unstrided == (), "needed by no shape"


@pytest.mark.parametrize(
    ("key", "identities", "projections", "convolutions"),
    [("resnet18", 5, 3, 2), ("resnet34", 13, 3, 2), ("resnet18-printed", 5, 3, 2), ("resnet50", 12, 4, 3)],
)
def test_shortcuts_are_identities_where_shapes_agree(key, identities, projections, convolutions):
    """And lead around two convolutions each, around three in a bottleneck."""
    graph = describe(Options(key))
    roles = []
    for block in (layer.path.removesuffix(".add") for layer in graph.layers if layer.op == "add"):
        [role] = [edge.role for edge in graph.incoming(f"{block}.add") if edge.role != "main"]
        inside = [layer for layer in graph.layers if layer.path.startswith(f"{block}.")]
        assert sum(layer.op == "conv" and "downsample" not in layer.path for layer in inside) == convolutions
        same = inside[0].input_shapes[0] == graph.layer(f"{block}.add").output_shape
        assert role == ("identity" if same else "projection")
        roles.append(role)
    assert (roles.count("identity"), roles.count("projection")) == (identities, projections)


@pytest.mark.parametrize(("option", "projections"), [("A", 0), ("B", 3), ("C", 8)])
def test_what_a_dotted_shortcut_is_depends_on_the_option(option, projections):
    assert shortcuts.option("resnet18", option).projections == projections


@pytest.mark.parametrize("option", shortcuts.OPTIONS)
def test_an_excerpt_has_both_kinds_of_block(option):
    graph = shortcuts.excerpt("resnet18", option)
    roles = [edge.role for edge in graph.edges if edge.target.endswith(".add") and edge.role != "main"]
    assert roles == ["projection", "projection" if option == "C" else "identity"]
    assert graph.layers[-1].output_shape == (128, 28, 28)


# --- a trained network without a shortcut, or without a block ----------------


@pytest.fixture(scope="module")
def rocket():
    return to_input(load_image(photographs()["rocket"].read_bytes()), card("resnet20"))


def lesion(key: str, picture: np.ndarray) -> shortcuts.Lesion:
    return shortcuts.lesion(build(key, weights="bundled"), picture, describe(Options(key)), CIFAR10_NAMES)


def test_a_residual_network_misses_a_shortcut_more_than_a_block(rocket):
    """Veit, Wilber, Belongie 2016, section 4.1: hardly any single block is missed."""
    found = lesion("resnet56", rocket)
    assert found.intact.scores[0].name == "ship", "the nearest of ten classes"
    kept, blocks = found.unmoved("drop")
    assert blocks == 27
    assert kept > 24
    assert found.unmoved("cut")[0] < 5


def test_a_plain_network_misses_nearly_every_block(rocket):
    kept, blocks = lesion("plain56", rocket).unmoved("drop")
    assert blocks == 25, "two of the 27 change the shape, and have nothing that could stay"
    assert kept < 5


@pytest.mark.parametrize("key", shortcuts.trained())
def test_each_block_can_be_damaged_and_the_network_stays_whole(key):
    module = build(key, weights="bundled")
    x = torch.zeros(1, 3, 32, 32)
    with torch.no_grad():
        before = module(x)
        for block in shortcuts.blocks(module):
            for damage in shortcuts.damages(module, block):
                assert shortcuts.damaged(module, block, damage)(x).shape == before.shape
        assert torch.equal(module(x), before)


def test_a_dropped_block_passes_on_what_it_gets(rocket):
    module = build("resnet20", weights="bundled")
    dropped = shortcuts.damaged(module, "layer1.1", "drop")
    before = shortcuts.block_maps(module, rocket, "layer1.0")
    assert np.array_equal(shortcuts.block_maps(dropped, rocket, "layer1.1"), before)
    intact, after = shortcuts.maps_beside(module, rocket, "layer1.1", "drop", "layer3.2")
    assert intact.values.shape == after.values.shape == (64, 8, 8)
    assert intact.high[0] == after.high[0]


def test_what_cannot_be_damaged_is_refused_in_a_sentence():
    plain = build("plain20", weights="bundled")
    with pytest.raises(BadOption, match="it has no shortcut"):
        shortcuts.damaged(plain, "layer1.0", "cut")
    with pytest.raises(BadOption, match="can't change the shape"):
        shortcuts.damaged(plain, "layer2.0", "drop")
    with pytest.raises(UnknownLayer, match=r"layer1\.2"):
        shortcuts.damaged(plain, "layer1.3", "drop")
