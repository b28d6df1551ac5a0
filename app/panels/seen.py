"""What the tabs of a layer's card are about, and what each says first: with which weights."""

from dataclasses import dataclass

import streamlit as st

from app import state
from cnnviz.catalogue import Options
from cnnviz.engine.local import Outcome, Picture, Result
from cnnviz.engine.studio import Subject
from cnnviz.graph import Layer, LayerGraph


@dataclass(frozen=True)
class Seen:
    """What a tab of the card is about.

    Attributes:
        path: of the selected layer.
        picture: that the network looks at; None where there is none.
        weights: that it looks with, as the engine takes them.
    """

    selection: state.Selection
    options: Options
    graph: LayerGraph
    path: str
    picture: Picture | None
    weights: str

    @property
    def layer(self) -> Layer:
        """The selected layer."""
        return self.graph.layer(self.path)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        return self.graph.input_shape[-2], self.graph.input_shape[-1]

    @property
    def subject(self) -> Subject | None:
        """What the studio is asked about; None where there is no picture."""
        return Subject(self.options, self.picture, self.weights, state.fit()) if self.picture else None

    @property
    def guessed(self) -> bool:
        """Whether the layer's numbers are still to be guessed."""
        return state.hidden("layer", (self.graph, self.path))


def behind(found: Result | Outcome, what: str) -> None:
    """With which weights it was found, and where; untrained ones can't be overlooked.

    Args:
        what: said of what random weights make.
    """
    if found.trained is not False:
        known = "" if found.trained else ", trained or not"
        st.caption(f":material/neurology: With {found.weights}{known}, on {found.device}.")
    else:
        st.warning(f"Made with **{found.weights}**, on {found.device}: {what}", icon=":material/casino:")
    if found.note:
        st.info(found.note)
