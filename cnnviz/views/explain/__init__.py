"""The layer card: what a layer is for, and every number of it as the arithmetic that gives it.

Texts are Markdown, formulas LaTeX; no layer is known by its network, only by its operation,
hyperparameters and shapes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cnnviz.graph import Layer, LayerGraph
from cnnviz.views.drawing import by_sign, title
from cnnviz.views.explain.formula import Formula
from cnnviz.views.explain.notes import Arm, arms_in, blocks_around, innermost, notes_on, window_seen
from cnnviz.views.explain.numbers import formulas
from cnnviz.views.explain.purpose import kind_of

__all__ = ["Explanation", "Formula", "Share", "explain", "explain_all"]


@dataclass(frozen=True)
class Share:
    """How much of a network's total a layer holds."""

    name: str
    part: int
    whole: int

    @property
    def percent(self) -> float:
        """0 where the network has none at all."""
        return 100 * self.part / self.whole if self.whole else 0.0

    @property
    def text(self) -> str:
        """'8,192 of 11,689,512, 0.0701 %'."""
        share = "0 %" if not self.part else "under 0.01 %" if self.percent < 0.01 else f"{self.percent:.3g} %"
        return f"{self.part:,} of {self.whole:,}, {share}"


@dataclass(frozen=True)
class Explanation:
    """The card of one layer.

    Attributes:
        heading: 'conv 7×7 / 2, pad 3'.
        shapes: what comes in and what goes out.
        block: the blocks that hold it, innermost first, and `arm`: the arm of a join that it lies on; '' for none.
        purpose: what this kind of layer is for, in a sentence or two, and `source`: who says so.
        definition: what it computes, LaTeX; '' where that is no single formula.
        formulas: its numbers. Where a number is 0, or no formula of ours gives it, there is none.
        sees: the window of the input that a unit sees.
        notes: what is particular to this layer in this network: why a projection, why free, whose weights.
        shares: of the network's parameters, MACs and memory.
    """

    path: str
    op: str
    heading: str
    shapes: str
    block: str
    arm: str
    purpose: str
    source: str
    definition: str
    formulas: tuple[Formula, ...]
    sees: str
    notes: tuple[str, ...]
    shares: tuple[Share, ...]

    @property
    def shapes_asked(self) -> str:
        """What comes in, and a question mark for what goes out; an input is given."""
        takes, arrow, _ = self.shapes.rpartition(" → ")
        return f"{takes} → ?" if arrow else self.shapes


def explain(graph: LayerGraph, path: str) -> Explanation:
    """The card of the layer at `path`.

    Raises:
        UnknownLayer: the graph has no such path; the message names the closest ones.

    ResNet-18's conv1: 64·3·7·7 = 9,408 parameters, 64·112·112 × 3·7·7 = 118,013,952 MACs.
    """
    return _explained(graph, graph.layer(path), arms_in(graph))


def explain_all(graph: LayerGraph) -> list[Explanation]:
    """The cards of all layers, in the order of the graph."""
    arms = arms_in(graph)  # once: of 517 layers, they would take four fifths of the time
    return [_explained(graph, layer, arms) for layer in graph.layers]


def _explained(graph: LayerGraph, layer: Layer, arms: Sequence[Arm]) -> Explanation:
    totals, kind = graph.totals, kind_of(layer)
    arm = innermost(arms, layer.path)
    written = formulas(graph, layer)
    return Explanation(
        path=layer.path,
        op=layer.op,
        heading=title(layer),
        shapes=" → ".join(filter(None, [", ".join(map(by_sign, layer.input_shapes)), by_sign(layer.output_shape)])),
        block=blocks_around(graph, layer.path),
        arm=arm.name if arm else "",
        purpose=kind.purpose,
        source=kind.source,
        definition=kind.defined_for(layer),
        formulas=written,
        sees=window_seen(layer.receptive_field, graph.input_shape),
        notes=notes_on(layer, arms, written),
        shares=(
            Share("parameters", layer.params, totals.params),
            Share("MACs", layer.macs, totals.macs),
            Share("memory", layer.activation_bytes, totals.activation_bytes),
        ),
    )
