"""The table of AlexNet's ideas is what the committed logs say, and they are whole."""

from pathlib import Path

import pytest

from cnnviz import networks
from cnnviz.training.ideas import IDEAS, SEEDS, Measured, differences, measured, table
from cnnviz.training.loop import Epoch, read_log, write_log
from cnnviz.training.recipes import recipe

ASSETS = Path(__file__).parents[2] / "assets"
LOGS = ASSETS / "training"


def test_the_card_has_the_table_of_the_logs():
    assert table(measured(LOGS)) in (ASSETS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("left_out", ["", *IDEAS])
def test_every_log_is_of_its_whole_recipe(left_out, seed):
    name = "alexnet-cifar10" + (f"-without-{left_out}" if left_out else "")
    log, known = read_log(LOGS / (name + (f"-seed{seed}" if seed else "") + ".jsonl")), recipe(name)
    assert [line.epoch for line in log] == list(range(1, known.epochs + 1))
    module = networks.card(known.network).build(**known.variant)
    assert set(log[0].gradient_norms) == {p for p, child in module.named_modules() if list(child.parameters(False))}


def test_no_two_logs_are_of_the_same_run():
    first = [read_log(file)[0].loss for file in LOGS.glob("alexnet-cifar10*.jsonl")]
    assert len(set(first)) == len(first) == 15


def test_recipes_differ_in_one_idea():
    whole = recipe("alexnet-cifar10")
    for idea in IDEAS:
        less = recipe(f"alexnet-cifar10-without-{idea}")
        changed = {name for name, value in vars(whole).items() if vars(less)[name] != value} - {"name"}
        assert changed == {"augmentation" if idea == "augmentation" else "variant"}
        assert less.variant == ({} if idea == "augmentation" else {idea: False})


def test_differences_are_taken_seed_by_seed(tmp_path):
    def line(error, accuracy):
        return Epoch(1, 1.0, 100 - error, 1.0, accuracy, 0.0, 1.0, {})

    for number, left_out in enumerate(("", *IDEAS)):
        name = "alexnet-cifar10" + (f"-without-{left_out}" if left_out else "")
        for seed, accuracy in zip(SEEDS, (70.0, 71.0, 75.0), strict=True):
            file = tmp_path / (name + (f"-seed{seed}" if seed else "") + ".jsonl")
            write_log(file, [line(90, 1), line(10 + seed, accuracy - number * (seed + 1))])
    rows = measured(tmp_path)
    assert rows[1] == Measured("lrn", (10, 11, 12), (69, 69, 72))
    assert differences(rows[2], rows[0]) == [-2, -4, -6]
    assert table(rows).splitlines()[2:4] == [
        "| none | 11.0 % | 72.0 % (70.0, 75.0) | |",
        "| local response normalisation | 11.0 % | 70.0 % (69.0, 72.0) | -2.0 (-3.0, -1.0) |",
    ]
