"""The rules of the house: who may import what, what is pinned, what is said where."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("cnnviz", "app")
PLAIN = {"numpy"}
DRAWING = {"pandas", "plotly", "graphviz", "pygraphviz", "segno", "latex2mathml"}

# place (the longest that fits counts) -> other people's packages, and places of ours, that it may import
RULES: dict[str, tuple[set[str], set[str]]] = {
    "cnnviz/__init__": (set(), {"cnnviz"}),  # names what it hands on, and loads it at first use
    "cnnviz/__main__": (set(), {"cnnviz/cli"}),
    "cnnviz/errors": (PLAIN, set()),
    "cnnviz/graph": (PLAIN, {"cnnviz/errors"}),
    "cnnviz/analysis": (PLAIN, {"cnnviz/errors", "cnnviz/graph", "cnnviz/vocabulary"}),
    "cnnviz/printed": (PLAIN, {f"cnnviz/{name}" for name in ("analysis", "errors", "graph", "vocabulary")}),
    "cnnviz/against": (set(), {f"cnnviz/{name}" for name in ("catalogue", "errors", "networks", "printed")}),
    "cnnviz/images": (PLAIN | {"PIL"}, {"cnnviz/errors", "cnnviz/networks/card"}),
    "cnnviz/vocabulary": (set(), set()),
    "cnnviz/addresses": ({"psutil"}, set()),
    "cnnviz/operations": ({"torch"}, {"cnnviz/errors", "cnnviz/graph", "cnnviz/vocabulary"}),
    "cnnviz/nested": ({"torch"}, set()),
    "cnnviz/program": ({"torch"}, {"cnnviz/graph", "cnnviz/nested", "cnnviz/operations"}),
    "cnnviz/recorder": (
        {"torch"},
        {"cnnviz/errors", "cnnviz/graph", "cnnviz/nested", "cnnviz/operations", "cnnviz/program"},
    ),
    "cnnviz/resizing": (
        {"torch"},
        {f"cnnviz/{name}" for name in ("graph", "nested", "operations", "program", "recorder")},
    ),
    "cnnviz/trace": (
        {"torch"},
        {f"cnnviz/{name}" for name in ("errors", "graph", "analysis", "operations", "program", "recorder", "resizing")},
    ),
    "cnnviz/download": ({"filelock"}, {"cnnviz/errors"}),
    "cnnviz/folders": (set(), set()),
    "cnnviz/weights": (
        {"torch", "safetensors"},
        {f"cnnviz/{name}" for name in ("download", "errors", "folders", "operations")},
    ),
    "cnnviz/networks": ({"torch"}, {"cnnviz/errors", "cnnviz/graph", "cnnviz/operations", "cnnviz/weights"}),
    "cnnviz/catalogue": (
        {"torch"},
        {f"cnnviz/{name}" for name in ("errors", "graph", "networks", "trace", "weights")},
    ),
    "cnnviz/summary": ({"torch", "torchinfo"}, {"cnnviz/errors", "cnnviz/graph"}),
    "cnnviz/activations": (
        PLAIN | {"torch", "PIL"},
        {f"cnnviz/{name}" for name in ("errors", "graph", "nested", "networks/layers", "operations", "program")}
        | {"cnnviz/recorder", "cnnviz/trace"},
    ),
    "cnnviz/activations/parts": (PLAIN, {"cnnviz/graph"}),  # what views draw
    "cnnviz/prediction": ({"torch"}, {"cnnviz/errors", "cnnviz/graph", "cnnviz/networks", "cnnviz/weights"}),
    "cnnviz/training": (
        PLAIN | {"torch", "safetensors", "PIL"},
        {f"cnnviz/{name}" for name in ("download", "errors", "images", "networks", "training", "weights")},
    ),
    "cnnviz/engine": (
        PLAIN | {"torch", "PIL"},
        {
            f"cnnviz/{name}"
            for name in ("activations", "catalogue", "errors", "graph", "images", "networks", "prediction", "weights")
        },
    ),
    "cnnviz/engine/by_ray": (
        {"torch", "numpy", "ray"},
        {f"cnnviz/{name}" for name in ("catalogue", "engine", "errors", "networks")},
    ),
    "cnnviz/engine/studio": (
        {"torch", "numpy"},
        {
            f"cnnviz/{name}"
            for name in ("activations", "catalogue", "engine", "errors", "images", "networks", "recorder", "trace")
        },
    ),
    "cnnviz/lessons": (
        PLAIN | {"torch", "PIL"},
        {f"cnnviz/{name}" for name in ("activations", "analysis", "catalogue", "errors", "graph", "images", "lessons")}
        | {f"cnnviz/{name}" for name in ("networks", "operations", "prediction", "program", "recorder", "trace")}
        | {f"cnnviz/{name}" for name in ("training", "weights")},
    ),
    "cnnviz/views": (
        PLAIN | DRAWING,
        {f"cnnviz/{name}" for name in ("activations/parts", "analysis", "errors", "graph", "printed", "vocabulary")}
        | {"cnnviz/networks/card"},
    ),
    "cnnviz/views/graphviz_worker": ({"pygraphviz"}, set()),
    "cnnviz/bench": (
        {"playwright"},
        {f"cnnviz/{name}" for name in ("bench", "catalogue", "errors", "graph", "networks", "views")} | {"cnnviz"},
    ),
    "cnnviz/bench/activations": (
        PLAIN | {"torch", "PIL", "matplotlib"},
        {f"cnnviz/{name}" for name in ("activations", "bench", "catalogue", "engine", "errors", "images", "networks")},
    ),
    "cnnviz/bench/__init__": ({"psutil"}, set()),
    "cnnviz/bench/neighbour": (
        {"psutil", "PIL"},
        {f"cnnviz/{name}" for name in ("bench", "catalogue", "engine", "images")},
    ),
    "cnnviz/bench/describe": (
        {"torch", "torchinfo", "torchview", "fvcore"},
        {f"cnnviz/{name}" for name in ("bench", "catalogue", "errors", "graph", "networks", "trace")},
    ),
    "cnnviz/bench/timing": ({"torch"}, {"cnnviz/bench"}),
    "cnnviz/bench/torchlens_peer": ({"torch", "torchlens"}, {"cnnviz/bench", "cnnviz/cli", "cnnviz/errors"}),
    "cnnviz/bench/empty_app": ({"streamlit"}, set()),  # run by Streamlit, as the app that ours is held against
    "cnnviz/bench/table_app": ({"streamlit"}, set()),  # likewise
    "cnnviz/bench/server": ({"psutil"}, {"cnnviz", "cnnviz/errors"}),
    "cnnviz/bench/visitor": ({"streamlit", "websockets"}, {"cnnviz/errors"}),  # its protocol; Streamlit brings both
    "cnnviz/bench/load": (PLAIN | {"PIL"}, {"cnnviz/bench"}),
    "cnnviz/cli": ({"tqdm", "numpy", "torch"}, {"cnnviz"}),
    "app": ({"streamlit", "pandas", "numpy", "PIL"}, {"cnnviz", "app"}),
    "app/main": (
        {"streamlit"},
        {"app/again", "app/answers", "app/copies", "app/early", "app/server", "app/turns"},
    ),  # what waits for torch comes later
    "app/answers": ({"starlette", "streamlit"}, {"app/panels/lessons", "app/turns", "cnnviz/errors"}),
    "app/early": ({"streamlit"}, {"app/components", "cnnviz", "cnnviz/cli/named", "cnnviz/folders"}),
}
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def place_of(module: str) -> str:
    """A dotted name as a place; `from cnnviz import networks` is no less an import of networks."""
    return module.replace(".", "/")


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports at run time, wherever in it; what only a type checker sees doesn't count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            ours = [
                name for name in inner if (ROOT / f"{place_of(name)}.py").exists() or (ROOT / place_of(name)).is_dir()
            ]
            names |= set(ours) or {node.module}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_direction_of_the_data(path):
    here = str(path.relative_to(ROOT).with_suffix(""))
    place = max((rule for rule in RULES if here == rule or here.startswith(f"{rule}/")), key=len)
    others, ours = RULES[place]
    for name in imports(path):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names:
            continue
        if top not in PACKAGES:
            assert top in others, f"{here} imports {name}"
            continue
        target = place_of(name)
        allowed = any(target == rule or target.startswith(f"{rule}/") for rule in (*ours, place))
        assert allowed, f"{here} imports {name}"


def test_nothing_imports_torchvision():
    assert not any("torchvision" in imports(path) for path in FILES)


def test_every_direct_dependency_is_pinned_and_explained():
    pins = {}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if found := re.match(r"([a-z0-9]+)==[\d.]+(?: ; \S+ != \S+)? +# \S", line):
            pins[found[1]] = line
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert sorted(pins) == sorted(name.partition(";")[0] for name in declared)
    assert pins["torch"].startswith("torch==2.13.0 ")


def test_ci_runs_the_readmes_test_line():
    line = re.search(r"^python3 -m venv .*pytest", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert line
    ci = (ROOT / ".ci" / "run").read_text()
    asked = re.search(r"grep -m 1 '(.+)' README\.md", ci)
    assert re.search(asked[1], line[0])
    assert 'eval "$test_line"' in ci


def test_every_asset_names_its_source():
    described = (ROOT / "assets" / "README.md").read_text()
    for path in sorted((ROOT / "assets").rglob("*")):
        if path.is_file() and path.name != "README.md":
            assert path.name in described or path.stem in described, f"assets/README.md doesn't name {path.name}"


def test_the_app_says_how_torch_is_to_wait_before_torch_is_imported():
    """Threads that spin against other jobs made an app on a busy machine fifteen times as slow."""
    program = (
        "import os, sys, app; assert 'torch' not in sys.modules; assert os.environ['OMP_WAIT_POLICY'] == 'PASSIVE';"
        "import app.panels.lecture; assert 'torch' in sys.modules"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=environment)
