"""Tables and their printed forms."""

import csv
import io
import re

import pytest

from cnnviz.catalogue import Options, describe
from cnnviz.graph import Layer, LayerGraph
from cnnviz.networks import cards
from cnnviz.views import tables


@pytest.fixture(scope="module")
def resnet18():
    return describe(Options("resnet18"))


@pytest.mark.parametrize("key", cards())
def test_rows_add_up_to_the_totals(key):
    graph = describe(Options(key))
    frame = tables.layers(graph)
    assert list(frame["name"]) == [layer.path for layer in graph.layers]
    assert frame["parameters"].sum() == graph.totals.params
    assert frame["MACs"].sum() == graph.totals.macs
    assert frame["memory (bytes)"].sum() == graph.totals.activation_bytes


def test_a_row_has_what_a_reader_looks_for(resnet18):
    row = tables.layers(resnet18).set_index("name").loc["conv1"].to_dict()
    assert row == {
        "kind": "conv",
        "kernel": "7 × 7",
        "stride": "2",
        "padding": "3",
        "input": "3 × 224 × 224",
        "output": "64 × 112 × 112",
        "parameters": 9_408,
        "MACs": 118_013_952,
        "memory (bytes)": 3_211_264,
        "receptive field": "7 × 7",
        "receptive field stride": "2",
    }


def test_joined_inputs_are_written_shortly(resnet18):
    inputs = tables.layers(resnet18).set_index("name")["input"]
    assert inputs["layer1.0.add"] == "2 × (64 × 56 × 56)"
    arms = tables.layers(describe(Options("googlenet"))).set_index("name")["input"]
    assert arms["inception3a.concat"] == "(64 + 128 + 32 + 32) × 28 × 28"


def test_uneven_windows_are_written_in_full():
    hyper = (("kernel", (1, 7)), ("stride", (2, 1)), ("padding", (0, 1)), ("padding_after", (0, 2)))
    layer = Layer("c", "conv", hyper, ((3, 9, 9), (1, 2)), (4, 9, 9))
    row = tables.layers(LayerGraph("n", (3, 9, 9), (layer,), ())).loc[0]
    assert (row["kernel"], row["stride"], row["padding"]) == ("1 × 7", "2 × 1", "0 × 1, 0 × 2 behind")
    assert row["input"] == "3 × 9 × 9 + 1 × 2"
    assert row["receptive field"] == ""


# --- two networks --------------------------------------------------------------


def test_two_networks_stand_side_by_side(resnet18):
    frame = tables.comparison(describe(Options("vgg16")), resnet18).set_index("")
    assert list(frame.columns) == ["vgg16", "resnet18", "ratio"]
    assert list(frame.loc["Parameters"]) == ["138,357,544", "11,689,512", "12 times"]
    assert list(frame.loc["Activations"]) == ["115 MB", "33.5 MB", "3.4 times"]
    assert list(frame.loc["Weighted layers"]) == ["16", "18", "1.1 times"]
    assert list(frame.loc["Receptive field"]) == ["196 px", "435 px", "2.2 times"]


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("resnet18", "plain18", "resnet18 has 1.5 % more parameters than plain18, and 1.1 % more MACs."),
        (
            "alexnet",
            "googlenet",
            "alexnet has 8.9 times as many parameters as googlenet, but googlenet 1.4 times as many MACs.",
        ),
        (
            "lenet5",
            "vgg16",
            "vgg16 has 2,242 times as many parameters as lenet5, and 37,142 times as many MACs.",
        ),
        ("resnet20", "plain20", "resnet20 has just as many parameters as plain20, and just as many MACs."),
    ],
)
def test_a_sentence_says_which_has_more(first, second, sentence):
    assert tables.comparison_sentence(describe(Options(first)), describe(Options(second))) == sentence


def test_a_network_beside_itself_is_told_apart(resnet18):
    small = describe(Options("resnet18", size=(112, 112)))
    assert list(tables.comparison(resnet18, small).columns) == ["", "resnet18 (1)", "resnet18 (2)", "ratio"]
    assert tables.comparison_sentence(small, resnet18) == (
        "resnet18 (1) has just as many parameters as resnet18 (2), but resnet18 (2) 3.7 times as many MACs."
    )


def test_small_differences_are_no_exponents_and_what_is_missing_stays_empty():
    def graph(params: int, macs: int) -> LayerGraph:
        return LayerGraph("n", (4,), (Layer("fc", "linear", (), ((4,),), (2,), params=params, macs=macs),), ())

    frame = tables.comparison(graph(10**7, 0), graph(10**7 + 1, 5)).set_index("")
    assert frame["ratio"]["Parameters"] == "under 0.01 % more"
    assert frame["ratio"]["MACs"] == ""
    assert list(frame.loc["Receptive field"]) == ["", "", ""]
    assert tables.comparison_sentence(graph(10**7, 0), graph(10**7, 5)) == ""


# --- printed forms -------------------------------------------------------------


def test_csv_is_for_machines(resnet18):
    rows = list(csv.DictReader(io.StringIO(tables.printed(resnet18, "csv"))))
    assert len(rows) == len(resnet18.layers)
    by_name = {row["name"]: row for row in rows}
    assert by_name["conv1"]["output"] == "64x112x112"
    assert by_name["layer1.0.add"]["input"] == "64x56x56;64x56x56"
    assert sum(int(row["parameters"]) for row in rows) == 11_689_512
    assert sum(int(row["macs"]) for row in rows) == resnet18.totals.macs
    assert sum(int(row["flops"]) for row in rows) == 2 * resnet18.totals.macs
    assert sum(int(row["memory_bytes"]) for row in rows) == resnet18.totals.activation_bytes
    assert by_name["fc"]["receptive_field"] == ""
    assert "×" not in tables.printed(resnet18, "csv")


def test_markdown_has_one_cell_for_each_column(resnet18):
    lines = tables.printed(resnet18, "markdown").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == len(resnet18.layers) + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {12}
    assert table[0] == ("| name | kind | kernel | stride | pad | input | output | parameters | MACs | memory | sees |")
    assert "11,689,512 parameters" in lines[0]


def test_markdown_survives_odd_names():
    layer = Layer("a|b_c*", "conv", (), (), (1,))
    text = tables.printed(LayerGraph("n", (1,), (layer,), ()), "markdown")
    assert r"| `a\|b_c*` |" in text


def test_latex_is_one_escaped_tabular(resnet18):
    text = tables.printed(resnet18, "latex")
    assert text.startswith("\\begin{tabular}{lllllllrrrl}\n\\toprule\n")
    assert text.endswith("\\end{tabular}\n")
    assert r"layer1.0.relu\#2 & relu" in text
    assert "×" not in text
    assert r"7 $\times$ 7" in text
    assert re.search(r"\\midrule\ntotal .*11,689,512.*\\\\\n\\bottomrule", text)
    rows = text[text.index(r"\midrule") : text.index(r"\bottomrule")].splitlines()
    assert {row.count(" & ") for row in rows if "&" in row} == {10}


def test_text_fits_a_terminal(resnet18):
    head, note, blank, columns, rule, *rows = tables.printed(resnet18, "text").splitlines()
    assert "11,689,512 parameters, 1,814,073,344 MACs, 3,628,146,688 FLOPs" in head
    assert note == tables.CONVENTION
    assert blank == ""
    assert set(rule) == {"─"}
    assert len(rows) == len(resnet18.layers)
    assert max(map(len, [columns, *rows])) <= 120
    ends = {re.search(r"9,408|36,864", row).end() for row in rows if re.search(r" (9,408|36,864) ", row)}
    assert len(ends) == 1, "numbers stand below each other"
    assert re.search(r"layer1.0.add +add +2×64 +64×56×56", "\n".join(rows))


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_readers_are_told_how_macs_are_counted(resnet18, form):
    assert "1 multiply-accumulate (MAC) counts 1; FLOPs are twice that." in tables.printed(resnet18, form)


def test_the_headline_tells_of_what_is_frozen_and_unused():
    layer = Layer("c", "conv", (), (), (1,), params=5, trainable_params=3)
    graph = LayerGraph("n", (1,), (layer,), (), unused=tuple((f"aux.{i}", 1_000) for i in range(4)))
    assert "5 parameters (2 of them not trainable)" in tables.headline(graph)
    assert "4,000 parameters (aux.0, aux.1, aux.2, …)" in tables.headline(graph)


# --- other tables --------------------------------------------------------------


def test_networks_have_a_row_each():
    known = {key: card for key, card in cards().items() if key in ("lenet5", "resnet18")}
    totals = {key: describe(Options(key)).totals for key in known}
    frame = tables.networks(known.values(), totals)
    assert list(frame["parameters"]) == [61_706, 11_689_512]
    assert frame["top-5 %"].isna().tolist() == [True, False]
    text = tables.networks_text(frame)
    assert "11,689,512" in text
    assert "nan" not in text
    assert tables.CONVENTION in text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (802_816, "803 kB"),
        (1_000, "1.0 kB"),
        (33_529_664, "33.5 MB"),
        (5 * 10**15, "5,000 TB"),
    ],
)
def test_memory_is_written_in_powers_of_1000(number, text):
    assert tables.memory(number) == text


@pytest.mark.parametrize("key", cards())
def test_an_asked_table_has_nothing_computed_but_what_is_given(key):
    frame = tables.layers(describe(Options(key)))
    asked = tables.asked(frame)
    given = [name for name in frame.columns if name not in tables.COMPUTED]
    assert given == ["name", "kind", "kernel", "stride", "padding"]
    assert asked[given].equals(frame[given])
    assert (asked[list(tables.COMPUTED)][frame["kind"] != "input"] == "?").all(axis=None)
    assert list(asked["output"][frame["kind"] == "input"]) == list(frame["output"][frame["kind"] == "input"])
