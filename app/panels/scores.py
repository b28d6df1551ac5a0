"""What the network takes the picture for: named scores, the margin, and the weights behind them."""

import streamlit as st

from app import cache, state
from app.components.scores import score_bars
from app.panels import where
from app.panels.lecture import show_button
from app.panels.seen import Seen
from app.panels.waiting import waiting
from cnnviz.catalogue import Options
from cnnviz.engine.local import Answer, Picture

MOST = 10


def panel(seen: Seen) -> None:
    """The likeliest classes, best first, and where one comes from; hidden while they are to be guessed."""
    selection, options, picture = seen.selection, seen.options, seen.picture
    if picture is None:
        return
    answer = answer_to(options, picture, seen.weights)
    place = (options, picture.digest, state.fit(), seen.weights)
    if state.hidden("says", place):
        st.markdown("**What will it say?**")
        show_button("says", place)
        return
    behind(answer, options)
    prediction = answer.prediction
    st.markdown(f"**{prediction.verdict}**")
    shown = prediction.scores[:MOST]
    target = selection.class_of(len(prediction.scores))
    score_bars(
        prediction,
        shown,
        key=selection.key("scores"),
        name=f"Scores of the {len(shown)} best classes",
        chosen=target,
        on_pick=lambda: selection.pick_class(selection.get("scores").pick),
    )
    others = len(prediction.scores) - len(shown)
    if others:
        rest = prediction.said(sum(score.value for score in prediction.scores[MOST:]))
        share = f", {rest} together" if prediction.measure == "probability" else ""
        st.caption(f"The other {others:,} classes are behind these{share}.")
    if target is None:
        st.caption("Click a class to see where in the picture its score comes from.")
    else:
        where.panel(seen, answer, next(score for score in prediction.scores if score.index == target))


def answer_to(options: Options, picture: Picture, weights: str = state.AUTO) -> Answer:
    """What the network takes a picture for."""
    with waiting(f"Asking {options.network} …") as on_wait:
        return cache.shared_engine().prediction(options, picture, weights=weights, fit=state.fit(), on_wait=on_wait)


def behind(answer: Answer, options: Options) -> None:
    """With which weights it was found, and at which size where that isn't the page's."""
    if answer.trained is False:
        st.warning(
            f"Made with **{answer.weights}**, on {answer.device}: they have learned nothing, the answer means nothing.",
            icon=":material/casino:",
        )
    else:
        known = "" if answer.trained else ", trained or not"
        st.caption(f":material/neurology: With {answer.weights}{known}, on {answer.device}.")
    asked, run = (cache.graph_of(choice).input_shape for choice in (options, answer.options))
    if asked != run:
        st.caption(
            f":material/aspect_ratio: At {run[1]} × {run[2]}, the size at which these weights have learned; "
            f"graph, table and maps are at {asked[1]} × {asked[2]}."
        )
    if answer.note:
        st.info(answer.note)
