import pytest
from foreign import Recurrent, SqueezeExcitation
from torch import nn

from cnnviz import networks
from cnnviz.analysis.folding import chains, folds
from cnnviz.trace import trace


def graph_of(key):
    return trace(networks.construct(key), networks.card(key).input_shape)


@pytest.mark.parametrize(
    ("key", "lengths"),
    [
        ("resnet18", [2]),
        ("resnet50", [2, 3, 5, 2]),
        ("resnet152", [2, 7, 35, 2]),
        ("plain34", [3, 3, 5, 2]),
        ("vgg16", []),
        ("googlenet", []),
    ],
)
def test_runs_of_equal_blocks(key, lengths):
    found = folds(graph_of(key))
    assert [len(fold.blocks) for fold in found] == lengths
    assert not any(fold.repeated for fold in found)


def test_resnet152s_longest_run():
    run = folds(graph_of("resnet152"))[2]
    assert (run.blocks[0], run.blocks[-1]) == ("layer3.1", "layer3.35")


def test_one_module_applied_again_is_told_apart_from_equal_ones():
    (run,) = folds(trace(Recurrent(), (4, 8, 8)))
    assert run.blocks == ("block", "block#2", "block#3")
    assert run.repeated


def test_equal_blocks_side_by_side_are_no_run():
    class Sides(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = (nn.Sequential(nn.Conv2d(3, 3, kernel_size=1), nn.ReLU()) for _ in "ab")

        def forward(self, x):
            return self.left(x) + self.right(x)

    assert folds(trace(Sides(), (3, 8, 8))) == ()


def test_a_run_is_broken_by_whatever_comes_between():
    blocks = [nn.Sequential(nn.Conv2d(3, 3, kernel_size=1)) for _ in range(3)]
    module = nn.Sequential(blocks[0], blocks[1], nn.ReLU(), blocks[2])
    assert [fold.blocks for fold in folds(trace(module, (3, 8, 8)))] == [("0", "1")]


def test_a_convolution_goes_with_its_norm_and_its_activation():
    found = [tuple(layer.path for layer in chain) for chain in chains(graph_of("resnet18"))]
    assert ("conv1", "bn1", "relu") in found
    assert ("layer1.0.conv2", "layer1.0.bn2") in found  # what follows is the addition
    assert ("layer1.0.add", "layer1.0.relu#2") in found
    assert sum(len(chain) for chain in found) == len(graph_of("resnet18").layers)


def test_a_chain_ends_where_another_arm_leaves():
    found = [tuple(layer.path for layer in chain) for chain in chains(trace(SqueezeExcitation(), (3, 8, 8)))]
    assert ("stem",) in found
    assert ("block.add", "block.relu") in found
