"""docs/claims.md: each test that it names is there and has its figures, each link is one of the app's."""

import ast
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from app import state

ROOT = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "claims.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "::" in line
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_claim_is_computed_by_a_test_and_has_a_page(row):
    _, _, computed, page, test = row
    file, _, name = test.strip("`").partition("::")
    source = (ROOT / file).read_text(encoding="utf-8")
    names = {part.name for part in ast.parse(source).body if isinstance(part, ast.FunctionDef)}
    assert name in names
    for figure in re.findall(r"\d{1,3}(?:,\d{3})+", computed):
        number = figure.replace(",", "")
        assert re.search(rf"(?<!\d)(?:{figure}|{number}|{int(number):_})(?!\d)", source), figure

    shown, target = re.fullmatch(r"\[`([^`]+)`\]\(http://localhost:8501([^)]+)\)", page).groups()
    assert shown == target
    link = urlsplit(target)
    parts = state._PARTS[link.path.strip("/")]
    known = {*parts, "network", "layer"} if link.path == "/" else set(parts)
    assert set(parse_qs(link.query)) <= known


def test_every_page_but_the_one_for_two_networks_has_a_claim():
    pages = {urlsplit(re.search(r"localhost:8501([^)]+)\)", page)[1]).path.strip("/") for _, _, _, page, _ in ROWS}
    assert pages == set(state._PARTS) - {"beside"}
