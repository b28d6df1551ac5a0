import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cnnviz import networks
from cnnviz.activations.capture import capture
from cnnviz.activations.computed import computed, computed_for
from cnnviz.activations.parts import Closed, Computed, Join, Neighbours, Products, Share, Window
from cnnviz.trace import trace
from cnnviz.views.terms import COLUMNS, check, sentence, terms
from cnnviz.weights import initialise


def picture(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def everywhere(module: nn.Module, x: Tensor) -> dict[str, Computed]:
    graph, maps = trace(module, tuple(x.shape[1:])), capture(module, x)
    return {
        layer.path: computed(module, graph, maps, layer.path, tuple(size // 2 for size in layer.output_shape))
        for layer in graph.layers
    }


@pytest.fixture(scope="module", params=["lenet5", "lenet5-1998", "alexnet", "resnet20"])
def found(request):
    module = networks.construct(request.param, device="cpu")
    initialise(module)
    return everywhere(module, picture(1, *networks.card(request.param).input_shape))


def test_the_terms_add_up(found):
    for made in found.values():
        frame = terms(made, most=3)
        assert tuple(frame.columns) == COLUMNS
        total = frame["adds"].sum()
        if isinstance(made.parts, Products | Window | Join) and len(frame):
            assert total == pytest.approx(made.recomputed, rel=1e-9, abs=1e-12)
        if isinstance(made.parts, Neighbours):
            assert total**made.parts.beta == pytest.approx(made.parts.denominator)
        if isinstance(made.parts, Share):
            assert total == pytest.approx(made.parts.exponentials.sum())


def test_every_layer_has_a_sentence_and_a_check(found):
    for made in found.values():
        told = sentence(made)
        assert told[0].strip()
        assert told.endswith(".")
        assert ("differ by" in check(made)) == (made.difference > 0)


def test_the_largest_come_first_and_the_rest_is_summed():
    module = networks.construct("resnet20", device="cpu")
    initialise(module)
    made = everywhere(module, picture(1, 3, 32, 32))["layer3.0.conv2"]
    frame = terms(made, most=5)
    assert len(frame) == 7
    assert np.all(np.diff(frame["adds"][:5].abs()) <= 0)
    assert frame["term"][5] == "59 more channels"
    assert frame["term"][6] == "bias"
    assert frame["adds"][5] == pytest.approx(made.parts.rest(5))


def test_in_words():
    module = networks.construct("lenet5", device="cpu")
    initialise(module)
    module.conv1.bias.data.fill_(0.5)
    x = picture(1, 1, 32, 32)
    made = computed_for(module, x, "conv1", (0, 3, 4))
    assert sentence(made) == (
        "A window of 5 × 5 in 1 channel of input, from (3, 4) on, times the kernel, added up, and the bias."
    )
    made = computed_for(module, x, "pool1", (2, 0, 1))
    assert sentence(made) == (
        "The mean of a window of 2 × 2 in channel 2 of tanh1, from (0, 2) on: its sum divided by 4."
    )
    assert terms(made)["weight"].tolist() == [0.25] * 4
    assert sentence(computed_for(module, x, "flatten", (7,))) == "It is tanh3 at (7, 0, 0)."
    assert (
        sentence(computed_for(module, x, "input", (0, 1, 1))) == "It is the picture's own, as the network receives it."
    )
    made = computed_for(module, x, "tanh1", (0, 0, 0))
    assert sentence(made) == f"tanh(x), where x = {made.parts.x:.6g} is conv1 at (0, 0, 0)."


def test_what_is_not_taken_apart():
    made = Computed("norm", "groupnorm", (0,), 1.0, Closed("norm is 'groupnorm', which isn't taken apart."))
    assert sentence(made) == "norm is 'groupnorm', which isn't taken apart."
    assert (check(made), len(terms(made))) == ("", 0)
