"""Where a lesson's knobs stand: in the session and the URL, each under its name; and what answers them."""

import base64
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import cache, state
from app.answers import address
from app.components.answer import answer
from app.components.graph import layer_graph
from app.components.knobs import Knob, board
from app.components.maps import grid_message, map_grid
from cnnviz.activations.pictures import Maps

ABOUT = "about"  # in the address of an answer: which of the kept things it is about


class Grid(NamedTuple):
    """Maps that belong to an answer.

    Attributes:
        key: of their grid.
        name: what they are, in words.
    """

    key: str
    name: str
    maps: Maps


class Drawing(NamedTuple):
    """A layer graph that belongs to an answer.

    Attributes:
        key: of its place, and what it is known by elsewhere.
        name: what it is, in words.
        height: of its place, in pixels.
    """

    key: str
    name: str
    svg: str
    height: int
    direction: Literal["TB", "LR"] = "TB"


class Answer(NamedTuple):
    """What is shown where knobs stand in one way: pieces of HTML, with grids of maps or layer graphs."""

    html: Sequence[str]
    grids: Sequence[Grid] = ()
    drawings: Sequence[Drawing] = ()


@dataclass(frozen=True)
class Lesson:
    """Knobs, and an answer that depends on them alone: a browser gets it by itself while they are being turned.

    Attributes:
        name: of the lesson, in the address of its answers.
        knobs: of which each has a name of its own.
        answer: from where all knobs stand, by their names: pieces of HTML, if that is all. Where it is about something
            that a page has found out beforehand, that comes first.
        about: whether it is.
    """

    name: str
    knobs: Sequence[Knob]
    answer: Callable[..., Answer | Sequence[str]]
    about: bool = False

    def turned(self, about: tuple[Hashable, Any] | None = None, *, live: bool = True, **how: Any) -> dict[str, Any]:
        """Draw the knobs, in a fragment; where they stand.

        Args:
            about: what tells the thing that the answers are about from all others, and that thing.
            live: whether they may be answered without Python.
        """
        asked = {} if about is None else {ABOUT: cache.keep(self.name, *about)}
        ask = f"{address(self.name)}?{urlencode(asked)}{'&' if asked else ''}" if live else ""
        return knobs(self.knobs, key=self.name, ask=ask, **how)

    def show(
        self,
        values: Mapping[str, Any],
        about: Any = None,
        where: DeltaGenerator | None = None,
        *,
        pictures_first: bool = False,
    ) -> None:
        """Show the answer, in the same fragment.

        Args:
            where: its words and charts stand, if not above its maps and graphs.
            pictures_first: whether they stand below those.
        """
        above, below = st.container(), st.container()
        found, turn = self._found(values, about), _told(self.name)[0]
        pictures = [*found.grids, *found.drawings]
        with where or (below if pictures_first else above):
            answer(*found.html, of=self.name, turn=turn)
        place = above if pictures_first else below
        for column, one in zip(place.columns(len(pictures), gap="medium") if pictures else (), pictures, strict=True):
            with column:
                if isinstance(one, Grid):
                    map_grid(one.maps, key=one.key, of=self.name, turn=turn, **_said(one))
                else:
                    _draw(one, self.name, turn)

    def draw(
        self,
        about: tuple[Hashable, Any] | None = None,
        *,
        beside: Sequence[int] | None = None,
        pictures_first: bool = False,
        **how: Any,
    ) -> None:
        """Draw the knobs, and the answer below them.

        Args:
            beside: how wide two columns are, if its words and charts stand beside the knobs instead.
            pictures_first: whether they stand below its maps and graphs.
        """
        left, right = st.columns(beside, gap="medium") if beside else (nullcontext(), None)
        with left:
            values = self.turned(about, **how)
        self.show(values, about and about[1], right, pictures_first=pictures_first)

    def asked(self, given: Mapping[str, str]) -> dict[str, Any]:
        """What a browser is answered; what can't be had is as usual.

        Raises:
            CnnvizError: there is no answer, or what it would be about isn't kept any more.
        """
        values = {knob.name: knob.read(given.get(knob.name, knob.usual)) for knob in self.knobs}
        found = self._found(values, cache.kept_as(self.name, given.get(ABOUT, "")) if self.about else None)
        maps = {grid.key: grid_message(grid.maps, place=grid.key, of=self.name, **_said(grid)) for grid in found.grids}
        return {
            "html": "".join(found.html),
            "maps": {key: base64.b64encode(message).decode() for key, message in maps.items()},
            "drawings": {drawing.key: drawing.svg for drawing in found.drawings},
        }

    def _found(self, values: Mapping[str, Any], about: Any) -> Answer:
        found = self.answer(**values) if about is None else self.answer(about, **values)
        return found if isinstance(found, Answer) else Answer(found)


def _draw(one: Drawing, of: str, turn: int) -> None:
    if one.name:
        st.markdown(f"**{one.name}**")
    layer_graph(
        one.svg,
        selection=one.key,
        key=one.key,
        on_fold=lambda: None,
        direction=one.direction,
        projector=state.projector(),
        height=state.px(one.height),
        of=of,
        turn=turn,
    )


def _said(grid: Grid) -> dict[str, str]:
    return {"name": grid.name, "title": grid.name, "scale": "layer"}


def knobs(shown: Sequence[Knob], *, key: str, **how: Any) -> dict[str, Any]:
    """Draw knobs, in a fragment that answers to them.

    Args:
        how: more that `app.components.knobs.board` is to know.

    Returns:
        where each of them stands, by its name.
    """
    values = {knob.name: _set(knob, state.followed(knob.name)) for knob in shown}
    board(shown, values, turn=_told(key)[0], key=key, on_turned=lambda: _turn(shown, key), **how)
    return values


def _set(knob: Knob, value: object) -> Any:
    """Have session and URL say where a knob stands; None for where it usually does."""
    found = st.session_state[knob.name] = knob.usual if value is None else knob.read(value)
    state.write(knob.name, None if found == knob.usual else found)
    return found


def _turn(shown: Sequence[Knob], key: str) -> None:
    values = _told(key)[1]
    for knob in shown:
        if knob.name in values:
            _set(knob, values[knob.name])


def _told(key: str) -> tuple[int, Mapping[str, object]]:
    """The number of the last turn, and where the knobs stood then, as a browser says it."""
    told = getattr(st.session_state.get(key), "turned", None)
    told = told if isinstance(told, Mapping) else {}
    turn, values = told.get("turn"), told.get("values")
    return (turn if isinstance(turn, int) else 0, values if isinstance(values, Mapping) else {})
