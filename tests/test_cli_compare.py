"""`cnnviz compare` and `cnnviz printed`, from what is typed to what is printed."""

import csv
import io
import json
import re
import sys

import pytest

from cnnviz.networks import cards
from cnnviz.printed.table import read

# --- printed -------------------------------------------------------------------


def test_printed_as_json_has_the_documented_keys_and_no_others(cnnviz):
    value = json.loads(cnnviz("printed", "resnet18", "--json").out)
    assert set(value) == {"network", "against", "rows", "printed_total", "computed_total"}
    assert (value["network"], value["against"]) == ("resnet18", "resnet18-printed")
    assert value["printed_total"] == value["computed_total"] == 11_511_784
    assert len(value["rows"]) == 20
    columns = set(read("resnet18")[0]) - {"group", "layer"}
    for row in value["rows"]:
        assert set(row) == {"group", "layer", "cells"}
        assert set(row["cells"]) <= columns
        for cell in row["cells"].values():
            assert set(cell) == {"printed", "computed", "equal", "reason"}
            assert (cell["reason"] is None) == cell["equal"]
    assert value["rows"][1]["cells"]["pad"]["printed"] == 0.5


def test_printed_accounts_for_googlenets_parameters(cnnviz):
    value = json.loads(cnnviz("printed", "googlenet", "--json").out)
    params = [row["cells"]["params"] for row in value["rows"] if "params" in row["cells"]]
    assert sum(cell["printed"] for cell in params) == value["printed_total"] == 6_414_360
    assert sum(cell["computed"] for cell in params) == value["computed_total"] == 6_998_552
    text = cnnviz("printed", "googlenet").out
    assert "81 of 1,042 printed cells differ" in text
    assert re.search(r"^4b +conv1x1b .* 64 ≠ 512 .* 1560 ≠ 12,312", text, re.MULTILINE)
    assert "13 of them lack 584,192 parameters" in text
    assert "googlenet with both auxiliary heads has 13,378,280 parameters." in text


def test_printed_says_what_a_text_says(cnnviz):
    value = json.loads(cnnviz("printed", "lenet5", "--json").out)
    assert (value["printed_total"], value["computed_total"]) == (60_000, 61_706)
    assert [row["layer"] for row in value["rows"] if row["group"] == "text"] == ["convolution", "pooling"]
    assert "lenet5-1998" in cnnviz("printed", "lenet5").out


@pytest.mark.parametrize(("key", "total"), [("vgg16", 138_357_544), ("vgg19", 143_667_240)])
def test_printed_produces_what_cannot_be_read(cnnviz, key, total):
    value = json.loads(cnnviz("printed", key, "--json").out)
    assert (value["printed_total"], value["computed_total"]) == (None, total)
    cells = [cell for row in value["rows"] for cell in row["cells"].values()]
    assert {cell["equal"] for cell in cells} == {cell["printed"] for cell in cells} == {None}
    assert sum(row["cells"]["params"]["computed"] for row in value["rows"]) == total
    assert f"{total:,} parameters; none is printed" in cnnviz("printed", key).out


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("printed resnet50", "No table of resnet50 is printed; there are those of lenet5, alexnet, vgg16, vgg19"),
        ("printed alexnt", "Did you mean 'alexnet'"),
        ("compare alexnet alexnt", "Did you mean 'alexnet'"),
        ("compare alexnet --input 3,224,224", "Use 227"),
        ("compare lenet5 --heads", "lenet5 takes no such option"),
        ("compare lenet5 --time --device tpu", "'tpu' isn't there"),
        ("compare lenet5 -o table.word", r"end it in \.txt, \.json, \.csv, \.md or \.tex"),
    ],
)
def test_what_is_wrong_is_one_sentence(cnnviz, line, sentence):
    refused = cnnviz(*line.split())
    assert (refused.code, refused.out) == (2, "")
    assert re.search(sentence, refused.err)
    assert refused.err.count("\n") == 1


# --- compare -------------------------------------------------------------------


def test_compare_lists_all_networks(cnnviz):
    value = json.loads(cnnviz("compare", "--json").out)
    rows = {row["network"]: row for row in value["networks"]}
    assert list(rows) == list(cards())
    vgg16 = rows["vgg16"]
    assert (vgg16["params"], vgg16["macs"], vgg16["flops"]) == (138_357_544, 15_470_264_320, 30_940_528_640)
    assert (vgg16["weighted_layers"], vgg16["receptive_field"], vgg16["year"]) == (16, 196, 2014)
    assert "one centre crop" in vgg16["top5"]["protocol"]
    assert rows["alexnet"]["top5"] is None
    assert {row["milliseconds"] for row in rows.values()} == {None}
    assert [row["network"] for row in value["printed"]] == ["alexnet", "vgg16", "googlenet", "resnet152"]
    assert value["printed"][0]["cells"]["parameters"] == {
        "printed": "62M",
        "computed": 62_378_344,
        "equal": True,
        "reason": None,
    }


def test_compare_vggs_convolutions_with_alexnets(cnnviz):
    text = cnnviz("compare", "vgg16", "alexnet").out
    assert "In all its convolutions vgg16 has 14,714,688 parameters, alexnet 3,747,200: 3.9 times as many." in text
    assert "FLOPs are twice that" in text
    assert re.search(r"VGGNet \(vgg16\) +FLOP +19.6B +15,470,264,320 +≠ +It is vgg19's 19.63 billion", text)
    assert "resnet152" not in text


def test_compare_in_every_format(cnnviz, tmp_path):
    rows = list(csv.DictReader(io.StringIO(cnnviz("compare", "vgg16", "lenet5", "--format", "csv").out)))
    assert [(row["network"], int(row["params"]), int(row["macs"])) for row in rows] == [
        ("vgg16", 138_357_544, 15_470_264_320),
        ("lenet5", 61_706, 416_520),
    ]
    markdown = cnnviz("compare", "vgg16", "--format", "markdown").out
    assert "| `vgg16` | 2014 | 90.38 [1] | 138,357,544 |" in markdown
    assert "- [1] PyTorch's published weights" in markdown
    cnnviz("compare", "vgg16", "plain34", "-o", tmp_path / "c.tex")
    latex = (tmp_path / "c.tex").read_text("utf-8")
    assert latex.startswith(r"\begin{tabular}{lrrrrrrrrr}")
    assert r"138,357,544" in latex
    assert latex.rstrip().endswith(r"\end{tabular}")
    assert not re.search(r"(?<!\\)%", latex), "a comment would swallow the rest of its line"


def test_compare_at_another_size(cnnviz):
    value = json.loads(cnnviz("compare", "resnet18", "vgg16", "--input", "3,64,64", "--json").out)
    assert [row["params"] for row in value["networks"]] == [11_689_512, 138_357_544]
    assert value["networks"][0]["macs"] < 1_814_073_344 / 10


def test_compare_times_a_picture_when_asked_to(cnnviz):
    value = json.loads(cnnviz("compare", "lenet5", "--time", "--device", "cpu", "--json").out)
    assert value["device"].startswith("CPU, ")
    assert 0 < value["networks"][0]["milliseconds"] < 5_000
    text = cnnviz("compare", "lenet5", "--time", "--device", "cpu").out
    assert "ms here" in text
    assert "median of a few passes of one picture on CPU" in text


def test_compare_takes_a_network_of_the_users_own(cnnviz, tmp_path, monkeypatch):
    (tmp_path / "nets_to_compare.py").write_text(
        "from torch import nn\ndef small(): return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(2704, 10))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("cnnviz.networks._brought", {})
    words = ("compare", "nets_to_compare:small", "lenet5", "--input", "1,28,28")
    refused = cnnviz(*words)
    assert refused.code == 2
    value = json.loads(cnnviz("compare", "nets_to_compare:small", "--input", "1,28,28", "--json").out)
    assert value["networks"][0]["params"] == 40 + 27_050
    assert value["networks"][0]["year"] is None
    sys.modules.pop("nets_to_compare", None)
