import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

import cnnviz
from cnnviz import networks
from cnnviz.catalogue import Options
from cnnviz.cli import main
from cnnviz.engine import local
from cnnviz.engine.local import Budget, Engine, Picture, choose_device
from cnnviz.errors import BadOption, BadWeights, DeviceUnavailable, UnknownLayer
from cnnviz.images import load_image, to_input
from cnnviz.networks import card
from cnnviz.prediction import CIFAR10_NAMES

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 40, 3), dtype=np.uint8))
PICTURE = Picture(NOISE, "noise")
OPTIONS = Options("resnet20")


def test_maps_are_those_of_a_plain_pass():
    result = Engine().maps(OPTIONS, PICTURE, "layer1.0.add", weights="random", device="cpu")
    module = cnnviz.build("resnet20", weights="random")
    x = torch.from_numpy(to_input(NOISE, card("resnet20")))
    assert np.array_equal(result.maps, cnnviz.capture(module, x, ["layer1.0.add"])["layer1.0.add"][0].numpy())
    assert result.weights == "random weights, seed 0 (untrained)"
    assert (result.trained, result.device, result.note) == (False, "CPU", "")


def test_equal_requests_share_one_computation(monkeypatch):
    runs: list[str] = []
    engine, release = Engine(), threading.Event()
    original = Engine._forward

    def counted(self, *arguments):
        runs.append(arguments[2])
        release.wait(30)
        return original(self, *arguments)

    monkeypatch.setattr(Engine, "_forward", counted)
    with ThreadPoolExecutor(8) as visitors:
        waiting = [visitors.submit(engine.maps, OPTIONS, PICTURE, "conv1", device="cpu") for _ in range(8)]
        release.set()
        results = [visit.result() for visit in waiting]
    assert runs == ["conv1"]
    assert all(result is results[0] for result in results)
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu") is results[0]


def test_models_are_built_once(monkeypatch):
    built: list[str] = []
    original = local.build
    monkeypatch.setattr(local, "build", lambda key, **options: built.append(key) or original(key, **options))
    engine = Engine()
    for layer in ("conv1", "layer1.0.conv1"):
        engine.maps(OPTIONS, PICTURE, layer, device="cpu")
    engine.maps(Options("resnet20", size=(48, 48)), PICTURE, "conv1", device="cpu")
    assert built == ["resnet20"]


def test_a_failure_reaches_who_asked_and_nobody_else():
    engine = Engine()
    with pytest.raises(UnknownLayer, match="resnet20"):
        engine.maps(OPTIONS, PICTURE, "conv9", device="cpu")
    with pytest.raises(BadWeights):
        engine.maps(OPTIONS, PICTURE, "conv1", weights="/nowhere.safetensors", device="cpu")
    assert engine.maps(OPTIONS, PICTURE, "conv1", device="cpu").maps.shape == (16, 32, 32)


def out_of_memory_on(*kinds: str):
    original = Engine._forward

    def forward(self, options, image, layer, source, fit, place):
        if place.type in kinds:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return original(self, options, image, layer, source, fit, torch.device("cpu"))

    return forward


def test_a_gpu_without_memory_hands_over_to_the_cpu_and_says_so(monkeypatch):
    monkeypatch.setattr(local, "choose_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(Engine, "_forward", out_of_memory_on("cuda"))
    assert "computed on the CPU" in Engine().maps(OPTIONS, PICTURE, "conv1").note


def test_no_memory_at_all_is_a_sentence(monkeypatch):
    monkeypatch.setattr(Engine, "_forward", out_of_memory_on("cpu"))
    with pytest.raises(DeviceUnavailable, match="use a smaller size"):
        Engine().maps(OPTIONS, PICTURE, "conv1", device="cpu")


def test_a_pass_that_would_not_fit_is_refused_before_it_starts(monkeypatch):
    monkeypatch.setattr(Engine, "_forward", lambda *_: pytest.fail("it was run"))
    with pytest.raises(DeviceUnavailable, match=r"8\.6 GB at once.*smaller size"):
        Engine().maps(Options("vgg16", size=(4096, 4096)), PICTURE, "features.2", device="cpu")
    with pytest.raises(DeviceUnavailable, match="billion multiply-accumulates"):
        Engine().maps(Options("vgg16", size=(1500, 1500)), PICTURE, "features.28", device="cpu")


def test_a_full_queue_is_a_sentence(monkeypatch):
    engine, release = Engine(), threading.Event()
    original = Engine._forward
    monkeypatch.setattr(Engine, "_forward", lambda *arguments: release.wait(30) and original(*arguments))
    monkeypatch.setattr(local, "MOST_WAITING", 1)
    with ThreadPoolExecutor(1) as visitor:
        first = visitor.submit(engine.maps, OPTIONS, PICTURE, "conv1", device="cpu")
        while not engine._running:
            pass
        with pytest.raises(DeviceUnavailable, match="try again in a moment"):
            engine.maps(OPTIONS, PICTURE, "layer1.0.conv1", device="cpu")
        release.set()
        assert first.result().maps.shape == (16, 32, 32)


@pytest.mark.parametrize("name", ["tpu", "cpu:x", "meta", "cuda:99"])
def test_a_device_that_is_not_there_says_which_are(name):
    with pytest.raises(DeviceUnavailable, match=f"'{name}' isn't there; use .*cpu"):
        choose_device(name)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_computes_what_the_cpu_does():
    engine = Engine()
    there, here = (engine.maps(OPTIONS, PICTURE, "layer3.0.conv1", device=name).maps for name in ("cuda", "cpu"))
    assert np.allclose(there, here, atol=1e-3 * np.abs(here).max())


def test_a_budget_keeps_the_most_recent_values_within_its_bytes():
    budget: Budget[bytes] = Budget(10, len)
    budget.put("a", b"1234")
    budget.put("b", b"1234")
    budget.get("a")
    budget.put("c", b"1234")
    assert (budget.get("a"), budget.get("b"), budget.used) == (b"1234", None, 8)
    budget.put("d", b"x" * 11)
    assert budget.get("d") is None
    budget.put("a", b"12")
    assert budget.used == 6


def test_weights_of_other_classes_say_so_where_it_shows():
    result = Engine().maps(Options("resnet18", size=(64, 64)), PICTURE, "fc", device="cpu")
    assert result.maps.shape == (10,)
    assert result.note == (
        "These weights know the 10 classes of CIFAR-10; graph and table count 1000 values here, "
        "as the network was published."
    )
    assert Engine().maps(Options("resnet18", size=(64, 64)), PICTURE, "conv1", device="cpu").note == ""


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
