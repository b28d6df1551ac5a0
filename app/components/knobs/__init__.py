"""A lesson's knobs in one element, which are answered at every step of a turn.

Streamlit's own controls are an element each, and all of a page that answers are drawn anew: with seven of them, that
takes longer than the answer. What is known of a knob here is also what its values are held against, wherever they come
from.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.components import component

_board = component("knobs")
Value = bool | int | float | str | None


@dataclass(frozen=True)
class Number:
    """A number, typed or slid.

    Attributes:
        name: in the session, and in the URL.
        usual: until it is turned; None: nothing is typed.
        step: from one to the next; whole numbers, if it is one.
        help: what it means, in a sentence.
        blank: what an empty field means, if it may be empty.
        slider: whether it can be slid.
        unless: another knob and where it stands, so that this one counts for nothing, and isn't shown.
    """

    name: str
    label: str
    usual: float | None
    low: float
    high: float
    step: float = 1
    help: str = ""
    blank: str = ""
    slider: bool = True
    unless: tuple[str, Value] | None = None

    def read(self, value: object) -> float | None:
        """What the session, the URL or a browser says, if it can be had; else what is usual."""
        if self.blank and value in (None, ""):
            return None
        try:
            number = float(str(value))
        except ValueError:
            return self.usual
        if not (math.isfinite(number) and self.low <= number <= self.high):
            return self.usual
        exact = self.low + round((number - self.low) / self.step) * self.step
        return int(exact) if isinstance(self.step, int) else round(exact, 9)


@dataclass(frozen=True)
class Choice:
    """One of a few words or numbers: side by side, in a list, or slid along if they are in an order.

    Attributes:
        name, label, usual, help, unless: as those of a number.
        slider, listed: whether it can be slid, or is a list.
        wide: whether it has the place of two.
    """

    name: str
    label: str
    usual: int | str
    offered: Sequence[int | str]
    help: str = ""
    slider: bool = False
    listed: bool = False
    wide: bool = False
    unless: tuple[str, Value] | None = None

    def read(self, value: object) -> int | str:
        """What the session, the URL or a browser says, if it is offered; else what is usual."""
        return next((one for one in self.offered if str(one) == str(value)), self.usual)


@dataclass(frozen=True)
class Switch:
    """On or off."""

    name: str
    label: str
    usual: bool = False
    help: str = ""
    unless: tuple[str, Value] | None = None

    def read(self, value: object) -> bool:
        """What the session, the URL or a browser says, if it is either; else what is usual."""
        return {"true": True, "false": False}.get(str(value).lower(), self.usual)


Knob = Number | Choice | Switch


def board(
    shown: Sequence[Knob],
    values: Mapping[str, Value],
    *,
    turn: int,
    key: str,
    on_turned: Callable[[], None],
    ask: str = "",
    presets: Mapping[str, Mapping[str, Value]] | None = None,
    preset_label: str = "",
    least: float = 9,
) -> None:
    """Draw knobs, as many side by side as there is room for.

    `st.session_state[key].turned` is the number of the last `turn` that Python was told of, and the `values` of all
    knobs then.

    Args:
        values: where they stand.
        turn: that these values are of, 0 before any.
        ask: address that gives the answers of a turn, when its values are added to it; the browser then tells Python
            when the knobs rest. Without one, it tells at each step.
        presets: name -> where all of them stand; a list of them comes first.
        preset_label: what they are.
        least: rem that a knob takes at least.
    """
    data = {
        "key": key,
        "knobs": [{"kind": type(knob).__name__, **_plain(knob)} for knob in shown],
        "values": dict(values),
        "turn": turn,
        "ask": ask,
        "presets": presets or {},
        "presetLabel": preset_label,
        "least": least,
    }
    _board(key=key, data=data, on_turned_change=on_turned)


def _plain(knob: Knob) -> dict[str, object]:
    return {
        name: list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
        for name, value in vars(knob).items()
    }
