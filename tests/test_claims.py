"""docs/claims.md: its tests are there and hold its numbers, and its links open what they say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]
NUMBER = r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?!\w)"
ROWS = [
    dict(zip(("claim", "printed", "computed", "page", "test"), line.strip("| \n").split(" | "), strict=True))
    for line in (ROOT / "docs" / "claims.md").read_text(encoding="utf-8").replace("| |", "|  |").splitlines()
    if line.startswith("| ") and not line.startswith(("| claim", "| ---"))
]
LINKS = sorted({link for row in ROWS for link in re.findall(r"\((http://localhost:8501/[^)]*)\)", row["page"])})


def numbers(text: str) -> list[float]:
    """What a text has for numbers: '62,378,344' is one, those of names, '3x3' and 'ResNet-18', are none."""
    return [float(found.replace(",", "")) for found in re.findall(NUMBER, text)]


def nodes_of(name: str) -> list[ast.AST]:
    """A test, and the constants of its file that it names."""
    file, _, function = name.partition("::")
    body = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8")).body
    [test] = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == function]
    named = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    constants = [node for node in body if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in named]
    return [test, *constants]


def compared(node: ast.AST) -> Iterator[float]:
    """The numbers in a piece of a test, those of its docstring and its messages left out."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
        if isinstance(node.value, int | float):
            yield float(node.value)
        elif isinstance(node.value, str):
            yield from numbers(node.value)
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Assert) and child is node.msg):
            yield from compared(child)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["claim"][:50])
def test_each_computed_number_is_in_a_test_that_is_named(row):
    names = re.findall(r"`([^`]+)`", row["test"])
    assert names
    held = {number for name in names for node in nodes_of(name) for number in compared(node)}
    assert set(numbers(row["computed"])) <= held
    assert row["page"].startswith("[`/")


@pytest.mark.parametrize("link", LINKS)
def test_each_link_opens_what_it_says(link):
    parts = urlsplit(link)
    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    asked = dict(parse_qsl(parts.query))
    for name, value in asked.items():
        app.query_params[name] = value
    app.switch_page(f"screens/{parts.path.strip('/') or 'explore'}.py").run()
    assert not app.exception
    assert not app.error
    now = {name: app.session_state[name] for name in asked}
    assert {name: str(value).lower() for name, value in now.items()} == {k: v.lower() for k, v in asked.items()}
