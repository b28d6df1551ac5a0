"""A picture as a network receives it, with the window framed that the selected layer's middle unit sees."""

from app.components import component

_framed = component(
    "framed",
    html="<figure><div class='picture'><img><div class='window' hidden></div></div><figcaption></figcaption></figure>",
)


def framed_picture(source: str, size: tuple[int, int], *, selection: str, key: str, width: int) -> None:
    """Show a picture no wider than `width` pixels; its frame and its caption come with the selection.

    Args:
        source: its URL; the picture is as large as it is to be seen.
        size: height and width of the network's input, whose pixels the frame is counted in.
        selection: name of the selection that it shows.
    """
    _framed(key=key, data={"selection": selection, "source": source, "size": list(size), "width": width})
