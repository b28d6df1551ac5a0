"""What the lesson on shortcuts says, held against the paper, the logs and the networks themselves."""

import pytest

from cnnviz.lessons import shortcuts

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
