"""Any value of any parameter of any page gives a page, and at most one sentence.

`CNNVIZ_FUZZ=600` goes on for ten minutes, each time with other links.
"""

import os
import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from app import state

APP = Path(__file__).parents[2] / "app"
PAGES = ["", *(path.stem for path in sorted((APP / "screens").glob("*.py")) if path.stem != "explore")]
SECONDS = float(os.environ.get("CNNVIZ_FUZZ", "3"))
RUBBISH = (
    *("", " ", "\0", "-1", "0", "1", "7", "65536", "65537", "1e400", "-inf", "nan", "0x10", "1_000", "٣", "9" * 400),
    *("true", "None", "[]", '{"a": 1}', "../../etc/passwd", "<script>alert(1)</script>", "![x](http://y)", "os:system"),
    *("%00%ff", "'; DROP TABLE", "{0.__class__}", "\u202egnp.exe", "a" * 10_000, "own", "imagenet", "lenet5", "conv1"),
    *("cat", "file", "pad", "camera", "A", "5,5", "conv1.weight", "résumé", "😀"),
)
OF_A_SELECTION = (
    "network",
    "size",
    "layer",
    "order",
    "scale",
    "colour",
    "across",
    "weights",
    "channel",
    "at",
    "target",
)


def parameters(page: str) -> list[str]:
    """All that a page's link may say."""
    names = {"projector", "expect", "cell", "card", *state._PARTS.get(page, ())}
    for selection in state._SELECTIONS.get(page, ()):
        names |= {selection.key(name) for name in (*OF_A_SELECTION, *state.OPTIONS)}
    return sorted(names)


def opened(page: str, query: dict[str, str | list[str]]) -> AppTest:
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    if page:
        app.switch_page(f"screens/{page}.py")
    return app.run()


def small(page: str) -> dict[str, str]:
    """A network that takes no time, where a page has a choice."""
    return {"network": "lenet5", "network2": "lenet5"} if page in ("", "beside") else {}


def test_every_page_has_parameters():
    assert len(PAGES) == 9
    assert set(state._PARTS) <= set(PAGES)
    assert sum(map(len, map(parameters, PAGES))) > 100


@pytest.mark.parametrize("value", ["", "<script>alert(1)</script>", "-1", "9" * 400, "nan"])
@pytest.mark.parametrize("page", PAGES)
def test_a_link_that_is_rubbish_from_end_to_end_gives_a_page(page, value):
    app = opened(page, dict.fromkeys(parameters(page), value) | small(page))
    assert not app.exception
    assert len(app.main.children) > 1
    assert not any("<script>" in markdown.value and markdown.allow_html for markdown in app.markdown)


@some.composite
def links(draw: some.DrawFn) -> tuple[str, dict[str, str | list[str]], int]:
    """A page, what its link says, and how many parameters are out of the ordinary."""
    page = draw(some.sampled_from(PAGES))
    text = some.one_of(
        some.sampled_from(RUBBISH),
        some.integers(-300, 300).map(str),
        some.floats().map(str),
        some.text(max_size=30),
    )
    value = some.one_of(text, some.lists(text, min_size=1, max_size=3))
    found = draw(some.dictionaries(some.sampled_from(parameters(page)), value, min_size=1, max_size=4))
    return page, small(page) | found, len(found)


def test_any_value_of_any_parameter_gives_a_page_and_at_most_a_sentence():
    end, rounds = time.monotonic() + SECONDS, 0

    @hypothesis.settings(
        max_examples=10, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(links())
    def holds(link: tuple[str, dict[str, str | list[str]], int]) -> None:
        page, query, odd = link
        app = opened(page, query)
        assert not app.exception
        assert len(app.main.children) > 1
        assert len(app.error) <= odd
        for box in app.error:
            assert "\n" not in box.value
            assert len(box.value) < 500

    fixed = "CNNVIZ_FUZZ" not in os.environ
    while not rounds or time.monotonic() < end:
        hypothesis.seed(rounds if fixed else os.urandom(8))(holds)()
        rounds += 1
