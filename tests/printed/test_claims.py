"""Figures that the article or its papers print of a network's arithmetic and that no other test here computes."""

import pytest

from cnnviz.against import papers_input
from cnnviz.analysis.kernels import replicate
from cnnviz.catalogue import Options, describe
from cnnviz.errors import ShapeMismatch
from cnnviz.printed.computed import places_along
from cnnviz.printed.table import read


def test_alexnet_with_the_papers_224_pixels():
    """The paper's input gives maps of 54.25 pixels, the table's 227 its 55."""
    conv1 = describe(Options("alexnet")).layer("conv1")
    assert (conv1.hyper("kernel"), conv1.hyper("stride")) == ((11, 11), (4, 4))
    assert places_along(conv1, 224) == 54.25
    assert places_along(conv1, 227) == conv1.output_shape[1] == 55
    assert "input of 224, for which conv1 would have 54.25 places" in papers_input("alexnet")
    assert papers_input("vgg16") == ""
    with pytest.raises(ShapeMismatch, match="Use 227"):
        describe(Options("alexnet", size=(224, 224)))


@pytest.mark.parametrize(
    ("kernel", "layers", "single", "stack", "saved"),
    [(5, 2, 25, 18, "28"), (7, 3, 49, 27, "44.9"), (11, 5, 121, 45, "62.8")],
)
def test_what_stacks_of_3x3_save(kernel, layers, single, stack, saved):
    found = replicate(kernel)
    assert (found.stack, found.weights_single, found.weights_stack) == (layers, single, stack)
    assert f"{found.saving_percent:.{len(saved.partition('.')[2])}f}" == saved
    line = next(line for line in read("kernel_replication") if line["kernel"] == str(kernel))
    assert (line["stack_of_3x3"], line["printed_reduction_percent"]) == (str(layers), saved)


def test_module_3a_without_its_reductions():
    """163,696 parameters with them; without them and without the pool projection 387,296, and 416 maps."""
    graph = describe(Options("googlenet"))
    arms = {name: graph.layer(f"inception3a.{name}") for name in ("branch1x1", "branch3x3", "branch5x5")}
    deep = graph.layer("inception3a.branch1x1").input_shapes[0][0]
    wide = {name: layer.output_shape[0] for name, layer in arms.items()}
    naive = sum(arms[name].hyper("kernel")[0] ** 2 * deep * wide[name] + wide[name] for name in arms)
    assert naive == 387_296
    assert sum(wide.values()) + deep == 416, "pooling hands all maps on"
    assert sum(layer.params for layer in graph.layers if layer.path.startswith("inception3a.")) == 163_696


def test_resnet50_projects_where_shapes_differ_and_not_where_the_stride_says():
    projection = describe(Options("resnet50")).layer("layer1.0.downsample.0")
    assert projection.hyper("stride") == (1, 1)
    assert projection.input_shapes[0][0] != projection.output_shape[0]
