"""Figures that the article or its papers print of a network's arithmetic and that no other test here computes."""

import pytest

from cnnviz.analysis.kernels import replicate
from cnnviz.catalogue import Options, describe
from cnnviz.errors import ShapeMismatch
from cnnviz.printed.table import read


def test_alexnet_with_the_papers_224_pixels():
    """The paper's input gives maps of 54.25 pixels, the table's 227 its 55."""
    conv1 = describe(Options("alexnet")).layer("conv1")
    kernel, stride = conv1.hyper("kernel")[0], conv1.hyper("stride")[0]
    assert (224 - kernel) / stride + 1 == 54.25
    assert (227 - kernel) / stride + 1 == conv1.output_shape[1] == 55
    with pytest.raises(ShapeMismatch, match="Use 227"):
        describe(Options("alexnet", size=(224, 224)))


@pytest.mark.parametrize("line", read("kernel_replication"), ids=lambda line: f"{line['kernel']}x{line['kernel']}")
def test_what_stacks_of_3x3_save(line):
    kernel, printed = int(line["kernel"]), line["printed_reduction_percent"]
    result = replicate(kernel)
    assert result.stack == int(line["stack_of_3x3"])
    digits = len(printed.partition(".")[2])
    assert f"{result.saving_percent:.{digits}f}" == printed


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
