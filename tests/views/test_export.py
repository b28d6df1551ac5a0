"""The JSON forms are a contract: DESIGN.md has their keys."""

import json

import pytest

from cnnviz.analysis.kernels import replicate
from cnnviz.catalogue import Options, describe
from cnnviz.graph import Layer, LayerGraph
from cnnviz.networks import cards
from cnnviz.views import export

LAYER = {
    "path",
    "op",
    "hyperparameters",
    "input_shapes",
    "output_shape",
    "params",
    "trainable_params",
    "macs",
    "activation_bytes",
    "receptive_field",
    "shared_with",
}


def sent(value):
    """What arrives at the other end."""
    return json.loads(json.dumps(value, allow_nan=False))


@pytest.mark.parametrize("key", cards())
def test_table_has_its_keys_and_adds_up(key):
    table = sent(export.table_json(describe(Options(key))))
    assert set(table) == {"network", "input_shape", "layers", "totals"}
    assert table["network"] == key
    assert set(table["totals"]) == {"params", "trainable_params", "macs", "flops", "activation_bytes"}
    assert all(set(layer) == LAYER for layer in table["layers"])
    for name in ("params", "trainable_params", "macs", "activation_bytes"):
        assert sum(layer[name] for layer in table["layers"]) == table["totals"][name]
    assert table["totals"]["flops"] == 2 * table["totals"]["macs"]


def test_a_layer_is_plain_numbers():
    layers = {layer["path"]: layer for layer in sent(export.table_json(describe(Options("alexnet"))))["layers"]}
    pool5 = layers["pool5"]
    assert pool5["hyperparameters"]["kernel"] == [3, 3]
    assert pool5["input_shapes"] == [[256, 13, 13]]
    assert pool5["output_shape"] == [256, 6, 6]
    assert pool5["receptive_field"] == {"size": [195, 195], "stride": [32, 32], "start": [-64, -64]}
    assert pool5["shared_with"] is None
    assert layers["fc6"]["receptive_field"] is None


def test_graph_is_unfolded_and_complete():
    graph = describe(Options("resnet152"))
    value = sent(export.graph_json(graph))
    assert set(value) == {"network", "nodes", "edges", "blocks"}
    assert len(value["nodes"]) == len(graph.layers)
    assert all(set(node) == LAYER for node in value["nodes"])
    assert all(set(edge) == {"source", "target", "shape", "role"} for edge in value["edges"])
    assert all(set(block) == {"path", "kind", "layers"} for block in value["blocks"])
    paths = {node["path"] for node in value["nodes"]}
    assert {end for edge in value["edges"] for end in (edge["source"], edge["target"])} <= paths
    assert {path for block in value["blocks"] for path in block["layers"]} <= paths
    roles = [edge["role"] for edge in value["edges"]]
    assert (roles.count("identity"), roles.count("projection")) == (46, 4)


@pytest.mark.parametrize(("kernel", "percent"), [(5, 28.0), (7, 44.9), (11, 62.8)])
def test_replicate_has_its_keys(kernel, percent):
    value = sent(export.replicate_json(replicate(kernel)))
    assert list(value) == [
        "kernel",
        "stack",
        "weights_single",
        "weights_stack",
        "saving_percent",
        "macs_single",
        "macs_stack",
        "receptive_field",
    ]
    assert value["kernel"] == value["receptive_field"] == kernel
    assert value["stack"] == (kernel - 1) // 2
    assert value["weights_single"] == value["macs_single"] == kernel**2
    assert round(value["saving_percent"], 1) == percent


def test_networks_tell_where_they_come_from():
    known = {key: card for key, card in cards().items() if key in ("alexnet", "resnet18")}
    totals = {key: describe(Options(key)).totals for key in known}
    alexnet, resnet18 = sent(export.networks_json(known.values(), totals))["networks"]
    assert (alexnet["key"], alexnet["totals"]["params"]) == ("alexnet", 62_378_344)
    assert resnet18["top5"]["percent"] == pytest.approx(89.078)
    assert resnet18["options"] == ["batch_norm", "classes", "shortcut"]
    assert resnet18["paper"]["link"].startswith("https://")


def test_receptive_field_of_a_whole_input_is_null():
    graph = describe(Options("resnet18"))
    field = sent(export.receptive_field_json(graph, graph.layer("fc")))
    assert (field["size"], field["stride"], field["start"]) == (None, None, None)
    field = sent(export.receptive_field_json(graph, graph.layer("layer4.1.relu#2")))
    assert field["size"] == [435, 435]


def test_numbers_that_json_does_not_have_become_texts():
    layer = Layer("c", "hardtanh", (("low", float("-inf")), ("x", float("nan")), ("t", (1, 2))), (), (1,))
    graph = LayerGraph("n", (1,), (layer,), ())
    hyper = sent(export.table_json(graph))["layers"][0]["hyperparameters"]
    assert hyper == {"low": "-inf", "x": "nan", "t": [1, 2]}
