"""What is asked besides maps, against the functions that answer it without an engine."""

import threading
import time

import numpy as np
import pytest

import cnnviz
from cnnviz.activations.attribution import grad_cam
from cnnviz.activations.field import effective_field
from cnnviz.activations.parts import Products
from cnnviz.activations.statistics import statistics
from cnnviz.catalogue import Options
from cnnviz.engine.local import Engine, Picture
from cnnviz.engine.studio import Running, Studio, Subject
from cnnviz.errors import BadOption, DeviceUnavailable
from cnnviz.images import load_image, photographs

PICTURE = Picture(load_image(photographs()["cat"].read_bytes()), "cat")
SUBJECT = Subject(Options("resnet20"), PICTURE, "bundled")


@pytest.fixture
def studio() -> Studio:
    return Studio(Engine())


def no_more_work(monkeypatch) -> None:
    monkeypatch.setattr(Engine, "compute", lambda *_, **__: pytest.fail("it was worked out again"))


def test_statistics_are_found_once(studio, monkeypatch):
    found = studio.statistics(SUBJECT)
    assert found.value == statistics(cnnviz.build("resnet20", weights="bundled"), SUBJECT.input)
    assert found.trained
    assert "trained by this project" in found.weights
    no_more_work(monkeypatch)
    assert studio.statistics(SUBJECT) is found


@pytest.mark.parametrize(
    "ask",
    [
        lambda studio, subject: studio.statistics(subject),
        lambda studio, subject: studio.field(subject, "layer3.2.conv2", (0, 0, 0)),
        lambda studio, subject: studio.grad_cam(subject, "layer3.2.conv2", 0),
        lambda studio, subject: studio.occlusion(subject, 0),
    ],
)
def test_what_would_not_fit_is_refused_before_it_starts(studio, ask, monkeypatch):
    no_more_work(monkeypatch)
    with pytest.raises(DeviceUnavailable, match=r"at this size takes .* GB at once.*smaller size\.$"):
        ask(studio, Subject(Options("resnet20", size=(4096, 4096)), PICTURE, "bundled"))


def test_other_weights_or_fits_are_other_subjects(studio):
    found = [
        studio.largest(Subject(SUBJECT.options, PICTURE, weights, fit))
        for weights in ("bundled", "random")
        for fit in ("crop", "squeeze")
    ]
    assert len(set(found)) == 4


def test_the_largest_value_is_that_of_all_maps(studio):
    module = cnnviz.build("resnet20", weights="bundled")
    maps = [found for found in cnnviz.capture(module, SUBJECT.input).values() if found.dim() == 4]
    assert studio.largest(SUBJECT) == pytest.approx(max(float(found.abs().max()) for found in maps))


def test_answers_keep_to_a_budget():
    studio = Studio(Engine(), most_bytes=1)
    assert studio.statistics(SUBJECT).value == studio.statistics(SUBJECT).value
    assert studio._kept.used == 0
    kept = Studio(Engine())
    kept.statistics(SUBJECT)
    assert 5_000 < kept._kept.used < np.inf


@pytest.mark.parametrize("path", ["conv1", "layer1.0.add", "layer3.2.conv2", "fc", "output"])
def test_a_number_is_taken_apart_from_the_maps_that_are_there(path, monkeypatch):
    engine = Engine()
    captured = engine.maps(SUBJECT.options, PICTURE, path, weights="bundled").maps
    place = tuple(size // 2 for size in captured.shape)
    found = Studio(engine).number(SUBJECT, path, place)
    assert found.value.captured == float(captured[place])
    assert found.value.difference < 1e-5
    assert found.trained


def test_a_number_of_weights_with_other_classes(studio):
    subject = Subject(Options("resnet18", size=(64, 64)), PICTURE, "bundled")
    found = studio.number(subject, "fc", (9,)).value
    assert isinstance(found.parts, Products)
    assert found.difference < 1e-5
    with pytest.raises(BadOption, match="no place"):
        studio.number(subject, "fc", (10,))


def test_an_effective_field_is_found_once(studio, monkeypatch):
    found = studio.field(SUBJECT, "layer1.0.conv2", (3, 10, 12)).value
    expected = effective_field(
        cnnviz.build("resnet20", weights="bundled"), SUBJECT.input, "layer1.0.conv2", (3, 10, 12)
    )
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-7)
    no_more_work(monkeypatch)
    assert studio.field(SUBJECT, "layer1.0.conv2", (3, 10, 12)).value is found


@pytest.mark.parametrize(
    ("key", "path", "shape", "of"),
    [
        ("alexnet", "conv1", (96, 3, 11, 11), None),
        ("resnet20", "layer1.0.conv2", (16, 3, 3), 2),
        ("lenet5", "conv1", (6, 5, 5), None),
    ],
)
def test_kernels_are_those_of_the_module(studio, key, path, shape, of):
    found = studio.kernels(Options(key), path, 2)
    weight = cnnviz.build(key).get_submodule(path).weight.detach().numpy()
    assert (found.value.weights.shape, found.value.of, found.value.channels) == (shape, of, len(weight))
    assert np.array_equal(found.value.weights, weight[2] if of == 2 else weight.reshape(shape))


def test_what_has_no_kernels_or_no_such_channel_is_a_sentence(studio):
    with pytest.raises(BadOption, match="has no kernels"):
        studio.kernels(SUBJECT.options, "fc")
    with pytest.raises(BadOption, match=r"output channel 16, but layer1\.0\.conv2 has 16"):
        studio.kernels(SUBJECT.options, "layer1.0.conv2", 16)


def test_grad_cam_is_that_of_the_function(studio, monkeypatch):
    found = studio.grad_cam(SUBJECT, "layer3.2.conv2", 3).value
    expected = grad_cam(cnnviz.build("resnet20", weights="bundled"), SUBJECT.input, "layer3.2.conv2", 3)
    assert np.allclose(found.signed, expected.signed, atol=1e-5)
    assert found.target == 3
    no_more_work(monkeypatch)
    assert studio.grad_cam(SUBJECT, "layer3.2.conv2", 3).value is found


def test_occlusion_says_how_far_it_is_and_is_found_once(studio, monkeypatch):
    shares = []
    assert not studio.knows_occlusion(SUBJECT, 3)
    found = studio.occlusion(SUBJECT, 3, on_progress=shares.append).value
    assert found.complete
    assert shares == sorted(shares)
    assert studio.knows_occlusion(SUBJECT, 3)
    assert not studio.knows_occlusion(SUBJECT, 4)
    assert not studio._progress
    no_more_work(monkeypatch)
    assert studio.occlusion(SUBJECT, 3).value is found


@pytest.fixture
def endless(monkeypatch):
    """An occlusion that takes for ever; gives how many squares are done, and an event for its end."""
    squares, ended = [], threading.Event()

    def slowly(module, x, target, *, batch, on_step):
        try:
            for done in range(1, 100_001):
                squares.append(done)
                time.sleep(0.01)
                on_step(done, 100_000)
        finally:
            ended.set()

    monkeypatch.setattr("cnnviz.activations.attribution.occlusion", slowly)
    return squares, ended


def test_occlusion_ends_on_the_worker_when_nobody_waits(studio, endless):
    squares, ended = endless

    def leave(share):
        if squares:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        studio.occlusion(SUBJECT, 3, on_progress=leave)
    assert ended.wait(10)
    assert len(squares) < 500
    assert not studio.knows_occlusion(SUBJECT, 3)
    assert studio.statistics(SUBJECT).value, "the worker goes on with what comes next"


@pytest.mark.parametrize("how", ["stopped", "left"])
def test_an_occlusion_that_was_begun_ends_when_it_is_stopped_or_nobody_looks(studio, endless, monkeypatch, how):
    _, ended = endless
    if how == "left":
        monkeypatch.setattr(Running, "UNWATCHED", 0.3)
    running = studio.begin_occlusion(SUBJECT, 3)
    if how == "stopped":
        while not running.share:
            assert not running.over
            time.sleep(0.01)
        running.stop()
    assert ended.wait(10)
    assert not running.failed
    assert not studio.knows_occlusion(SUBJECT, 3)


def test_an_occlusion_that_fails_says_so(studio):
    running = studio.begin_occlusion(SUBJECT, 99)
    while not running.over:
        time.sleep(0.01)
    assert "You gave class 99" in running.failed


def test_work_in_parts_lets_others_in_between_and_ends_when_it_is_stopped(studio):
    done, gate = [], threading.Event()

    def parts(name):
        for number in range(3):
            if name == "stopped" and number == 1:
                gate.wait(10)
            done.append(f"{name} {number}")
            yield number / 3

    stopped = studio.begin("parts", parts("stopped"))
    while not done:
        time.sleep(0.01)
    stopped.stop()
    gate.set()
    whole = studio.begin("parts", parts("whole"))  # of the same name, and yet its own
    while not (stopped.over and whole.over):
        time.sleep(0.01)
    assert [line for line in done if "whole" in line] == ["whole 0", "whole 1", "whole 2"]
    assert "stopped 2" not in done
    assert not stopped.failed
    assert whole.share == pytest.approx(2 / 3)
