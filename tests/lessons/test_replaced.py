import pytest
import torch

from cnnviz.activations.capture import capture
from cnnviz.analysis.kernels import replicate
from cnnviz.catalogue import Options, describe
from cnnviz.lessons.replaced import NETWORKS, in_threes, replaced


@pytest.mark.parametrize("taken", ["last", "first"])
@pytest.mark.parametrize("inside", ["out", "in"])
@pytest.mark.parametrize("key", NETWORKS)
def test_nothing_above_3x3_is_left_and_all_else_is_as_it_was(key, inside, taken):
    found = replaced(key, inside, taken)
    assert max(layer.hyper("kernel")[0] for layer in found.after.layers if layer.op == "conv") == 3
    gone = {swap.single.path for swap in found.swaps}
    for layer in found.before.layers:
        if layer.path in gone:
            stack = next(swap.stack for swap in found.swaps if swap.single is layer)
            assert stack[-1].output_shape == layer.output_shape
        else:
            same = found.after.layer(layer.path)
            assert (same.op, same.output_shape, same.params) == (layer.op, layer.output_shape, layer.params)
    for which in ("params", "macs"):
        more = sum(getattr(swap, which) - getattr(swap.single, which) for swap in found.swaps)
        assert getattr(found.after.totals, which) == getattr(found.before.totals, which) + more


@pytest.mark.parametrize(("inside", "weights"), [("out", 13_824), ("in", 6_912)])
def test_googlenets_module_3a_as_the_lesson_counts_it(inside, weights):
    found = next(swap for swap in replaced("googlenet", inside).swaps if "3a" in swap.single.path)
    biases = sum(layer.output_shape[0] for layer in found.stack)
    assert found.single.params == 12_800 + 32
    assert found.params == weights + biases
    r = replicate(5, 16, 32 if inside == "out" else 16, 32, (28, 28))
    assert (found.params - biases, found.macs) == (r.weights_stack, r.macs_stack)


def test_alexnets_first_layer_shows_why_the_rule_needs_stride_1():
    last, first = (replaced("alexnet", taken=taken).swaps[0] for taken in ("last", "first"))
    assert (last.kernel, last.stride, len(last.stack)) == (11, 4, 5)
    assert last.sees == (11, 11)
    assert first.sees == (11, 35)  # 3 + 4 x 2 x 4
    assert [layer.output_shape[1] for layer in last.stack] == [225, 223, 221, 219, 55]
    assert [layer.output_shape[1] for layer in first.stack] == [57, 55, 55, 55, 55]
    assert last.macs > 100 * last.single.macs
    assert last.params == first.params == 3 * 96 * 9 + 96 + 4 * (96 * 96 * 9 + 96)
    # and the graph says the same of the window, counted through the whole network
    for swap in (last, first):
        assert swap.stack[-1].receptive_field.size == (swap.sees[1],) * 2


@pytest.mark.parametrize("taken", ["last", "first"])
def test_a_real_pass_gives_the_traced_shapes(taken):
    found, module = replaced("googlenet", "in", taken), in_threes("googlenet", "in", taken).to_empty(device="cpu")
    paths = [layer.path for swap in found.swaps for layer in swap.stack]
    maps = capture(module, torch.rand(1, 3, 224, 224), paths)
    assert {path: tuple(maps[path].shape[1:]) for path in paths} == {
        path: found.after.layer(path).output_shape for path in paths
    }


def test_the_catalogues_network_stays_as_it_was():
    before = describe(Options("googlenet")).totals
    replaced("googlenet")
    assert describe(Options("googlenet")).totals == before
    assert before.params == 6_998_552
