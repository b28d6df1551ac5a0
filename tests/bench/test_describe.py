"""`cnnviz bench describe`, as small as it goes: that it measures what it says, not how fast anything is."""

import gc
import math
from contextlib import contextmanager
from importlib import metadata

import pytest
import torch

from cnnviz import bench
from cnnviz.bench import describe as part
from cnnviz.bench import timing
from cnnviz.bench.torchlens_peer import Traced, torchlens
from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption
from cnnviz.networks import build, construct


@pytest.fixture
def peers():
    for name in part.PEERS:
        pytest.importorskip(name)


@contextmanager
def answers(params):
    yield lambda network: Traced(5.0, params or describe(Options(network)).totals.params, 0)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(part, "LARGE", "resnet20")
    monkeypatch.setattr(part, "SHORT_CHAIN", 1)
    monkeypatch.setattr(part, "LONG_CHAIN", 2)
    monkeypatch.setattr(part, "cards", lambda: dict.fromkeys(["lenet5", "plain20"]))
    monkeypatch.setattr(part, "torchlens", lambda: answers(None))
    monkeypatch.setattr(timing, "SHORTEST", 0.0)


def test_small_networks_stand_for_the_large(peers, small):
    gc.unfreeze()  # what a page has frozen in this process, which no measurement keeps
    before = torch.get_num_threads(), gc.isenabled(), gc.get_freeze_count()
    rows = part.measure(1)
    assert (torch.get_num_threads(), gc.isenabled(), gc.get_freeze_count()) == before
    named = {(row.what.partition(":")[0], row.against) for row in rows}
    for what in ("describing resnet20", "resnet20 at another input size", "describing, highest of 2"):
        assert {against for one, against in named if one == what} == {
            "torchinfo.summary",
            "torchview.draw_graph",
            "fvcore's operators",
            "torchlens.trace",
        }
    goals = {row.against: row.goal.at_most for row in rows if row.what == "describing resnet20" and row.goal}
    assert goals == dict.fromkeys(["torchinfo.summary", "torchview.draw_graph", "torchlens.trace"], 1 / 8)
    assert all(row.ours.median > 0 for row in rows)
    assert sum(row.what.startswith("building") for row in rows) == 2
    assert bench.as_text(rows, bench.machine())


def test_a_peer_that_describes_another_network_is_no_peer(peers):
    with (
        answers(7) as traced,
        pytest.raises(AssertionError, match="torchlens counts 7 parameters in lenet5, and we 61,706"),
    ):
        part._described("lenet5", 1, traced)


@pytest.mark.parametrize("network", ["resnet18", "alexnet", "resnet20"])
def test_peers_agree_on_parameters_and_differ_in_macs_by_what_is_documented(peers, network):
    """torchinfo adds biases, and norms once a picture; fvcore adds norms and poolings, value by value."""
    graph = describe(Options(network))
    params, mult_adds = part.by_torchinfo(construct(network), graph.input_shape)
    assert params == graph.totals.params
    biases = norms = 0
    for layer in graph.layers:
        if layer.hyper("bias"):
            biases += math.prod(layer.output_shape)
        if layer.op == "batchnorm":
            norms += layer.params
    assert mult_adds == graph.totals.macs + biases + norms
    params, kinds = part.by_fvcore(build(network, weights="random"), graph.input_shape)
    assert params == graph.totals.params
    assert kinds["conv"] + kinds["linear"] == graph.totals.macs
    assert set(kinds) <= {"conv", "linear", "batch_norm", "adaptive_avg_pool2d"}


def test_torchview_draws_the_same_network(peers):
    graph = describe(Options("resnet18"))
    assert part.by_torchview(construct("resnet18"), graph.input_shape) == len(graph.edges)


def test_without_the_peers_a_sentence_says_what_to_install(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(part.metadata, "version", missing)
    with pytest.raises(BadOption, match=r"torchinfo isn't installed: 'pip install -r requirements-dev\.txt'"):
        part.check_peers()


def test_torchlens_answers_from_a_process_of_its_own(peers):
    with torchlens() as traced:
        first, again = traced("lenet5"), traced("lenet5")
    assert first.took > 0
    totals = describe(Options("lenet5")).totals
    assert first[1:] == again[1:] == (totals.params, totals.macs)
