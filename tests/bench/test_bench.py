"""The frame of `cnnviz bench`: statistics, rows against goals, table and JSON, and one small run of it all."""

import json
import shutil
import sys

import pytest

from cnnviz import bench
from cnnviz.bench import Goal, Row, Sample
from cnnviz.cli import main

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
    assert {"cpu", "cores", "os", "python", "torch", "streamlit"} <= set(given["machine"])
    click, _, highlight, maps = given["rows"]
    assert click["ours"] == {"median": 30.0, "quartiles": [28.0, 33.0], "count": 20}
    assert (click["ratio"], click["goal"], click["met"]) == (1.5, {"at_most": 1.5, "of": "ratio"}, True)
    assert (highlight["peer"], highlight["ratio"], highlight["met"]) == (None, None, False)
    assert (maps["goal"], maps["met"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["ui", "--repetitions", "0"], "--repetitions 0 was given, but a median needs 1 or more.")],
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
