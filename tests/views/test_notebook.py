import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import nbformat
import numpy as np
import pytest

from cnnviz import networks, trace
from cnnviz.activations.channels import ordered
from cnnviz.activations.pictures import grid_png
from cnnviz.activations.statistics import statistics
from cnnviz.catalogue import Options, describe
from cnnviz.images import load_image, to_input, zoomed
from cnnviz.views.dot import dot
from cnnviz.views.layout import render
from cnnviz.views.notebook import View, layer_script, notebook, script

PHOTOGRAPH = Path(__file__).parents[2] / "assets" / "photographs" / "coffee.jpg"


@pytest.fixture
def view(tmp_path, monkeypatch):
    (tmp_path / "picture.jpg").write_bytes(PHOTOGRAPH.read_bytes())
    monkeypatch.chdir(tmp_path)
    graph = trace(networks.construct("resnet20", shortcut="B"), (3, 48, 40), network="resnet20")
    return View(graph, {"shortcut": "B"}, "layer2.0.add", unfolded=("layer1.0",), direction="LR", colour="MACs")


def test_the_script_makes_the_view(view):
    names = {}
    exec(script(view), names)
    assert names["graph"] == view.graph
    assert names["svg"] == render(dot(view.graph, unfolded=("layer1.0",), direction="LR", colour="MACs"))
    assert list(names["table"]["name"]) == [layer.path for layer in view.graph.layers]
    assert names["maps"].shape == (1, 32, 24, 20)
    assert names["png"].startswith(b"\x89PNG")


def test_the_script_fits_and_scales_the_picture_as_it_was_seen(view):
    names = {}
    exec(script(replace(view, fit="squeeze", zoom=0.5)), names)
    card = networks.card("resnet20")
    picture = zoomed(load_image(PHOTOGRAPH.read_bytes()), card, 0.5)
    assert np.array_equal(names["x"], to_input(picture, card, (48, 40), "squeeze"))


@pytest.mark.parametrize("scale", ["layer", "channel", "network"])
@pytest.mark.parametrize("order", ["channel", "activity"])
def test_the_lines_for_one_layer_make_its_grid_as_it_is_shown(view, scale, order):
    names = {}
    exec(layer_script(replace(view, scale=scale, order=order, weights="random")), names)
    maps, x = names["maps"][0].numpy(), names["x"]
    found = [each for each in statistics(names["module"], x) if len(each.shape) == 3]
    most = max(max(abs(each.low), abs(each.high)) for each in found)
    drawn = grid_png(
        maps,
        title=f"layer2.0.add, {names['module'].weights.label}",
        scale="channel" if scale == "channel" else "layer",
        within=most if scale == "network" else None,
        order=ordered(maps, order),
    )
    assert names["png"] == drawn
    assert "untrained" in names["module"].weights.label
    assert "svg" not in names


def test_the_notebook_is_one_and_says_the_same(view):
    text = notebook(view, "http://localhost:8501/?network=resnet20")
    found = nbformat.reads(text, as_version=4)
    nbformat.validate(found)
    code = "\n\n".join(cell.source for cell in found.cells if cell.cell_type == "code")
    assert all(line in code for line in script(view).splitlines() if not line.startswith("#"))
    assert "(http://localhost:8501/?network=resnet20)" in found.cells[0].source


def test_each_cell_of_the_notebook_runs_and_ends_in_what_it_shows(view, monkeypatch):
    shown = []
    display = ModuleType("IPython.display")
    display.SVG, display.Image = (lambda data: shown.append(data) or data), (lambda data: shown.append(data) or data)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    names = {}
    for cell in json.loads(notebook(view))["cells"]:
        if cell["cell_type"] == "code":
            exec(cell["source"], names)
    assert [bytes(data)[:4] for data in shown] == [names["svg"][:4], b"\x89PNG"]


def test_a_network_of_the_users_own_is_brought_again(tmp_path, monkeypatch):
    (tmp_path / "picture.jpg").write_bytes(PHOTOGRAPH.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(networks, "_brought", {})
    card = networks.bring("foreign:PreActivation", (3, 32, 32))
    graph = describe(Options(card.key, size=(24, 20)))
    lines = script(View(graph, {}, "block2.add", card=card))
    networks._brought.clear()
    names = {}
    exec(lines, names)
    assert names["graph"].layers == graph.layers
    assert names["maps"].shape == (1, 16, 12, 10)
    assert "weights as foreign:PreActivation makes them" in lines
