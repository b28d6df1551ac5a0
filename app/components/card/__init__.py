"""A layer's card, and a network's deck of cards, from which a pick is answered before Python has heard of it."""

from app.components import component

_card = component("card", html="<article></article>")
_deck = component("card", "deck", html="<span hidden></span>")
_worked = component("card", "worked", html="<article></article>")


def layer_card(html: str, *, selection: str, layer: str, key: str) -> None:
    """Show the card of the selection's layer, as `cnnviz.views.explain.html` has written it."""
    _card(key=key, data={"selection": selection, "layer": layer, "html": html})


def layer_deck(cards: bytes, *, selection: str, key: str) -> None:
    """Give the page all cards of the selection's network, HTML by path as JSON in gzip.

    They are sent once: Streamlit keeps larger messages in the browser, and small decks are small.
    """
    _deck(key=key, data=selection.encode() + b"\n" + cards, height=1)


def worked_number(html: str, *, key: str) -> None:
    """Show how a number was computed, as `cnnviz.views.worked` has written it."""
    _worked(key=key, data={"html": html})
