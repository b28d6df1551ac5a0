"""The layer card: every left side is worked out anew, and held against the graph."""

import math
import re
import subprocess
import sys
from collections import OrderedDict

import foreign
import pytest
from latex2mathml.converter import convert
from torch import Tensor, nn
from torch.nn import functional

import cnnviz
from cnnviz.catalogue import Options, describe
from cnnviz.errors import UnknownLayer
from cnnviz.graph import LayerGraph
from cnnviz.networks import cards
from cnnviz.views.explain import Explanation, Formula, explain, explain_all
from cnnviz.views.explain.html import card_html

VARIANTS = [
    Options("alexnet", size=(228, 229)),
    Options("resnet18", size=(225, 161)),
    Options("resnet18", shortcut="A"),
    Options("resnet50", shortcut="C"),
    Options("googlenet", heads=True),
    Options("googlenet-bn", size=(223, 190)),
]


class Framed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, (1, 2, 0, 3))[:, :, 1:, ::2]


ODD = nn.Sequential(
    nn.ConvTranspose2d(4, 6, kernel_size=3, stride=2, padding=1, output_padding=1, groups=2, dilation=(2, 1)),
    nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), ceil_mode=True),
    nn.MaxPool2d(1, stride=2, ceil_mode=True),
    nn.Conv2d(6, 8, kernel_size=(4, 1), padding="same", dilation=(2, 1), groups=2),
    nn.ConvTranspose2d(8, 8, kernel_size=2, bias=False),
    nn.GroupNorm(2, 8),
    nn.PReLU(),
    nn.LocalResponseNorm(4),
    nn.BatchNorm2d(8, affine=False),
    Framed(),
    nn.AdaptiveAvgPool2d((2, None)),
    nn.Linear(7, 5),
    nn.LayerNorm(5),
    nn.Sigmoid(),
)
FOREIGN = {
    "PreActivation": (foreign.PreActivation(), (3, 32, 32)),
    "Dense": (foreign.Dense(), (4, 16, 16)),
    "SqueezeExcitation": (foreign.SqueezeExcitation(), (3, 16, 16)),
    "Recurrent": (foreign.Recurrent(), (4, 8, 8)),
    "Functional": (foreign.Functional(), (3, 17, 17)),
    "Odd": (ODD, (4, 9, 10)),
    "LSTM": (nn.Sequential(nn.LSTM(3, 4)), (5, 3)),
    "Volume": (nn.Sequential(nn.Conv3d(3, 4, (3, 3, 1)), nn.AdaptiveAvgPool3d(1), nn.Flatten()), (3, 8, 8, 8)),
    "Sound": (nn.Sequential(nn.Conv1d(3, 4, 3, groups=1), nn.MaxPool1d(2), nn.AdaptiveAvgPool1d(1)), (3, 16)),
}


def worked_out(expression: str) -> float:
    assert re.fullmatch(r"(floor|ceil|max|min|[\d\s()+*/,-])+", expression)
    return eval(expression, {"__builtins__": {}}, {"floor": math.floor, "ceil": math.ceil, "max": max, "min": min})


def in_python(text: str) -> str:
    """A formula's plain text as Python, which reads it by its own rules."""
    text = text.replace("·", "*").replace("−", "-").replace("⌉", ")").replace("⌋", ")").replace(" × ", "*")
    return re.sub(r"(?<=\d),(?=\d{3})", "", text).replace("⌊", "floor(").replace("⌈", "ceil(")


def in_the_graph(graph: LayerGraph, path: str, formula: Formula) -> set[int]:
    """The graph's number (or numbers, one an axis) that a formula is to give."""
    layer = graph.layer(path)
    shape, field = layer.output_shape, layer.receptive_field
    by_name = {
        "parameters": [layer.params],
        "MACs": [layer.macs],
        "FLOPs": [2 * layer.macs],
        "memory": [4 * math.prod(shape)],
        "output depth of a map": shape[1:2],
        "output length": shape[-1:],
        "output depth": shape[:1],
        "output height and width": shape[1:],
        "output height": shape[-2:-1],
        "output width": shape[-1:],
    }
    if field:
        for name, values in (("", field.size), (" stride", field.stride), (" start", field.start)):
            by_name |= {f"receptive field{name}": values}
            by_name |= {
                f"receptive field{name}, {axis}": [n] for axis, n in zip(("height", "width"), values, strict=True)
            }
    return set(by_name[formula.name])


def check(graph: LayerGraph) -> list[Explanation]:
    """Every card of a graph; each of its left sides gives the graph's number, and its text means the same."""
    found = explain_all(graph)
    for card in found:
        names = [formula.name for formula in card.formulas]
        assert len(names) == len(set(names))
        for formula in card.formulas:
            assert in_the_graph(graph, card.path, formula) == {worked_out(formula.expression)}, (card.path, formula)
            assert formula.value == worked_out(formula.expression) == worked_out(in_python(formula.text))
            assert formula.symbols.count("<var>") == formula.symbols.count("</var>") > 0
        assert "None" not in " ".join([card.heading, card.shapes, card.block, card.arm, card.sees, *card.notes])
        assert card.purpose.endswith(".")
        assert "$" not in " ".join([card.sees, card.purpose, *card.notes])
    return found


def names(card: Explanation) -> set[str]:
    return {formula.name.partition(",")[0] for formula in card.formulas}


@pytest.mark.parametrize("options", [*map(Options, cards()), *VARIANTS], ids=str)
def test_every_number_of_every_layer_is_worked_out(options):
    graph = describe(options)
    for card in check(graph):
        layer = graph.layer(card.path)
        shown = names(card)
        assert ("parameters" in shown) == (layer.params > 0), card.path
        assert ({"MACs", "FLOPs"} <= shown) == (layer.macs > 0), card.path
        assert "memory" in shown
        if layer.op in ("conv", "maxpool", "subsample"):
            assert shown & {"output height and width", "output height"}, card.path
        if layer.op in ("concat", "flatten"):
            assert shown & {"output depth", "output length"}, card.path
        before = {graph.layer(edge.source).receptive_field for edge in graph.incoming(card.path)}
        if layer.receptive_field and before - {layer.receptive_field}:
            assert any(name.startswith("receptive field") for name in shown), card.path
        assert card.source or card.op in ("input", "output", "flatten", "slice", "pad")
        assert "of this network's own" not in card.purpose


@pytest.mark.parametrize("name", FOREIGN)
def test_networks_of_others_have_cards_too(name):
    module, shape = FOREIGN[name]
    graph = cnnviz.trace(module.eval(), shape)
    for card in check(graph):
        layer = graph.layer(card.path)
        told = "parameters" in names(card) or any("of its own:" in note.lower() for note in card.notes)
        assert told == (layer.params > 0), card.path


@pytest.mark.parametrize("key", ["lenet5", "resnet18", "googlenet"])
def test_shares_add_up_to_the_whole(key):
    graph = describe(Options(key))
    cards_ = explain_all(graph)
    for number, name in enumerate(("parameters", "MACs", "memory")):
        shares = [card.shares[number] for card in cards_]
        assert {share.name for share in shares} == {name}
        assert sum(share.percent for share in shares) == pytest.approx(100)


@pytest.mark.parametrize(
    ("key", "path", "line"),
    [
        ("resnet18", "conv1", "⌊(224 + 2·3 − 7)/2⌋ + 1 = 112"),
        ("resnet18", "conv1", "64·3·7·7 = 9,408"),
        ("resnet18-printed", "conv1", "64·3·7·7 + 64 = 9,472"),
        ("resnet18", "conv1", "64·112·112 × 3·7·7 = 118,013,952"),
        ("resnet18", "conv1", "2·118,013,952 = 236,027,904"),
        ("resnet18", "conv1", "4·64·112·112 = 3,211,264 bytes"),
        ("resnet18", "maxpool", "7 + (3 − 1)·2 = 11 pixels"),
        ("resnet18", "maxpool", "2·2 = 4 pixels"),
        ("resnet18", "maxpool", "−3 − 1·2 = −5 pixels"),
        ("resnet18", "bn1", "2·64 = 128"),
        ("lenet5-1998", "c3", "60·5·5 + 16 = 1,516"),
        ("lenet5-1998", "c3", "10·10 × 60·5·5 = 150,000"),
        ("lenet5-1998", "s2", "2·6 = 12"),
        ("alexnet", "conv1", "⌊(227 + 2·0 − 11)/4⌋ + 1 = 55"),
        ("alexnet-2012", "conv2", "256·(96/2)·5·5 + 256 = 307,456"),
        ("alexnet", "fc6", "9216·4096 + 4096 = 37,752,832"),
        ("alexnet", "fc7", "4096·4096 = 16,777,216"),
        ("alexnet", "flatten", "256·6·6 = 9,216"),
        ("googlenet", "pool1", "⌈(112 + 2·0 − 3)/2⌉ + 1 = 56"),
        ("googlenet", "inception3a.concat", "64 + 128 + 32 + 32 = 256"),
        ("resnet20", "layer2.0.downsample.slice", "⌈(32 − 0)/2⌉ = 16"),
    ],
)
def test_figures_that_can_be_checked(key, path, line):
    assert line in [formula.line for formula in explain(describe(Options(key)), path).formulas]


def test_a_formula_has_symbols_and_numbers():
    size = explain(describe(Options("resnet18")), "conv1").formulas[0]
    assert size.name == "output height and width"
    assert size.symbols == "⌊(<var>n</var> + 2\u2009<var>p</var> − <var>k</var>)/<var>s</var>⌋ + 1"
    assert size.line == "⌊(224 + 2·3 − 7)/2⌋ + 1 = 112"
    meanings = ["length that comes in", "padding on each side", "kernel", "stride"]
    assert size.where == dict(zip((f"<var>{symbol}</var>" for symbol in "npks"), meanings, strict=True))


def test_axes_that_differ_have_a_formula_each():
    lines = {f.name: f.line for f in explain(describe(Options("resnet18", size=(225, 161))), "conv1").formulas}
    assert lines["output height"] == "⌊(225 + 2·3 − 7)/2⌋ + 1 = 113"
    assert lines["output width"] == "⌊(161 + 2·3 − 7)/2⌋ + 1 = 81"


def test_dilation_and_uneven_ends_are_in_the_formula():
    graph = cnnviz.trace(ODD.eval(), (4, 9, 10))
    lines = [formula.line for formula in explain(graph, "3").formulas]
    # a kernel of 4 at dilation 2 spans 7; 'same' pads by 3 on both sides
    assert (
        f"⌊({graph.layer('2').output_shape[1]} + 2·3 − 2·(4 − 1) − 1)/1⌋ + 1 = {graph.layer('3').output_shape[1]}"
        in lines
    )
    even = cnnviz.trace(nn.Sequential(nn.Conv2d(1, 1, 4, padding="same")), (1, 8, 8))
    assert "⌊(8 + 1 + 2 − 4)/1⌋ + 1 = 8" in [formula.line for formula in explain(even, "0").formulas]


def test_ceil_mode_leaves_out_a_window_in_the_padding():
    graph = cnnviz.trace(nn.Sequential(nn.MaxPool2d(2, stride=4, padding=1, ceil_mode=True)), (1, 4, 7))
    card = explain(graph, "0")
    lines = {formula.name: formula.line for formula in card.formulas}
    assert lines["output height"] == "⌈(4 + 2·1 − 2)/4⌉ + 1 = 2"
    graph = cnnviz.trace(nn.Sequential(nn.MaxPool2d(2, stride=3, padding=1, ceil_mode=True)), (1, 5, 5))
    card = explain(graph, "0")
    assert card.formulas[0].line == "⌈(5 + 2·1 − 2)/3⌉ + 1 − 1 = 2"
    assert any("is left out" in note for note in card.notes)


def test_a_projection_says_which_shapes_differ():
    card = explain(describe(Options("resnet18")), "layer2.0.downsample.0")
    assert card.arm == "projection arm of `layer2.0.add`"
    assert card.block == "`layer2.0.downsample` (sequence), in `layer2.0` (residual), in `layer2` (stage)"
    assert "gives 64 × 56 × 56, but `layer2.0.add` needs 128 × 28 × 28" in card.notes[0]
    assert "8,448 parameters and 6,422,528 MACs" in card.notes[0]


def test_a_projection_at_stride_1_is_for_the_depth():
    note = explain(describe(Options("resnet50")), "layer1.0.downsample.0").notes[0]
    assert "Only the depths differ, 64 against 256" in note


def test_option_a_has_nothing_to_learn_and_option_c_is_not_needed():
    graph = describe(Options("resnet20"))
    for path in ("layer2.0.downsample.slice", "layer2.0.downsample.pad", "layer2.0.add"):
        assert any("option A" in note and "0 parameters, 0 MACs" in note for note in explain(graph, path).notes), path
    deeper = explain(describe(Options("resnet50", shortcut="A")), "layer1.0.downsample.pad")
    assert not any("pixels are left out" in note for note in deeper.notes)
    card = explain(describe(Options("resnet18", shortcut="C")), "layer1.0.downsample.0")
    assert any("option C" in note and "not essential" in note for note in card.notes)


def test_an_identity_is_free():
    note = explain(describe(Options("resnet18")), "layer1.0.add").notes[0]
    assert "The identity arm is free" in note
    assert "64·56·56 = 200,704 additions" in note


def test_branches_and_gates_are_named():
    googlenet = describe(Options("googlenet"))
    third = googlenet.incoming("inception3a.concat")[2].source
    assert explain(googlenet, third).arm == "branch 3 of 4 of `inception3a.concat`"
    assert "branch 2 brings 128" in explain(googlenet, "inception3a.concat").notes[0]
    gated = cnnviz.trace(foreign.SqueezeExcitation(), (3, 16, 16))
    assert explain(gated, "block.gate.reduce").arm == "gate of `block.gate.mul`"
    assert "one factor for each of 16 channels" in explain(gated, "block.gate.mul").notes[0]


def test_weights_that_are_applied_again_count_0():
    graph = cnnviz.trace(foreign.Recurrent(), (4, 8, 8))
    card = explain(graph, "block#2.conv")
    assert "applies the weights of `block.conv` again" in card.notes[0]
    assert card.shares[0].part == 0
    assert names(card) >= {"MACs"}
    assert "parameters" not in names(card)


def test_frozen_weights_are_named():
    module = nn.Sequential(nn.Conv2d(1, 2, 3))
    module[0].weight.requires_grad_(False)
    assert "18 of its parameters are frozen." in explain(cnnviz.trace(module, (1, 8, 8)), "0").notes


def test_pixels_that_no_window_reads_are_named():
    assert any(
        "fit no window" in note for note in explain(describe(Options("alexnet", size=(228, 229))), "conv1").notes
    )
    assert not explain(describe(Options("alexnet")), "conv1").notes
    assert not explain(describe(Options("resnet18")), "conv1").notes  # what is left over is padding


def test_definitions_have_this_layers_numbers():
    alexnet = describe(Options("alexnet"))
    assert explain(alexnet, "norm1").definition == (
        r"b_c = a_c \Big/ \left(2 + 0.0001 \sum_{c'=c-2}^{c+2} a_{c'}^2\right)^{0.75}"
    )
    assert explain(alexnet, "conv1").definition == (
        r"y_{o,i,j} = \sum_{c} \sum_{u,v < 11} w_{o,c,u,v}\ x_{c,\ 4i + u,\ 4j + v} + b_o"
    )
    assert explain(describe(Options("lenet5-1998")), "tanh1").definition == r"y = 1.7159 \tanh(2x/3)"
    assert r"10^{-5}" in explain(describe(Options("resnet18")), "bn1").definition


def test_textbook_mistakes_are_not_repeated():
    alexnet = describe(Options("alexnet"))
    assert "across channels do at the same pixel" in explain(alexnet, "norm1").purpose
    assert "sets outputs of units to 0" in explain(alexnet, "drop6").purpose


def test_an_unknown_layer_names_the_closest():
    with pytest.raises(UnknownLayer, match="conv1"):
        explain(describe(Options("alexnet")), "conv11")


def test_it_needs_neither_torch_nor_streamlit():
    script = "import sys, cnnviz.views.explain; print(sorted({'torch', 'streamlit', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_questions_keep_what_is_given_and_give_no_answer_away():
    card = explain(describe(Options("resnet18")), "conv1")
    asked = {formula.name: formula.question for formula in card.formulas}
    assert asked["output height and width"] == "⌊(224 + 2·3 − 7)/2⌋ + 1 = ?"
    assert asked["parameters"] == "64·3·7·7 = ?"
    assert asked["MACs"] == "64·<var>h<sub>out</sub></var>·<var>w<sub>out</sub></var> × 3·7·7 = ?"
    assert asked["FLOPs"] == "2\u2009<var>M</var> = ?"
    assert asked["memory"] == "4\u2009<var>c</var>\u2009<var>h</var>\u2009<var>w</var> = ? bytes"
    assert card.shapes_asked == "3 × 224 × 224 → ?"


@pytest.mark.parametrize("key", cards())
def test_no_question_of_any_layer_holds_its_output_size_or_its_macs(key):
    graph = describe(Options(key))
    for layer, known in zip(graph.layers, explain_all(graph), strict=True):
        if layer.op not in ("conv", "linear", "maxpool", "avgpool"):
            continue
        for formula in known.formulas:
            numbers = {int(number.replace(",", "")) for number in re.findall(r"\d+(?:,\d+)*", formula.question)}
            assert formula.question.endswith(("?", "? bytes", "? pixels"))
            if layer.macs and formula.name == "FLOPs":
                assert layer.macs not in numbers
            if formula.name in ("MACs", "memory") and len(layer.output_shape) == 3:
                assert numbers.isdisjoint(set(layer.output_shape[1:]) - set(kernel_and_channels(layer)))


def kernel_and_channels(layer) -> list[int]:
    known = [layer.hyper(name) for name in ("in_channels", "out_channels", "groups", "connections")]
    return [4, *filter(None, known), *(layer.hyper("kernel") or ())]


def test_a_card_is_html_with_nothing_of_others_in_it_but_text():
    graph = describe(Options("resnet18"))
    html = card_html(explain(graph, "layer2.0.downsample.0"))
    assert "<strong>8,192</strong>" in html
    assert "<code>layer2.0.add</code>" in html
    assert "<math" in html
    asked = card_html(explain(graph, "conv1"), asked=True)
    for told in ("9,408", "118,013,952", "112", "1.2 %"):
        assert told not in asked
    assert "64·3·7·7 = ?" in asked

    hostile = nn.Sequential(OrderedDict({"<img src=x>": nn.Sequential(nn.Conv2d(1, 1, 1))}))
    card = explain(cnnviz.trace(hostile, (1, 4, 4)), "<img src=x>.0")
    assert "<img" in card.block
    assert "<img" not in card_html(card)


@pytest.mark.parametrize("key", cards())
def test_every_definition_is_mathml(key):
    graph = describe(Options(key))
    for definition in {known.definition for known in explain_all(graph)} - {""}:
        assert "\\" not in convert(definition)
