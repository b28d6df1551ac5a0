import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

import cnnviz
from cnnviz import networks
from cnnviz.catalogue import Options, describe
from cnnviz.cli import main
from cnnviz.engine import effort, local
from cnnviz.engine.local import Engine, Picture
from cnnviz.engine.passes import Passes
from cnnviz.engine.results import ENTRY
from cnnviz.errors import BadOption, BadWeights, DeviceUnavailable, UnknownLayer
from cnnviz.images import load_image, to_input
from cnnviz.networks import card
from cnnviz.prediction import CIFAR10_NAMES

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 40, 3), dtype=np.uint8))
PICTURE = Picture(NOISE, "noise")
OPTIONS = Options("resnet20")
PATHS = [layer.path for layer in describe(OPTIONS).layers]
BYTES = sum(layer.activation_bytes for layer in describe(OPTIONS).layers)
OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
BROKEN = RuntimeError("CUDA error: an illegal memory access was encountered")


class Counted(Passes):
    """Passes that are counted, and fail or wait as they are told to; those for a GPU are computed on the CPU.

    Attributes:
        runs: (device, number of layers) of each pass that was begun.
        fails: called with (device, layers); what it returns is raised.
    """

    def __init__(self, fails=lambda place, layers: None):
        super().__init__()
        self.runs, self.fails = [], fails
        self.begun, self.go = threading.Event(), threading.Event()
        self.go.set()
        self.ended = 0

    def prepare(self, module, place):
        return module

    def run(self, module, x, layers, place, *, on_step, on_map=None, **how):
        self.runs.append((str(place), len(layers)))
        self.begun.set()
        while not self.go.wait(0.005):
            on_step()
        if error := self.fails(place, layers):
            raise error
        found = super().run(module, x, layers, torch.device("cpu"), on_step=on_step, on_map=on_map, **how)
        self.ended += 1
        return found


@pytest.fixture
def gpu(monkeypatch):
    """A machine with a GPU, as far as the engine can tell."""
    build, name_of = local.build, local.name_of
    monkeypatch.setattr(local, "places", lambda wanted: [torch.device("cpu" if wanted == "cpu" else "cuda:0")])
    monkeypatch.setattr(local, "build", lambda key, **options: build(key, **(options | {"device": "cpu"})))
    monkeypatch.setattr(local, "name_of", lambda place: "a GPU" if place.type == "cuda" else name_of(place))


def engine_with(passes=None, **how) -> tuple[Engine, Counted]:
    passes = passes or Counted()
    return Engine(passes=passes, **how), passes


def another(number: int) -> Picture:
    return Picture(NOISE.rotate(number), f"turned by {number}")


def settled(engine: Engine) -> None:
    """Until no pass goes on: who asks for a layer doesn't wait for its end."""
    until(lambda: not engine._pool.length("cpu"))


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


# --- what it gives -------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["input", "layer1.0.conv1", "layer1.0.add", "fc", "output"])
def test_maps_are_those_of_a_plain_pass(layer):
    result = Engine().maps(OPTIONS, PICTURE, layer, weights="random", device="cpu")
    module = cnnviz.build("resnet20", weights="random")
    x = torch.from_numpy(to_input(NOISE, card("resnet20")))
    assert np.array_equal(result.maps, cnnviz.capture(module, x, [layer])[layer][0].numpy())
    assert result.weights == "random weights, seed 0 (untrained)"
    assert (result.trained, result.device, result.note) == (False, "CPU", "")


def test_another_layer_of_the_same_picture_runs_no_pass():
    engine, passes = engine_with()
    for path in PATHS:
        engine.maps(OPTIONS, PICTURE, path, device="cpu")
    assert passes.runs == [("cpu", len(PATHS))]
    engine.maps(OPTIONS, another(1), "conv1", device="cpu")
    engine.maps(Options("resnet20", size=(48, 48)), PICTURE, "conv1", device="cpu")
    engine.maps(OPTIONS, PICTURE, "conv1", device="cpu", fit="squeeze")
    engine.maps(OPTIONS, PICTURE, "conv1", device="cpu", weights="random")
    assert len(passes.runs) == 5


def test_no_later_operation_overwrites_a_recorded_map():
    engine, _ = engine_with()
    first = engine.maps(OPTIONS, PICTURE, "layer1.0.bn1", device="cpu").maps
    module = cnnviz.build("resnet20")
    x = torch.from_numpy(to_input(NOISE, card("resnet20")))
    assert first.min() < 0
    assert np.array_equal(first, cnnviz.capture(module, x, ["layer1.0.bn1"])["layer1.0.bn1"][0].numpy())


def test_who_asks_for_an_early_layer_does_not_wait_for_the_last():
    class Slow(Counted):
        def run(self, module, x, layers, place, *, on_step, on_map=None, **how):
            def first_is_enough(path, tensor):
                on_map(path, tensor)
                if path == "conv1":
                    assert answered.wait(20)

            return super().run(module, x, layers, place, on_step=on_step, on_map=first_is_enough, **how)

    answered = threading.Event()
    engine, passes = engine_with(Slow())
    early = engine.maps(OPTIONS, PICTURE, "conv1", device="cpu")
    assert passes.ended == 0
    answered.set()
    engine.maps(OPTIONS, PICTURE, "output", device="cpu")
    assert len(passes.runs) == passes.ended == 1, "the pass went on, though nobody waited for a moment"
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu") is early


def test_a_pass_that_has_given_what_was_wanted_makes_way_for_others():
    class Waiting(Counted):
        def run(self, module, x, layers, place, *, on_step, on_map=None, **how):
            def until_others_wait(path, tensor):
                on_map(path, tensor)
                if path == "conv1" and len(self.runs) == 1:
                    until(lambda: engine._pool.length("cpu") == 2)
                    assert answered.wait(20)

            return super().run(module, x, layers, place, on_step=on_step, on_map=until_others_wait, **how)

    answered = threading.Event()
    engine, passes = engine_with(Waiting())
    with ThreadPoolExecutor(2) as visitors:
        first = visitors.submit(engine.maps, OPTIONS, PICTURE, "conv1", device="cpu")
        until(lambda: len(passes.runs) == 1)
        second = visitors.submit(engine.maps, OPTIONS, another(1), "fc", device="cpu")
        first.result()
        answered.set()
        second.result()
    until(lambda: passes.ended and not engine._pool.length("cpu"))  # what was asked for is there before the pass ends
    assert passes.ended == 1, "the first one ended before its last layer"
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu") is first.result()
    whole = engine.maps(OPTIONS, PICTURE, "fc", device="cpu")
    assert len(passes.runs) == 3
    assert np.array_equal(whole.maps, Engine().maps(OPTIONS, PICTURE, "fc", device="cpu").maps)
    engine.maps(OPTIONS, PICTURE, "layer1.0.add", device="cpu")
    assert len(passes.runs) == 3, "the second pass recorded all layers"


def test_equal_requests_share_one_computation():
    engine, passes = engine_with()
    passes.go.clear()
    with ThreadPoolExecutor(8) as visitors:
        waiting = [visitors.submit(engine.maps, OPTIONS, PICTURE, path, device="cpu") for path in ["conv1", "fc"] * 4]
        passes.go.set()
        results = [visit.result() for visit in waiting]
    assert len(passes.runs) == 1
    assert len({id(result) for result in results}) == 2
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu") is results[0]


def test_models_are_built_once(monkeypatch):
    built: list[str] = []
    original = local.build
    monkeypatch.setattr(local, "build", lambda key, **options: built.append(key) or original(key, **options))
    engine = Engine()
    for number in range(2):
        engine.maps(OPTIONS, another(number), "conv1", device="cpu")
    engine.maps(Options("resnet20", size=(48, 48)), PICTURE, "conv1", device="cpu")
    assert built == ["resnet20"]


def test_a_failure_reaches_who_asked_and_nobody_else():
    engine = Engine()
    with pytest.raises(UnknownLayer, match="resnet20"):
        engine.maps(OPTIONS, PICTURE, "conv9", device="cpu")
    with pytest.raises(BadWeights):
        engine.maps(OPTIONS, PICTURE, "conv1", weights="/nowhere.safetensors", device="cpu")
    with pytest.raises(BadOption, match="int8"):
        engine.maps(OPTIONS, PICTURE, "conv1", precision="int8", device="cpu")
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu").maps.shape == (16, 32, 32)


def test_weights_of_other_classes_say_so_where_it_shows():
    result = Engine().maps(Options("resnet18", size=(64, 64)), PICTURE, "fc", device="cpu")
    assert result.maps.shape == (10,)
    assert result.note == (
        "These weights know the 10 classes of CIFAR-10; graph and table count 1000 values here, "
        "as the network was published."
    )
    assert Engine().maps(Options("resnet18", size=(64, 64)), PICTURE, "conv1", device="cpu").note == ""


# --- the budget ----------------------------------------------------------------------


def test_the_maps_of_one_picture_are_held_once_whatever_the_number_of_visitors():
    engine, _ = engine_with()
    with ThreadPoolExecutor(32) as visitors:
        asked = [visitors.submit(engine.maps, OPTIONS, PICTURE, path, device="cpu") for path in PATHS * 4]
        results = [visit.result() for visit in asked]
    settled(engine)
    assert len({id(result.maps) for result in results}) == len(PATHS)
    assert BYTES / 2 < engine._seen.used <= BYTES * 1.01, "views are counted with what they are views of"
    before = engine._seen.used
    drawn = [result.drawn("layer") for result in results if result.maps.ndim == 3]
    assert len({id(maps) for maps in drawn}) < len(PATHS)
    assert engine._seen.used == before + sum({id(maps): maps.values.nbytes for maps in drawn}.values())


def test_a_fixed_budget_is_kept_and_the_least_recently_used_goes():
    engine, passes = engine_with(map_bytes=2 * BYTES)
    for number in (0, 1, 0, 2, 0):
        engine.maps(OPTIONS, another(number), "output", device="cpu")
        settled(engine)
        assert engine._seen.used <= 2 * BYTES
    assert len(passes.runs) == 3
    engine.maps(OPTIONS, another(1), "output", device="cpu")
    assert len(passes.runs) == 4


def test_where_not_all_fits_the_layers_that_say_most_are_kept():
    engine, passes = engine_with(map_bytes=BYTES * 19 // 20)
    for path in ("conv1", "layer2.1.add", "layer3.2.conv2", "fc"):
        engine.maps(OPTIONS, PICTURE, path, device="cpu")
        settled(engine)
        assert engine._seen.used <= BYTES * 19 // 20
    assert len(passes.runs) == 1
    assert 1 < passes.runs[0][1] < len(PATHS)
    assert engine.maps(OPTIONS, PICTURE, "layer1.1.bn1", device="cpu").maps.shape == (16, 32, 32)
    assert passes.runs[1:] == [("cpu", 1)]


def test_an_entry_counts_however_small_its_maps_are():
    engine, _ = engine_with()
    for number in range(3):
        engine.prediction(Options("lenet5"), another(number), device="cpu")
    settled(engine)
    maps = sum(layer.activation_bytes for layer in describe(Options("lenet5")).layers)
    assert 3 * ENTRY < engine.held <= 3 * (ENTRY + maps)


def test_a_map_larger_than_the_budget_is_shown_and_not_kept():
    engine, passes = engine_with(map_bytes=1000)
    for _ in range(2):
        assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu").maps.shape == (16, 32, 32)
        settled(engine)
    assert (engine._seen.used, len(passes.runs)) == (0, 2)


def test_a_pass_that_would_not_fit_is_refused_before_it_starts():
    engine, passes = engine_with()
    with pytest.raises(DeviceUnavailable, match=r"8\.6 GB at once.*smaller size"):
        engine.maps(Options("vgg16", size=(4096, 4096)), PICTURE, "features.2", device="cpu")
    with pytest.raises(DeviceUnavailable, match="billion multiply-accumulates"):
        engine.maps(Options("vgg16", size=(1500, 1500)), PICTURE, "features.28", device="cpu")
    assert not passes.runs


@pytest.mark.parametrize("key", ["vgg16", "vgg19", "alexnet-owt"])
def test_weights_that_would_not_fit_are_never_made(key, monkeypatch):
    monkeypatch.setattr(local, "build", lambda *_, **__: pytest.fail("they were made"))
    monkeypatch.setattr(effort, "MOST_BYTES", 10**9)
    engine, _ = engine_with()
    options = Options(key, classes=100_000)
    first = describe(options).layers[1].path
    asking = (
        lambda: engine.maps(options, PICTURE, first, device="cpu"),
        lambda: engine.compute("work", lambda *_: None, options, device="cpu"),
        lambda: engine.timing(options, "cpu"),
    )
    for ask in asking:
        with pytest.raises(DeviceUnavailable, match=r"\d GB of weights with these options.*fewer classes\.$"):
            ask()


def test_a_pass_too_long_to_its_end_is_run_as_far_as_is_asked(monkeypatch):
    monkeypatch.setattr(effort, "MOST_MACS", describe(OPTIONS).totals.macs // 2)
    engine, passes = engine_with()
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu").maps.shape == (16, 32, 32)
    with pytest.raises(DeviceUnavailable, match="multiply-accumulates"):
        engine.maps(OPTIONS, PICTURE, "layer3.2.conv2", device="cpu")
    assert passes.runs == [("cpu", 1)]


# --- waiting ---------------------------------------------------------------------------


def test_who_waits_is_told_the_position():
    engine, passes = engine_with()
    passes.go.clear()
    told: list[int] = []

    def on_wait(position):
        told.append(position)
        if len(told) == 2:
            passes.go.set()

    with ThreadPoolExecutor(1) as visitors:
        first = visitors.submit(engine.maps, OPTIONS, PICTURE, "conv1", device="cpu")
        assert passes.begun.wait(20)
        engine.maps(OPTIONS, another(1), "conv1", device="cpu", on_wait=on_wait)
        first.result()
    assert told[:2] == [1, 1]


def test_who_leaves_drops_a_pass_that_nobody_else_wants():
    engine, passes = engine_with()
    passes.go.clear()

    def leave(position):
        raise InterruptedError

    for number in range(3):
        with pytest.raises(InterruptedError):
            engine.maps(OPTIONS, another(number), "conv1", device="cpu", on_wait=leave)
    settled(engine)
    passes.go.set()
    assert passes.ended == 0
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu").note == ""
    assert engine._seen.used <= BYTES * 1.01, "nothing is reserved for those that were dropped"


def test_a_full_queue_is_a_sentence(monkeypatch):
    monkeypatch.setattr(local, "MOST_WAITING", 1)
    engine, passes = engine_with()
    passes.go.clear()
    with ThreadPoolExecutor(1) as visitor:
        first = visitor.submit(engine.maps, OPTIONS, PICTURE, "conv1", device="cpu")
        assert passes.begun.wait(20)
        with pytest.raises(DeviceUnavailable, match="1 other pictures are being looked at; try again in a moment"):
            engine.maps(OPTIONS, another(1), "conv1", device="cpu")
        passes.go.set()
        assert first.result().maps.shape == (16, 32, 32)


# --- faults ----------------------------------------------------------------------------


@pytest.mark.usefixtures("gpu")
def test_a_gpu_short_of_memory_keeps_less_and_says_so():
    engine, passes = engine_with(Counted(lambda place, layers: OUT_OF_MEMORY if len(layers) > 1 else None))
    result = engine.maps(OPTIONS, PICTURE, "layer1.0.add")
    assert result.note == "Memory ran short on the cuda device: layer1.0.add alone was kept."
    assert result.device == "a GPU"
    assert passes.runs == [("cuda:0", len(PATHS)), ("cuda:0", 1)]
    assert engine.maps(OPTIONS, PICTURE, "conv1").maps.shape == (16, 32, 32)


@pytest.mark.usefixtures("gpu")
def test_a_gpu_without_memory_hands_over_to_the_cpu_and_says_so():
    engine, passes = engine_with(Counted(lambda place, layers: OUT_OF_MEMORY if place.type == "cuda" else None))
    result = engine.maps(OPTIONS, PICTURE, "conv1")
    assert result.note == "The cuda device ran out of memory; this was computed on the CPU."
    assert result.device == "CPU"
    assert [place for place, _ in passes.runs] == ["cuda:0", "cuda:0", "cpu"]
    assert np.array_equal(result.maps, Engine().maps(OPTIONS, PICTURE, "conv1", device="cpu").maps)


@pytest.mark.usefixtures("gpu")
def test_memory_is_given_back_before_less_is_tried():
    engine, passes = engine_with()
    for network in ("resnet20", "plain20"):
        engine.maps(Options(network), PICTURE, "conv1")
    assert engine._seen.used > BYTES
    passes.fails = lambda place, layers: OUT_OF_MEMORY if len(layers) > 1 else None
    engine.maps(OPTIONS, another(1), "conv1")
    assert engine._seen.used < BYTES / 10
    assert len(engine._models._values) == 1, "its own network, and no other"


def test_no_memory_at_all_is_a_sentence():
    engine, _ = engine_with(Counted(lambda place, layers: RuntimeError("DefaultCPUAllocator: not enough memory")))
    with pytest.raises(DeviceUnavailable, match="use a smaller size"):
        engine.maps(OPTIONS, PICTURE, "conv1", device="cpu")


def test_a_cpu_short_of_memory_keeps_less_for_all_who_wait():
    short = MemoryError()
    engine, passes = engine_with(Counted(lambda place, layers: short if len(layers) > 1 else None))
    passes.go.clear()
    with ThreadPoolExecutor(4) as visitors:
        paths = ["conv1", "layer1.0.conv1", "fc", "conv1"]
        waiting = [visitors.submit(engine.maps, OPTIONS, PICTURE, path, device="cpu") for path in paths]
        passes.go.set()
        shapes = [visit.result().maps.shape for visit in waiting]
    assert shapes == [(16, 32, 32), (16, 32, 32), (10,), (16, 32, 32)]


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("fault", [BROKEN, SystemExit()], ids=["device", "thread"])
def test_a_device_that_breaks_once_is_started_again_and_nobody_notices(fault):
    broken: list[int] = []

    def once(place, layers):
        broken.append(1)
        return fault if len(broken) == 1 else None

    engine, passes = engine_with(Counted(once))
    passes.go.clear()
    with ThreadPoolExecutor(4) as visitors:
        waiting = [visitors.submit(engine.maps, OPTIONS, another(number), "conv1") for number in range(4)]
        passes.go.set()
        results = [visit.result() for visit in waiting]
    assert [(result.device, result.note) for result in results] == [("a GPU", "")] * 4
    assert len(passes.runs) == 5


@pytest.mark.usefixtures("gpu")
def test_a_device_that_stays_broken_is_left_to_the_cpu_for_a_while(monkeypatch):
    engine, passes = engine_with(Counted(lambda place, layers: BROKEN if place.type == "cuda" else None))
    result = engine.maps(OPTIONS, PICTURE, "conv1")
    assert (result.device, result.note) == ("CPU", "The cuda device failed; this was computed on the CPU.")
    assert engine.maps(OPTIONS, PICTURE, "fc").note == result.note
    assert [place for place, _ in passes.runs] == ["cuda:0", "cuda:0", "cpu"], "it isn't asked again"
    monkeypatch.setattr(local, "RETRY", 0.0)
    passes.fails = lambda place, layers: None
    assert engine.maps(OPTIONS, another(1), "conv1").device == "a GPU"


@pytest.mark.usefixtures("gpu")
def test_a_device_that_hangs_is_given_up():
    stuck = threading.Event()
    engine, _ = engine_with(Counted(lambda place, layers: stuck.wait(60) and None if place.type == "cuda" else None))
    engine._pool.patience = 0.5
    with ThreadPoolExecutor(2) as visitors:
        first = visitors.submit(engine.maps, OPTIONS, PICTURE, "conv1")
        second = visitors.submit(engine.maps, OPTIONS, another(1), "conv1")
        assert "computed on the CPU" in first.result().note
        assert second.result().maps.shape == (16, 32, 32)
    stuck.set()


@pytest.mark.parametrize(
    ("fault", "sentence"), [(BROKEN, "took its worker down twice"), (SystemExit(), "took its worker down twice")]
)
def test_a_pass_that_takes_the_cpus_worker_down_is_a_sentence_and_the_next_is_served(fault, sentence):
    engine, passes = engine_with(Counted(lambda place, layers: fault))
    with pytest.raises(DeviceUnavailable, match=sentence):
        engine.maps(OPTIONS, PICTURE, "conv1", device="cpu")
    passes.fails = lambda place, layers: None
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu").maps.shape == (16, 32, 32)


@pytest.mark.usefixtures("gpu")
def test_a_gpus_maps_are_fetched_by_its_worker_once_a_layer():
    engine, passes = engine_with()
    results = [engine.maps(OPTIONS, PICTURE, path) for path in ("conv1", "layer1.0.add", "fc", "conv1")]
    here = Engine().maps(OPTIONS, PICTURE, "layer1.0.add", device="cpu")
    assert np.array_equal(results[1].maps, here.maps)
    assert np.abs(results[1].drawn("layer").values.astype(int) - here.drawn("layer").values).max() <= 1
    assert results[0] is results[3]
    assert len(passes.runs) == 1


def test_of_two_gpus_the_one_that_knows_the_picture_is_asked_and_else_the_idle_one(gpu, monkeypatch):
    monkeypatch.setattr(local, "places", lambda wanted: [torch.device("cuda", 0), torch.device("cuda", 1)])
    engine, passes = engine_with()
    passes.go.clear()
    with ThreadPoolExecutor(2) as visitors:
        first = visitors.submit(engine.maps, OPTIONS, another(0), "conv1")
        until(lambda: len(passes.runs) == 1)
        second = visitors.submit(engine.maps, OPTIONS, another(1), "conv1")
        until(lambda: len(passes.runs) == 2)
        passes.go.set()
        first.result()
        second.result()
    engine.maps(OPTIONS, another(1), "fc")
    assert sorted(place for place, _ in passes.runs) == ["cuda:0", "cuda:1"]


# --- predictions -----------------------------------------------------------------


@pytest.mark.parametrize("fit", ["crop", "squeeze"])
@pytest.mark.parametrize("key", ["lenet5", "lenet5-1998", "resnet20", "resnet18"])
def test_a_prediction_is_what_the_command_says(key, fit, tmp_path, capsys):
    file = tmp_path / "noise.png"
    NOISE.save(file)
    main(["predict", key, str(file), "--fit", fit, "--device", "cpu", "--json"])
    said = json.loads(capsys.readouterr().out)
    answer = Engine().prediction(Options(key), Picture(load_image(file.read_bytes()), "noise"), fit=fit, device="cpu")
    assert (answer.weights, answer.trained) == (said["weights"], said["trained"])
    assert answer.prediction.measure == said["measure"]
    assert [score.name for score in answer.prediction.scores[:10]] == [score["name"] for score in said["classes"]]
    values = [score.value for score in answer.prediction.scores[:10]]
    assert values == pytest.approx([score["score"] for score in said["classes"]], rel=1e-5)
    assert answer.prediction.margin == pytest.approx(said["margin"], rel=1e-4)


def test_a_prediction_is_made_at_the_size_that_the_weights_have_learned():
    assert Engine().prediction(Options("resnet18"), PICTURE, device="cpu").options.size == (64, 64)
    asked = Options("resnet18", size=(96, 96))
    assert Engine().prediction(asked, PICTURE, device="cpu").options.size == (96, 96)
    untrained = Engine().prediction(asked, PICTURE, weights="random", device="cpu")
    assert (untrained.options, untrained.trained, len(untrained.prediction.scores)) == (asked, False, 1000)


def test_a_prediction_costs_no_second_pass(monkeypatch):
    engine = Engine()
    engine.prediction(OPTIONS, PICTURE, device="cpu")
    monkeypatch.setattr(Engine, "_forward", lambda *_: pytest.fail("it was run again"))
    assert engine.prediction(OPTIONS, PICTURE, device="cpu").prediction.scores[0].name in CIFAR10_NAMES


def test_a_network_without_classes_is_a_sentence(monkeypatch, tmp_path):
    (tmp_path / "nets_of_maps.py").write_text("import torch\ndef maps(): return torch.nn.Conv2d(3, 4, 3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(networks, "_brought", {})
    networks.bring("nets_of_maps:maps", (3, 8, 8))
    with pytest.raises(BadOption, match="gives no scores of classes, but maps of 4 x 6 x 6"):
        Engine().prediction(Options("nets_of_maps:maps"), PICTURE)


# --- other work ------------------------------------------------------------------------


def test_other_work_runs_on_the_same_worker_and_can_be_stopped():
    engine = Engine()
    answer = engine.compute(
        "parameters", lambda module, place, step: sum(p.numel() for p in module.parameters()), OPTIONS, device="cpu"
    )
    assert (answer.value, answer.device, answer.note) == (269_722, "CPU", "")
    stopped = threading.Event()

    def endless(module, place, step):
        try:
            while True:
                step()
        finally:
            stopped.set()

    def leave(position):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.compute("endless", endless, OPTIONS, device="cpu", on_wait=leave)
    assert stopped.wait(20)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(("fault", "trouble"), [(OUT_OF_MEMORY, "ran out of memory"), (BROKEN, "failed")])
def test_other_work_falls_back_to_the_cpu_too(fault, trouble):
    def work(module, place, step):
        if place.type == "cuda":
            raise fault
        return str(place)

    answer = Engine(passes=Counted()).compute("work", work, OPTIONS)
    assert (answer.value, answer.note) == ("cpu", f"The cuda device {trouble}; this was computed on the CPU.")


# --- on a GPU ----------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_gpu_computes_what_the_cpu_does(precision):
    engine = Engine()
    for number in range(3):  # plainly, as a graph, as a graph again
        there, here = (
            engine.maps(OPTIONS, another(number), "layer3.0.conv1", device=name, precision=how)
            for name, how in (("cuda", precision), ("cpu", "float32"))
        )
        most = np.abs(here.maps).max()
        assert np.allclose(there.maps, here.maps, atol=(1e-3 if precision == "float32" else 5e-2) * most)
        assert there.note == ""
