"""What our own components are given, where a page runs without a browser."""

import json
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest


def given(app: AppTest, name: str) -> list[dict[str, Any]]:
    """The data of each component of a name, in the order of the page."""
    protos = [element.proto for element in app.get("bidi_component")]
    return [json.loads(proto.json) for proto in protos if proto.component_name == f"cnnviz.{name}"]


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


def card(app: AppTest) -> str:
    """The HTML of the open layer card."""
    return given(app, "card")[0]["html"]
