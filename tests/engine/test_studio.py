"""What is asked besides maps, against the functions that answer it without an engine."""

import numpy as np
import pytest

import cnnviz
from cnnviz.activations.field import effective_field
from cnnviz.activations.parts import Products
from cnnviz.activations.statistics import statistics
from cnnviz.catalogue import Options
from cnnviz.engine.local import Engine, Picture
from cnnviz.engine.studio import Studio, Subject
from cnnviz.errors import BadOption
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
    with pytest.raises(BadOption, match="output channel 16, but layer1.0.conv2 has 16"):
        studio.kernels(SUBJECT.options, "layer1.0.conv2", 16)
