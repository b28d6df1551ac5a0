"""A forward pass through a drawing, node by node: what a lecture steps along."""

from dataclasses import dataclass

from cnnviz.graph import Shape
from cnnviz.views.drawing import Drawing, Node, run_label


@dataclass(frozen=True)
class Step:
    """A node of a drawing, as the pass comes to it.

    Attributes:
        node: its path.
        title: what it does: 'conv 7×7 / 2, pad 3 + batch norm + ReLU'.
        shape: of the tensor that it gives; None where it isn't told.
        run: the folded run that it lies in, 'layer1.0 to layer1.1 · ×2, the same', or ''.
        stops: whether the pass stops here; of a folded run it stops at the last node alone.
    """

    node: str
    title: str
    shape: Shape | None
    run: str = ""
    stops: bool = True


def steps(picture: Drawing, numbers: bool = True) -> tuple[Step, ...]:
    """All nodes of a drawing in the order of the data; a folded run is one step, however many nodes it shows.

    Args:
        numbers: whether they say their shapes.
    """
    runs = [_run_around(picture, node) for node in picture.nodes]
    last = {run: node.path for run, node in zip(runs, picture.nodes, strict=True)}
    return tuple(
        Step(
            node=node.path,
            title=" + ".join([node.title, *filter(None, [node.followers.replace(" · ", " + ")])]),
            shape=node.output_shape if numbers else None,
            run=run,
            stops=not run or last[run] == node.path,
        )
        for run, node in zip(runs, picture.nodes, strict=True)
    )


def _run_around(picture: Drawing, node: Node) -> str:
    """The outermost folded run that a node lies in, or ''."""
    boxes = {box.path: box for box in picture.boxes}
    found, home = node.run, node.box
    while home:
        found, home = boxes[home].run or found, boxes[home].parent
    return run_label(found) if found else ""
