"""The frame of `cnnviz bench`: statistics, rows against goals, table and JSON, and one small run of it all."""

import json
import shutil
import sys

import pytest

from cnnviz import bench
from cnnviz.bench import Goal, Row, Sample
from cnnviz.cli import main
from cnnviz.errors import BadOption

ROWS = (
    Row(
        "a click", "ms", Sample(30.0, 28.0, 33.0, 20), Sample(20.0, 19.0, 21.0, 20), "an empty app", Goal(1.5, "ratio")
    ),
    Row(
        "a view", "ms", Sample(310.04, 300.0, 330.0, 20), Sample(200.0, 190.0, 210.0, 20), "lenet5", Goal(1.3, "ratio")
    ),
    Row("highlight", "ms", Sample(16.01, 15.0, 17.0, 20), goal=Goal(16)),
    Row("maps", "kB", Sample(212.0, 212.0, 803.0, 5)),
)


def test_a_sample_is_a_median_and_its_quartiles():
    assert Sample.of([5, 1, 2, 4, 3]) == Sample(3, 2, 4, 5)
    assert Sample.of([1, 2, 3, 4]) == Sample(2.5, 1.75, 3.25, 4)
    assert Sample.of([7]) == Sample(7, 7, 7, 1)


def test_a_goal_is_met_up_to_its_limit():
    assert [row.met for row in ROWS] == [True, False, False, None]
    assert ROWS[0].ratio == pytest.approx(1.5)
    assert ROWS[2].ratio is None
    assert Row("a click", "ms", Sample.of([1]), goal=Goal(2, "ratio")).met is False, "no peer, no ratio"


def test_the_table_has_medians_quartiles_and_goals():
    text = bench.as_text(ROWS, {"cpu": "Z80", "cores": 1})
    lines = text.splitlines()
    assert lines[2].split("  ")[0] == "a click, against an empty app"
    assert "30.0 ms (28.0 to 33.0)" in lines[2]
    assert lines[2].endswith("1.50   ≤ 1.5 times  met")
    assert "310 ms (300 to 330)" in lines[3]
    assert lines[3].endswith("missed")
    assert "212 kB (212 to 803)" in lines[5]
    assert lines[-1] == "Medians of 5 to 20, quartiles in brackets. cpu Z80, cores 1."


def test_json_has_the_same_figures_and_the_machine():
    given = json.loads(json.dumps(bench.as_json("ui", ROWS, bench.machine())))
    assert given["part"] == "ui"
    assert {"cpu", "cores", "memory", "os", "python", "torch", "streamlit"} <= set(given["machine"])
    click, _, highlight, maps = given["rows"]
    assert click["ours"] == {"median": 30.0, "quartiles": [28.0, 33.0], "count": 20}
    assert (click["ratio"], click["goal"], click["met"]) == (1.5, {"at_most": 1.5, "of": "ratio"}, True)
    assert (highlight["peer"], highlight["ratio"], highlight["met"]) == (None, None, False)
    assert (maps["goal"], maps["met"]) == (None, None)


def test_small_ratios_read_as_fractions():
    row = Row("a trace", "ms", Sample.of([10.0]), Sample.of([250.0]), "a peer", Goal(1 / 25, "ratio"))
    assert bench.as_text([row], {"cpu": "Z80"}).splitlines()[2].endswith("1/25   ≤ 1/25 times  met")
    assert bench.as_markdown("describe", [row]).splitlines()[-1] == (
        "| a trace, against a peer | 10.0 ms (10.0 to 10.0) | 250 ms (250 to 250) | 1/25 | ≤ 1/25 times | met |"
    )


@pytest.fixture
def two_parts(monkeypatch):
    """`bench all` with a part that measures one row, and one that can't be measured."""
    monkeypatch.setattr(bench, "PARTS", ("describe", "ui"))

    def here(repetitions):
        return [Row("a trace", "ms", Sample.of([float(repetitions)]), goal=Goal(5))]

    def nowhere(_):
        raise BadOption("There is no Chromium.")

    monkeypatch.setattr("cnnviz.bench.describe.measure", here)
    monkeypatch.setattr("cnnviz.bench.ui.measure", nowhere)


@pytest.mark.parametrize("words", [[], ["all"]])
def test_one_command_runs_all_parts_and_says_which_it_cannot(two_parts, words, tmp_path, capsys):
    assert main(["bench", *words, "--repetitions", "3", "-o", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "a trace  3.00 ms (3.00 to 3.00)" in shown.out
    assert shown.err == "ui isn't measured: There is no Chromium.\n"
    data = json.loads((tmp_path / "bench.json").read_text())
    assert [(part["part"], part["rows"][0]["met"]) for part in data["parts"]] == [("describe", True)]
    assert data["left_out"] == {"ui": "There is no Chromium."}
    assert data["parts"][0]["machine"]["cores"]
    table = (tmp_path / "bench.md").read_text()
    assert "| a trace | 3.00 ms (3.00 to 3.00) |" in table
    assert f"python {data['parts'][0]['machine']['python']}" in table


def test_one_part_that_cannot_be_measured_is_an_error(two_parts, capsys):
    assert main(["bench", "ui"]) == 2
    assert capsys.readouterr().err == "There is no Chromium.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ui", "--repetitions", "0"], "--repetitions 0 was given, but a median needs 1 or more."),
        (["-o", "nowhere"], "-o nowhere was given, but it has to be a folder that is there."),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(arguments, sentence, capsys):
    assert main(["bench", *arguments]) == 2
    assert capsys.readouterr().err.strip() == sentence


def test_without_a_chromium_a_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main(["bench", "ui", "--repetitions", "1"]) == 2
    assert capsys.readouterr().err == (
        "The pages are measured in Chromium, and none is on the PATH: 'apt-get install chromium'.\n"
    )


def test_without_playwright_a_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert main(["bench", "ui", "--repetitions", "1"]) == 2
    assert "'pip install -r requirements-dev.txt'" in capsys.readouterr().err
