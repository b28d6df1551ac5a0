import pytest
import torch
from torch import nn

import cnnviz
from cnnviz.engine import passes as passes_module
from cnnviz.engine.passes import Passes, check_precision, fetched, in_batches
from cnnviz.engine.pool import Dropped
from cnnviz.errors import BadOption, CnnvizError

CPU = torch.device("cpu")
needs_gpu = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def pictures(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


class Memory:
    """A forward that has room for so many pictures and no more."""

    def __init__(self, room: int) -> None:
        self.room, self.batches = room, []

    def __call__(self, x):
        self.batches.append(len(x))
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return x.sum(dim=(1, 2, 3))


@pytest.mark.parametrize(
    ("room", "batches"), [(8, [8, 2]), (4, [8, 4, 4, 2]), (3, [8, 4, 2, 2, 2, 2, 2]), (1, [8, 4, 2, *[1] * 10])]
)
def test_batches_are_halved_until_they_fit(room, batches):
    forward, x, told = Memory(room), pictures(10), []
    found = in_batches(forward, x, 8, lambda *done: told.append(done))
    assert torch.equal(found, x.sum(dim=(1, 2, 3)))
    assert forward.batches == batches
    assert told[-1] == (10, 10)


def test_what_does_not_fit_alone_is_said():
    with pytest.raises(torch.OutOfMemoryError):
        in_batches(Memory(0), pictures(3))


def test_another_error_is_no_reason_for_smaller_batches():
    sizes: list[int] = []

    def fails(x):
        sizes.append(len(x))
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        in_batches(fails, pictures(4))
    assert sizes == [4]


def test_autocast_on_request():
    module = cnnviz.build("resnet20", weights="random")
    half = Passes().run(module, pictures(1), ["conv1", "output"], CPU, precision="bfloat16")
    full = cnnviz.capture(module, pictures(1), ["conv1", "output"])
    assert half["conv1"].dtype == torch.bfloat16
    assert torch.allclose(half["conv1"].float(), full["conv1"], atol=0.02 * full["conv1"].abs().max().item())


def test_an_unknown_precision_is_a_sentence():
    with pytest.raises(BadOption, match="only float32, float16, bfloat16"):
        check_precision("int8")


def test_maps_are_handed_out_as_they_come():
    seen: list[str] = []
    module = cnnviz.build("resnet20", weights="random")
    found = Passes().run(module, pictures(1), ["conv1", "layer1.0.add"], CPU, on_map=lambda path, _: seen.append(path))
    assert seen == list(found) == ["conv1", "layer1.0.add"]


class FakeGraph:
    """A CUDA graph without CUDA: remembers its work, fails where it is told to."""

    made = 0
    fails: Exception | None = None

    def __init__(self, x, captured):
        if FakeGraph.fails:
            raise FakeGraph.fails
        FakeGraph.made += 1
        self._captured = captured

    def replay(self, x):
        return self._captured(x)


@pytest.fixture
def graphs(monkeypatch):
    monkeypatch.setattr(FakeGraph, "made", 0)
    monkeypatch.setattr(FakeGraph, "fails", None)
    monkeypatch.setattr(passes_module, "_Graph", FakeGraph)
    passes, module = Passes(), nn.ReLU()
    run = []

    def replayed(x):
        def captured(there):
            run.append(tuple(there.shape))
            return {"relu": there}

        return passes._replayed(module, x, tuple(x.shape), captured)

    return replayed, run


def test_a_shape_that_comes_again_becomes_a_graph_once(graphs):
    replayed, run = graphs
    for _ in range(4):
        replayed(pictures(1))
    assert (FakeGraph.made, len(run)) == (1, 4)
    for size in (2, 3, 4):
        replayed(pictures(size))
    replayed(pictures(1))
    assert FakeGraph.made == 1, "it was forgotten, and is met for the first time again"


def test_what_cannot_be_a_graph_is_run_as_it_is(graphs):
    replayed, run = graphs
    FakeGraph.fails = RuntimeError("operation not permitted when stream is capturing")
    for _ in range(4):
        assert set(replayed(pictures(1))) == {"relu"}
    assert (FakeGraph.made, len(run)) == (0, 4)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), CnnvizError("a sentence"), Dropped()])
def test_other_failures_of_a_graph_are_passed_on(graphs, error):
    replayed, _ = graphs
    replayed(pictures(1))
    FakeGraph.fails = error
    with pytest.raises(type(error)):
        replayed(pictures(1))


def test_fetched_maps_are_float32():
    assert fetched(torch.ones(2, 3, dtype=torch.bfloat16)).dtype == torch.float32


@pytest.mark.parametrize("precision", [pytest.param(name, marks=needs_gpu) for name in ("float32", "float16")])
@pytest.mark.parametrize("key", ["resnet18", "googlenet"])
def test_a_gpu_gives_what_the_cpu_does_and_a_graph_what_the_gpu_does(key, precision):
    place, x = torch.device("cuda", 0), pictures(1)
    layers = ["conv1", "output"] if key == "resnet18" else ["output"]
    here = cnnviz.capture(cnnviz.build(key, weights="random"), x, layers)
    passes = Passes()
    module = passes.prepare(cnnviz.build(key, weights="random", device=place), place)
    runs = [passes.run(module, x, layers, place, precision=precision) for _ in range(3)]
    for path in layers:
        most = here[path].abs().max().item()
        assert torch.allclose(
            fetched(runs[0][path]), here[path], atol=(1e-3 if precision == "float32" else 3e-2) * most
        )
        for later in runs[1:]:
            assert torch.allclose(fetched(later[path]), fetched(runs[0][path]), atol=1e-3 * most)
