"""Named scores as bars, which move when the answer changes."""

from collections.abc import Callable, Iterable

from app.components import component
from cnnviz.prediction import Prediction, Score

_bars = component("scores", html="<ul></ul><span class='said' role='status'></span>")


def score_bars(
    answer: Prediction,
    shown: Iterable[Score],
    *,
    key: str,
    name: str,
    dense: bool = False,
    chosen: int | None = None,
    on_pick: Callable[[], None] | None = None,
) -> None:
    """Draw some scores of an answer, in their order, the winner marked.

    Args:
        name: of the list, for who can't see it.
        dense: for a place beside another thing.
        chosen: the number of the class that is picked out.
        on_pick: called when a class is clicked, whose number is `st.session_state[key].pick` then; None where that
            does nothing.
    """
    scores = list(shown)
    longest = 1.0 if answer.measure == "probability" else max(score.value for score in scores)
    rows = [
        {
            "name": score.name,
            "value": answer.said(score.value),
            "share": round(score.value / longest, 4) if longest else 0,
            "best": score == answer.scores[0],
            "index": score.index,
        }
        for score in scores
    ]
    data = {"name": name, "rows": rows, "said": answer.verdict, "dense": dense}
    data |= {"chosen": chosen, "picks": on_pick is not None}
    _bars(key=key, data=data, on_pick_change=on_pick or (lambda: None))
