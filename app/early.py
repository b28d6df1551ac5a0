"""What is on the first page of a fresh process before torch is there, whose import takes longer than all the rest.

The graph and the table of a network say the same as long as our sources and torch's version are the same: as soon as
they have been drawn once, they are kept on disk, and the next process begins with them.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

import cnnviz
from app.components.graph import layer_graph
from app.components.table import Column, layer_table
from cnnviz.cli.named import VARIABLE
from cnnviz.folders import cache_folder

USUAL = "resnet18"  # what a page opens with where its URL names no network
SENT = 0.1  # seconds in which the server's thread sends it; the import would hardly let it
_loaded: list[ModuleType] = []
_kept: set[str] = set()


def loaded() -> bool:
    """Whether the whole app is there by now."""
    return bool(_loaded)


def whole_app() -> ModuleType:
    """The module that draws the pages; until it is loaded, the first page shows what was kept of its network."""
    view = None if _loaded else _view_for(st.context.url or "", st.query_params.to_dict())
    if view or "early" in st.session_state:
        place = st.empty()  # on every run of who has seen it: all below stays where it is
        st.session_state["early"] = True
    if view:
        with place.container():
            _draw(view)
        time.sleep(SENT)
    if not _loaded:
        _loaded.append(import_module("app.whole"))
    if view:
        place.empty()
    return _loaded[0]


def keep(network: str, columns: Mapping[str, Column], drawn: Callable[[], tuple[str, list[list[object]]]]) -> None:
    """Keep a network, as it comes from the catalogue, for the next process; once in this one.

    Args:
        columns: of its table.
        drawn: gives the SVG of its graph and the rows of its table.
    """
    if network in _kept:
        return
    _kept.add(network)
    file = _file(network)
    if file.is_file():
        return
    svg, rows = drawn()
    heads = {name: asdict(column) for name, column in columns.items()}
    with suppress(OSError):  # a full disk is no reason to do without the page
        file.parent.mkdir(parents=True, exist_ok=True)
        for outdated in file.parent.glob(f"{network}.*"):
            outdated.unlink()
        unfinished = file.with_suffix(f".{os.getpid()}")
        view = {"network": network, "svg": svg, "rows": rows, "columns": heads}
        unfinished.write_text(json.dumps(view), encoding="utf-8")
        unfinished.replace(file)


def _view_for(url: str, asked: Mapping[str, str]) -> dict[str, Any] | None:
    """What was kept of the network that a URL asks for, if it leaves that as it comes from the catalogue."""
    changed = {"size", "classes", "shortcut", "heads", "batch_norm", "expect", "projector"} & set(asked)
    network = asked.get("network", USUAL)
    if os.environ.get(VARIABLE) or changed or not network.replace("-", "").isalnum():
        return None
    if urlsplit(url).path.strip("/"):  # another page
        return None
    try:
        view: dict[str, Any] = json.loads(_file(network).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return view


def _draw(view: Mapping[str, Any]) -> None:
    """As the whole page has it, but without controls: nobody would answer yet."""
    st.caption(f":material/hourglass_top: {view['network']}: graph and table as before; PyTorch is being loaded …")
    left, right = st.columns([10, 13], gap="medium")
    with left:
        layer_graph(view["svg"], selection="early", key="early graph", on_fold=lambda: None)
    with right:
        columns = {name: Column(**how) for name, how in view["columns"].items()}
        layer_table(view["rows"], columns, selection="early", key="early table", height=300)


def _file(network: str) -> Path:
    return cache_folder() / "graphs" / f"{network}.{_sources()}.json"


@cache
def _sources() -> str:
    """A digest of all that a graph, its drawing and its table depend on."""
    digest = hashlib.sha256(metadata.version("torch").encode())
    for file in sorted(Path(cnnviz.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
