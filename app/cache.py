"""Everything that pages keep: graphs, drawings, tables, pictures. Maps and models are the engine's."""

import hashlib
import json

import pandas as pd
import streamlit as st
from PIL import Image

from cnnviz.analysis.folding import Fold, folds
from cnnviz.catalogue import Options, describe
from cnnviz.engine.local import Engine, Picture, engine
from cnnviz.graph import LayerGraph
from cnnviz.images import as_received, load_image, photographs
from cnnviz.networks import card
from cnnviz.views import tables
from cnnviz.views.dot import Colour, Direction, dot_of
from cnnviz.views.drawing import Drawing, Unfolded, drawing
from cnnviz.views.export import graph_json
from cnnviz.views.layout import Format, render, svg_for_page
from cnnviz.views.mermaid import mermaid

LONGEST_SIDE = 1024  # of a visitor's picture: larger than any network's input, small enough for a full hall


def graph_of(options: Options) -> LayerGraph:
    """The layer graph of a network with these options; it is frozen, so all visitors share one."""
    return describe(options)


@st.cache_resource(max_entries=64, show_spinner=False)
def folds_of(options: Options) -> tuple[Fold, ...]:
    """The runs of equal blocks of a network."""
    return folds(graph_of(options))


@st.cache_resource(max_entries=64, show_spinner=False)
def drawing_of(options: Options, unfolded: Unfolded) -> Drawing:
    """What the picture of a network shows."""
    return drawing(graph_of(options), unfolded)


@st.cache_resource(max_entries=64, show_spinner="Laying out the graph …")
def svg_of(options: Options, unfolded: Unfolded, direction: Direction, colour: Colour) -> str:
    """The picture of a network, as an element of a page."""
    return svg_for_page(picture_file(options, unfolded, direction, colour, "svg"))


def picture_file(options: Options, unfolded: Unfolded, direction: Direction, colour: Colour, form: Format) -> bytes:
    """The picture of a network as a file."""
    return render(dot_text(options, unfolded, direction, colour), form)


def dot_text(options: Options, unfolded: Unfolded, direction: Direction, colour: Colour) -> str:
    """What Graphviz lays out."""
    return dot_of(drawing_of(options, unfolded), direction, colour)


def mermaid_text(options: Options, unfolded: Unfolded, direction: Direction) -> str:
    """The picture as a Mermaid flowchart."""
    return mermaid(graph_of(options), unfolded=unfolded, direction=direction)


def json_text(options: Options) -> str:
    """The whole graph, unfolded."""
    return json.dumps(graph_json(graph_of(options)), indent=2)


@st.cache_data(max_entries=64, show_spinner=False)
def table_of(options: Options) -> pd.DataFrame:
    """One row a layer."""
    return tables.layers(graph_of(options))


@st.cache_resource(max_entries=16, show_spinner=False)
def photograph(name: str) -> Picture:
    """One of the pictures that come along."""
    return picture_from(photographs()[name].read_bytes(), name)


@st.cache_resource(max_entries=64, show_spinner=False)
def received(network: str, size: tuple[int, int] | None, digest: str, _image: Image.Image) -> Image.Image:
    """A picture as a network receives it, as large as it is looked at on a page."""
    seen = as_received(_image, card(network), size)
    side = max(seen.size)
    if side > 300:
        seen.thumbnail((300, 300))
        return seen
    zoom = max(1, 128 // side)  # 32 x 32 pixels are to be seen as what they are
    return seen.resize((seen.width * zoom, seen.height * zoom), Image.Resampling.NEAREST)


def picture_from(data: bytes, name: str) -> Picture:
    """A visitor's file as a picture, no larger than any network needs."""
    image = load_image(data, name)
    notes = image.info.get("cnnviz_notes", ())
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    image.info["cnnviz_notes"] = notes
    return Picture(image, hashlib.sha256(data).hexdigest())


def sample_names() -> list[str]:
    """Names of the pictures that come along."""
    return list(photographs())


def shared_engine() -> Engine:
    """Who runs the forward passes. Not in Streamlit's cache, which any visitor can clear."""
    return engine()
