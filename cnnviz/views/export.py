"""Results as JSON forms: plain dictionaries that `json.dumps` takes as they are; DESIGN.md has their keys."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cnnviz.analysis.kernels import Replication
from cnnviz.graph import Layer, LayerGraph, ReceptiveField, Totals
from cnnviz.printed.held import Cell, Held

if TYPE_CHECKING:  # the card's module imports torch
    from cnnviz.networks.card import Card

Json = dict[str, Any]


def table_json(graph: LayerGraph) -> Json:
    """The layers of a graph with their totals."""
    return {
        "network": graph.network,
        "input_shape": list(graph.input_shape),
        "layers": [layer_json(layer) for layer in graph.layers],
        "totals": totals_json(graph.totals),
    }


def graph_json(graph: LayerGraph) -> Json:
    """Nodes, edges and blocks of a graph, always unfolded."""
    return {
        "network": graph.network,
        "nodes": [layer_json(layer) for layer in graph.layers],
        "edges": [
            {"source": edge.source, "target": edge.target, "shape": list(edge.shape), "role": edge.role}
            for edge in graph.edges
        ],
        "blocks": [{"path": block.path, "kind": block.kind, "layers": list(block.layers)} for block in graph.blocks],
    }


def layer_json(layer: Layer) -> Json:
    """All that is known of a layer; `receptive_field` is null where a unit sees the whole input."""
    return {
        "path": layer.path,
        "op": layer.op,
        "hyperparameters": {name: plain(value) for name, value in layer.hyperparameters},
        "input_shapes": [list(shape) for shape in layer.input_shapes],
        "output_shape": list(layer.output_shape),
        "params": layer.params,
        "trainable_params": layer.trainable_params,
        "macs": layer.macs,
        "activation_bytes": layer.activation_bytes,
        "receptive_field": layer.receptive_field and field_json(layer.receptive_field),
        "shared_with": layer.shared_with,
    }


def field_json(field: ReceptiveField) -> Json:
    """Each is [height, width] in input pixels."""
    return {"size": list(field.size), "stride": list(field.stride), "start": list(field.start)}


def receptive_field_json(graph: LayerGraph, layer: Layer) -> Json:
    """A layer's receptive field; size, stride and start are null where a unit sees the whole input."""
    field = layer.receptive_field
    values = field_json(field) if field else dict.fromkeys(("size", "stride", "start"))
    return {
        "network": graph.network,
        "input_shape": list(graph.input_shape),
        "layer": layer.path,
        **values,
    }


def totals_json(totals: Totals) -> Json:
    """Sums over all layers; `flops` is twice `macs`."""
    return {
        "params": totals.params,
        "trainable_params": totals.trainable_params,
        "macs": totals.macs,
        "flops": totals.flops,
        "activation_bytes": totals.activation_bytes,
    }


def networks_json(cards: Iterable["Card"], totals: Mapping[str, Totals]) -> Json:
    """The catalogue; `totals` (by key) are at each card's own input size."""
    return {
        "networks": [
            {
                "key": card.key,
                "title": card.title,
                "year": card.year,
                "idea": card.idea,
                "input_shape": list(card.input_shape),
                "classes": card.classes,
                "options": sorted(card.options),
                "normalisation": {
                    "name": card.normalisation.name,
                    "mean": list(card.normalisation.mean),
                    "std": list(card.normalisation.std),
                },
                "paper": {"citation": card.paper.citation, "link": card.paper.link},
                "top5": {"percent": card.top5.percent, "source": card.top5.source} if card.top5 else None,
                "totals": totals_json(totals[card.key]),
            }
            for card in cards
        ]
    }


def replicate_json(r: Replication) -> Json:
    """A K x K layer beside its stack of 3 x 3.

    `receptive_field` is the side of its window; where a stride gives the stack another one, `receptive_field_stack` is.
    """
    other = {} if r.threes.field == r.single.field else {"receptive_field_stack": r.threes.field[0]}
    return {
        "kernel": r.kernel,
        "stack": r.stack,
        "weights_single": r.weights_single,
        "weights_stack": r.weights_stack,
        "saving_percent": r.saving_percent,
        "macs_single": r.macs_single,
        "macs_stack": r.macs_stack,
        "receptive_field": r.receptive_field[0],
        **other,
    }


def printed_json(held: Held) -> Json:
    """A printed table beside the computed one; a cell that the table leaves blank isn't among `cells`.

    `equal` is null where nothing is printed, `reason` where nothing differs.
    """
    return {
        "network": held.network,
        "against": held.against,
        "rows": [
            {
                "group": row.group,
                "layer": row.layer,
                "cells": {column: cell_json(cell) for column, cell in row.cells.items()},
            }
            for row in held.rows
        ],
        "printed_total": held.printed_total,
        "computed_total": held.computed_total,
    }


def cell_json(cell: Cell) -> Json:
    """A printed cell beside the computed one."""
    return {
        "printed": cell.printed,
        "computed": cell.computed,
        "equal": cell.equal,
        "reason": cell.reason or None,
    }


def plain(value: object) -> Any:
    """A value as JSON has it: lists for tuples, a text for what JSON has no number for ('inf', 'nan')."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
