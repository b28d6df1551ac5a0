"""From options to a graph."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cnnviz.catalogue import Options, describe, input_shape, parse_input, parse_size
from cnnviz.errors import BadOption, CnnvizError, ShapeMismatch
from cnnviz.networks import card, cards

# --- the catalogue's networks --------------------------------------------------


def test_a_network_has_its_own_size_classes_and_name():
    graph = describe(Options("resnet18"))
    assert (graph.network, graph.input_shape) == ("resnet18", (3, 224, 224))
    assert graph.totals.params == 11_689_512


def test_options_change_the_network():
    graph = describe(Options("resnet18", size=(96, 64), classes=10, shortcut="A"))
    assert graph.input_shape == (3, 96, 64)
    assert graph.layer("fc").output_shape == (10,)
    assert "layer2.0.downsample.pad" in graph
    assert describe(Options("googlenet", heads=True)).totals.params == 13_378_280


def test_equal_options_share_one_graph():
    assert describe(Options("lenet5", classes=7)) is describe(Options("lenet5", classes=7))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            Options("alexnet", size=(300, 300)),
            r"alexnet's fc6 needs .*256 x 6 x 6.*300 x 300 input gives .*256 x 8 x 8.* Use 227\.$",
        ),
        (Options("alexnet", size=(20, 20)), r"^alexnet's pool2 needs maps of at least 3 x 3.* Use 227\.$"),
        (Options("resnet18", channels=1), r"^resnet18's conv1 needs 3 channels.* Use 3 channels\.$"),
        (Options("lenet5", channels=3), r"^lenet5's conv1 needs 1 channel.* Use 1 channel\.$"),
    ],
)
def test_what_does_not_fit_names_network_and_layer_and_says_what_would(options, sentence):
    with pytest.raises(ShapeMismatch, match=sentence) as caught:
        describe(options)
    assert caught.value.layer in ("fc6", "pool2", "conv1")


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (65_537, 1), (10**18, 10**18)])
def test_sizes_out_of_range_are_refused(size):
    with pytest.raises(BadOption, match="from 1 to 65,536"):
        describe(Options("vgg16", size=size))


def test_the_largest_size_is_described_as_fast_as_any():
    assert describe(Options("resnet18", size=(65_536, 65_536))).totals.macs > 10**14


# --- what people type ----------------------------------------------------------


def test_inputs_and_sizes_are_read():
    assert parse_input("3,224,320") == (3, 224, 320)
    assert parse_input(" 1, 28 ,28") == (1, 28, 28)
    assert parse_size("224") == (224, 224)
    assert parse_size("224,320") == (224, 320)


@pytest.mark.parametrize("text", ["", "224", "3,224", "3,224,224,1", "3x224x224", "a,b,c", "3,,4", "9" * 99, "²,1,1"])
def test_what_is_no_input_is_refused(text):
    with pytest.raises(BadOption, match="channels,height,width are needed, as in 3,224,224"):
        parse_input(text)


@pytest.mark.parametrize("text", ["", "a", "1,2,3", "1.5", "1e3", "<b>" * 99])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(BadOption, match="one number is needed") as caught:
        parse_size(text)
    assert len(str(caught.value)) < 200


def test_an_input_shape_needs_a_known_network():
    with pytest.raises(CnnvizError, match="Did you mean 'alexnet'"):
        input_shape(Options("alexnt"))


# --- what a size costs ----------------------------------------------------------


class Allocated(TorchDispatchMode):
    """Sees every tensor that an operation gives; remembers the largest that isn't on meta, in bytes."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = function(*args, **(kwargs or {}))
        for found in given if isinstance(given, tuple | list) else (given,):
            if isinstance(found, torch.Tensor) and found.device.type != "meta":
                self.largest = max(self.largest, found.untyped_storage().nbytes())
        return given


def test_an_allocation_would_be_seen():
    with Allocated() as seen:
        torch.zeros(3, 1_000, 1_000) + 1
    assert seen.largest == 12_000_000


@pytest.mark.parametrize("key", cards())
def test_any_size_gets_its_table_or_a_sentence_and_no_tensor(key):
    tables = 0
    with Allocated() as seen:
        for size in (1, 2, 33, 229, 4_099, 65_521, 65_536, 65_537, 10**12):
            try:
                tables += describe(Options(key, size=(size, size))).totals.macs > 0
            except CnnvizError as error:
                assert str(error).endswith(".")  # noqa: PT017
    assert seen.largest < 20_000  # LeNet-5's own figures are
    assert tables or max(card(key).input_shape) in (32, 227)  # those that end in a layer which fits one size alone
