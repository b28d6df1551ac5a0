"""The DOT text: what it says of a graph, and that Graphviz makes of it what the article's figures show."""

import os
import re
from collections import Counter
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
import torch.nn.functional as F
from foreign import DenseNet, SqueezeExcitation
from torch import nn

from cnnviz import networks
from cnnviz.graph import LayerGraph
from cnnviz.trace import trace
from cnnviz.views.dot import AMOUNTS, LEGEND, ROLES, dot, dot_of, kind_of
from cnnviz.views.drawing import drawing, rounded
from cnnviz.views.layout import render
from cnnviz.views.mermaid import mermaid

GOLDEN = Path(__file__).with_name("golden")
SVG = "{http://www.w3.org/2000/svg}"


@cache
def graph_of(key: str) -> LayerGraph:
    return trace(networks.construct(key), networks.card(key).input_shape)


@pytest.mark.parametrize("key", ["lenet5", "vgg11", "resnet18", "googlenet"])
def test_dot_is_the_golden_file_of_its_family(key):
    """UPDATE_GOLDEN=1 writes the files anew; look at what git says has changed."""
    file = GOLDEN / f"{key}.dot"
    text = dot(graph_of(key))
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


# --- what is drawn -------------------------------------------------------------


def arcs(text: str) -> Counter[tuple[str, str]]:
    """How many joins are entered by arcs of each (class, line)."""
    found = re.findall(r"^\s*(\S+) -> (\S+) \[class=(\w+) .*style=(\w+)", text, re.MULTILINE)
    assert len(found) == text.count(" -> ")
    return Counter((role, line) for _, _, role, line in found)


def test_resnet18_has_five_solid_identities_and_three_dotted_projections():
    found = arcs(dot(graph_of("resnet18"), unfolded="all"))
    assert found["identity", "solid"] == 5
    assert found["projection", "dotted"] == 2 * 3  # to the convolution, and on to the addition
    assert {line for role, line in found if role == "projection"} == {"dotted"}


def test_a_projection_has_its_convolution_in_a_column_of_its_own():
    node = next(n for n in drawing(graph_of("resnet18")).nodes if n.path == "layer2.0.downsample.0")
    assert node.title == "conv 1×1 / 2"
    assert node.followers == "batch norm"
    assert node.column


def test_a_convolution_with_norm_and_activation_is_one_node_that_names_them():
    text = dot(graph_of("resnet18"))
    line = next(line for line in text.splitlines() if line.strip().startswith("conv1 ["))
    for word in ("conv 7×7 / 2, pad 3", "batch norm", "ReLU", "64 × 112 × 112", "9.54 k params"):
        assert word in line
    assert "bn1 [" not in text
    assert "118,013,952 MACs" in line


def test_inception_arms_end_in_a_depth_concat():
    picture = drawing(graph_of("googlenet"))
    concats = [node for node in picture.nodes if node.title == "depth-concat"]
    assert len(concats) == 9
    for concat in concats:
        assert Counter(arc.role for arc in picture.arcs if arc.target == concat.path) == {"branch": 4}
    assert {box.kind for box in picture.boxes} == {"inception"}


def test_blocks_are_boxed_where_they_hold_a_join_and_no_single_arm_is():
    boxes = [box.path for box in drawing(graph_of("resnet18"), "all").boxes]
    assert sorted(boxes) == sorted(
        [f"layer{n}" for n in (1, 2, 3, 4)] + [f"layer{n}.{m}" for n in (1, 2, 3, 4) for m in (0, 1)]
    )


# --- folding -------------------------------------------------------------------


def test_resnet152_says_that_35_blocks_are_the_same():
    text = dot(graph_of("resnet152"))
    assert "layer3.1 to layer3.35" in text
    assert "×35, the same" in text
    assert "layer3.2." not in text


def test_a_run_opens_by_its_first_block_alone():
    graph = graph_of("resnet152")
    folded, opened = drawing(graph), drawing(graph, {"layer3.1"})
    assert len(opened.nodes) - len(folded.nodes) == 34 * 4
    assert {box.path for box in opened.boxes if box.opens} == {"layer3.1"}
    assert {box.path for box in opened.boxes if box.run} == {"layer1.1", "layer2.1", "layer4.1"}


@pytest.mark.parametrize("key", networks.cards())
def test_every_layer_is_on_a_node_when_all_is_unfolded_and_nothing_hangs_loose(key):
    graph = graph_of(key)
    full, folded = drawing(graph, "all"), drawing(graph)
    assert {layer.path for node in full.nodes for layer in node.layers} == {x.path for x in graph.layers}
    for picture in (full, folded):
        paths = {node.path for node in picture.nodes}
        assert {end for arc in picture.arcs for end in (arc.source, arc.target)} == paths
        assert {node.box for node in picture.nodes} - {""} <= {box.path for box in picture.boxes}


def test_an_applied_again_module_differs_from_equal_ones():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Residual()

        def forward(self, x):
            return self.block(self.block(self.block(x)))

    graph = trace(Recurrent(), (4, 8, 8))
    assert "×3, one module" in dot(graph)
    assert "weights of block.conv" in dot(graph, unfolded="all")
    equal = trace(nn.Sequential(Residual(), Residual(), Residual()), (4, 8, 8))
    assert "×3, the same" in dot(equal)
    assert "weights of" not in dot(equal, unfolded="all")


# --- other people's networks -----------------------------------------------------


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return x + self.conv(x)


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 4)

    def forward(self, x):
        y = self.conv(x)
        return y * torch.sigmoid(self.fc(y.mean((2, 3))))[:, :, None, None]


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 4, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(torch.cat([x, a], 1))
        return F.relu(torch.cat([x, a, b], 1))


def test_a_gate_is_dashed_all_along_and_beside_the_trunk():
    picture = drawing(trace(Gated(), (4, 8, 8)))
    gate = [arc for arc in picture.arcs if arc.role == "gate"]
    assert len(gate) == 4
    assert ROLES["gate"][0] == "dashed"
    assert all(node.column for node in picture.nodes if node.path == "fc")


def test_a_dense_net_has_its_convolutions_on_the_trunk():
    picture = drawing(trace(Dense(), (4, 8, 8)))
    assert {node.path for node in picture.nodes if node.column} == set()
    assert sum(arc.straight for arc in picture.arcs) == len(picture.nodes) - 1


def test_an_outline_has_each_block_as_a_node():
    graph = trace(DenseNet(), (3, 64, 64))
    picture = drawing(graph, "outline")
    dense = [node for node in picture.nodes if node.title == "dense block"]
    assert [node.path for node in dense] == [f"features.denseblock{n}" for n in (1, 2, 3, 4)]
    assert [node.output_shape[0] for node in dense] == [256, 512, 1024, 1024]
    assert sum(node.params for node in picture.nodes) == graph.totals.params == 7_978_856  # as published
    assert sum(node.macs for node in picture.nodes) == graph.totals.macs
    assert not picture.boxes
    assert {picture.node_of(layer.path) for layer in graph.layers} == {node.path for node in picture.nodes}
    first = "features.denseblock2.denselayer1.concat"
    assert picture.layer_at("features.denseblock2") == first
    assert picture.node_of(first) == "features.denseblock2"
    assert picture.layer_at("classifier") == "classifier"
    assert render(dot(graph, unfolded="outline"), timeout=30)
    assert mermaid(graph, unfolded="outline").count("[[") == len(dense) + 3


@pytest.mark.parametrize("key", networks.cards())
def test_the_outline_of_every_network_adds_up(key):
    graph = graph_of(key)
    picture = drawing(graph, "outline")
    assert sum(node.params for node in picture.nodes) == graph.totals.params
    assert {end for arc in picture.arcs for end in (arc.source, arc.target)} == {node.path for node in picture.nodes}
    assert all(picture.node_of(picture.layer_at(node.path)) == node.path for node in picture.nodes)


HOSTILE = [
    'a"b',
    "<b>x</b>",
    "new\nline",
    "\\N\\G",
    "größe × 漢",
    "a:b",
    "&amp;",
    "end\\",
    "{x|y}",
    "node",
    "\x1b[1m",
]


def test_hostile_names_stay_text():
    names = [*HOSTILE, "</script><script>alert(1)</script>", "x" * 300]
    module = nn.Sequential()
    for name in names:
        module.add_module(name, nn.Conv2d(3, 3, 1))
    svg = ElementTree.fromstring(render(dot(trace(module, (3, 8, 8), network='"<x>\\'))))
    nodes = [g for g in svg.iter(f"{SVG}g") if g.get("class", "").startswith("node")]
    ids = [node.get("id") for node in nodes]
    assert len(nodes) == len(names) + 2
    assert {name for name in names if name.isprintable()} <= set(ids)
    assert "&amp;" in "".join("".join(node.itertext()) for node in nodes)
    assert not list(svg.iter(f"{SVG}script"))
    assert not list(svg.iter(f"{SVG}b"))


# --- what Graphviz makes of it ---------------------------------------------------


def places(text: str) -> dict[str, tuple[float, float]]:
    """The middle of each node of the rendered SVG."""
    found = {}
    for group in ElementTree.fromstring(render(text)).iter(f"{SVG}g"):
        if group.get("class", "").startswith("node"):
            title = next(group.iter(f"{SVG}text"))
            shape = next(e for e in group.iter() if e.tag in (f"{SVG}{s}" for s in ("polygon", "path", "ellipse")))
            points = re.findall(r"[-\d.]+,([-\d.]+)", shape.get("points") or shape.get("d") or "")
            ys = [float(y) for y in points] or [float(shape.get("cy"))]
            found[group.get("id")] = (float(title.get("x")), (min(ys) + max(ys)) / 2)
    return found


@pytest.mark.parametrize("key", ["resnet18", "resnet152", "googlenet", "vgg16", "plain34", "googlenet-bn"])
def test_the_trunk_is_straight(key):
    graph = graph_of(key)
    trunk = {node.path for node in drawing(graph, "all").nodes if not node.line}
    xs = [x for path, (x, _) in places(dot(graph, unfolded="all")).items() if path in trunk]
    assert len(xs) > 15
    assert max(xs) - min(xs) < 1


def test_boxes_in_boxes_leave_the_trunk_straight_and_the_data_running_down():
    block = SqueezeExcitation.Block
    graph = trace(
        nn.Sequential(nn.Conv2d(3, 16, 3), nn.Sequential(block(16), nn.Conv2d(16, 8, 1), block(8))), (3, 8, 8)
    )
    picture, at = drawing(graph, "all"), places(dot(graph, unfolded="all"))
    xs = [at[node.path][0] for node in picture.nodes if not node.line]
    assert max(xs) - min(xs) < 1
    assert all(at[arc.source][1] < at[arc.target][1] for arc in picture.arcs)


def test_the_arms_of_an_inception_module_stand_side_by_side_in_their_order():
    at = places(dot(graph_of("googlenet")))
    ends = [at[f"inception3a.{arm}"] for arm in ("branch1x1", "branch3x3", "branch5x5", "pool_proj")]
    assert max(y for _, y in ends) - min(y for _, y in ends) < 1
    assert sorted(x for x, _ in ends) == [x for x, _ in ends]


def test_shortcuts_run_beside_the_trunk():
    at = places(dot(graph_of("resnet18")))
    assert abs(at["layer2.0.downsample.0"][0] - at["layer2.0.conv1"][0]) > 100


def test_text_and_places_do_not_depend_on_the_fonts_of_the_machine():
    """The sizes of all nodes are given."""
    for line in dot(graph_of("googlenet")).splitlines():
        if "label=<" in line and "group=" in line:
            assert "width=" in line
            assert "height=" in line


# --- looks -----------------------------------------------------------------------


def test_every_kind_differs_by_more_than_colour():
    assert len({(kind.shape, kind.style) for kind in LEGEND}) == len(LEGEND)
    assert len({kind.fill for kind in LEGEND}) == len(LEGEND)


@pytest.mark.parametrize("key", networks.cards())
def test_every_operation_of_the_catalogue_has_a_kind_of_its_own(key):
    others = {layer.op for layer in graph_of(key).layers if kind_of(layer.op).name == "other"}
    assert others <= {"flatten", "dropout", "slice", "pad", "view", "reshape"}


@pytest.mark.parametrize(("number", "text"), [(640, "640"), (9408, "9.41 k"), (99_960, "100 k"), (2_359_296, "2.36 M")])
def test_rounded(number, text):
    assert rounded(number) == text


def test_every_layer_has_a_node_that_shows_it():
    graph = trace(networks.construct("resnet152"), (3, 224, 224))
    folded, unfolded = drawing(graph), drawing(graph, "all")
    assert folded.node_of("layer3.20.bn2") == "layer3.1.conv2"
    assert unfolded.node_of("layer3.20.bn2") == "layer3.20.conv2"
    assert folded.node_of("nowhere") is None
    assert all(picture.node_of(layer.path) for picture in (folded, unfolded) for layer in graph.layers)


@pytest.mark.parametrize(("colour", "path"), [("parameters", "fc6"), ("MACs", "conv2"), ("memory", "conv1")])
def test_colours_tell_where_the_most_is(colour, path):
    graph = trace(networks.construct("alexnet"), (3, 227, 227))
    picture = drawing(graph)
    most = max(picture.nodes, key=AMOUNTS[colour])
    assert most.path == path
    text = dot_of(picture, colour=colour)
    lines = {
        node.path: next(
            line for line in text.splitlines() if f"id={node.path} " in line or f'id="{node.path}" ' in line
        )
        for node in picture.nodes
    }
    assert 'fillcolor="#f09e4e"' in lines[path]
    assert "penwidth=3.0" in lines[path]
    assert ('fillcolor="#ffffff"' in lines["flatten"]) == (colour != "memory")
    assert dot_of(picture) == dot_of(picture, colour="kind") != text


@pytest.mark.parametrize("key", ["lenet5", "resnet18", "googlenet"])
@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_without_numbers_a_picture_tells_the_structure_alone(key, direction):
    picture = drawing(graph_of(key))
    text = dot_of(picture, direction, numbers=False)
    shape = re.compile(r"\d+ × \d+ × \d+")
    given = " × ".join(map(str, networks.card(key).input_shape))
    assert set(shape.findall(text)) == {given}
    assert not re.search("param|MACs", text)
    assert len(shape.findall(dot_of(picture, direction))) > 2 * len(picture.nodes)
    for node in picture.nodes:
        assert node.title in text
