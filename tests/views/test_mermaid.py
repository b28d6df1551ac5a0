"""Mermaid: the same picture as in DOT, and names that stay names."""

import re

import pytest
from torch import nn

from cnnviz import networks
from cnnviz.trace import trace
from cnnviz.views.drawing import drawing
from cnnviz.views.mermaid import mermaid


def graph_of(key):
    return trace(networks.construct(key), networks.card(key).input_shape)


@pytest.mark.parametrize("key", ["lenet5", "resnet18", "googlenet", "plain34"])
def test_it_shows_what_the_drawing_has(key):
    graph = graph_of(key)
    text, picture = mermaid(graph), drawing(graph)
    assert len(re.findall(r"^ *n\d+\S*\"", text, re.MULTILINE)) == len(picture.nodes)
    assert text.count("subgraph ") == len(re.findall(r"^ *end$", text, re.MULTILINE)) == len(picture.boxes)
    assert len(re.findall(r"> n\d+$", text, re.MULTILINE)) == len(picture.arcs)


def test_resnet18_has_dotted_projections_and_a_fold():
    text = mermaid(graph_of("resnet18"))
    assert text.startswith("flowchart TB\n")
    assert text.count("-. projection .->") == 6
    assert "layer1.0 to layer1.1 · ×2, the same" in text
    assert "layer1.1" in mermaid(graph_of("resnet18"), unfolded="all")


def test_it_runs_to_the_right():
    assert mermaid(graph_of("lenet5"), direction="LR").startswith("flowchart LR\n")


def test_hostile_names_stay_text():
    module = nn.Sequential()
    for name in ('a"]', "<script>", "new\nline", "`x`", "end", "#quot;", "a|b"):
        module.add_module(name, nn.Conv2d(3, 3, 1))
    for line in mermaid(trace(module, (3, 4, 4))).splitlines()[1:]:
        label = re.fullmatch(r'  n\d+\W*"(.*)"\W*', line)
        if label:
            assert not re.search(r"[\"<>`|\[\]]", label[1].replace("<br/>", ""))
            assert not re.search(r"#(?!\d+;)", label[1])
