"""What our own components are given, where a page runs without a browser."""

import json
import struct
from html.parser import HTMLParser
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest


def given(app: AppTest, name: str) -> list[dict[str, Any]]:
    """The data of each component of a name, in the order of the page."""
    protos = [element.proto for element in app.get("bidi_component")]
    return [json.loads(proto.json) for proto in protos if proto.component_name == f"cnnviz.{name}"]


class Answer(HTMLParser):
    """What a page answers to its knobs, as `app.components.answer` has shown it: one after the other.

    Attributes:
        words: all of its text.
        numbers: the large ones, by their names.
        rows: of its tables, the cells of each.
        charts: that are to be drawn.
    """

    def __init__(self, app: AppTest) -> None:
        super().__init__()
        self.words, self.numbers, self.rows, self.charts = "", {}, [], []
        self._tags: list[str] = []
        for element in app.get("html"):
            if "class='answer'" in element.proto.body:
                self.feed(element.proto.body)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if shown := dict(attributes).get("data-charts"):
            self.charts += json.loads(shown)["charts"]

    def handle_endtag(self, tag: str) -> None:
        assert self._tags.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._tags[-1:] == ["dt"]:
            self._name = data
        if self._tags[-1:] == ["dd"]:
            self.numbers[self._name] = data
        if self._tags[-1:] in (["td"], ["th"]):
            self.rows[-1][-1] += data


def grid(app: AppTest, key: str = "maps") -> dict[str, Any]:
    """What a grid of maps was sent: what its message's head says, and its values as bytes."""
    return packed(app, "maps", key)


def packed(app: AppTest, name: str, key: str) -> dict[str, Any]:
    """The head of a component's message that travels as bytes, and the bytes behind it."""
    [found] = [
        element.proto.bytes
        for element in app.get("bidi_component")
        if element.proto.component_name == f"cnnviz.{name}" and element.proto.id.endswith(f"-{key}")
    ]
    length = struct.unpack("<I", found[:4])[0]
    return json.loads(found[4 : 4 + length]) | {"bytes": found[4 + length :]}


def table(app: AppTest) -> pd.DataFrame:
    """The table of layers."""
    [shown] = given(app, "table")
    return pd.DataFrame(shown["rows"], columns=[column["name"] for column in shown["columns"]])


def layers(app: AppTest, side: int = 0) -> list[str]:
    """The layers that the search box offers."""
    return [path for path, _ in given(app, "search")[side]["layers"]]


def pick(app: AppTest, path: str, key: str = "layer") -> AppTest:
    """Another layer, as a click would select it, and the page after it."""
    app.session_state[key] = path
    return app.run()


def turn(app: AppTest, **values: Any) -> AppTest:
    """Knobs, named as in the URL, as a browser would have turned them, and the page after it."""
    for name, value in values.items():
        app.session_state[name] = value
    return app.run()


def stand(app: AppTest) -> dict[str, Any]:
    """Where all knobs of a page stand, by their names in the URL."""
    return {name: value for board in given(app, "knobs") for name, value in board["values"].items()}


def card(app: AppTest) -> str:
    """The HTML of the open layer card."""
    return given(app, "card")[0]["html"]
