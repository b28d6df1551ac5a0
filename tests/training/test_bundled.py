"""The weights that come along do what their card says, and their log is what their recipe gives.

With CNNVIZ_DATA naming a folder that holds MNIST, the whole test split and the whole first epoch are
run, too; without it, a hundred digits and an epoch over a thousand.
"""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import drawn
from PIL import Image
from safetensors import safe_open

from cnnviz import networks
from cnnviz.images import as_mnist, load_image, photographs, to_input
from cnnviz.training.data import cifar10, mnist
from cnnviz.training.loop import evaluate, read_log, train
from cnnviz.training.recipes import recipe

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
LOG = ROOT / "assets" / "training" / "lenet5-mnist.jsonl"
CARD = networks.card("lenet5")

needs_mnist = pytest.mark.skipif("CNNVIZ_DATA" not in os.environ, reason="CNNVIZ_DATA names no folder with MNIST")


@pytest.fixture(scope="module")
def lenet5():
    module = networks.build("lenet5")
    assert module.weights.kind == "bundled"
    return module


@pytest.fixture(scope="module")
def model_card():
    """The figures of the card, as it words them."""
    text = " ".join((ROOT / "assets" / "README.md").read_text(encoding="utf-8").split())
    found = re.search(
        r"recognises ([\d.]+) % of the 10,000 digits of MNIST's test split \(cross-entropy ([\d.]+)\), "
        r"(\d+) of the hundred in `tests/data/mnist` \(cross-entropy ([\d.]+)\)",
        text,
    )
    return [float(number) for number in found.groups()]


def given(module, pictures):
    x = np.concatenate([to_input(picture, CARD) for picture in pictures])
    with torch.no_grad():
        return module(torch.from_numpy(x)).argmax(1).tolist()


# --- the card ----------------------------------------------------------------


def test_a_fixed_hundred_as_the_card_says(lenet5, model_card):
    loss, accuracy = evaluate(lenet5, mnist(DATA).test, CARD)
    assert accuracy == model_card[2]
    assert loss == pytest.approx(model_card[3], abs=1e-4)


def test_the_card_is_the_logs_last_line(model_card):
    log = read_log(LOG)
    assert len(log) == recipe("lenet5-mnist").epochs
    assert (log[-1].test_accuracy, log[-1].test_loss) == (model_card[0], pytest.approx(model_card[1], abs=5e-5))
    assert log[-1].test_accuracy >= 99.0


@needs_mnist
def test_the_whole_test_split_as_the_card_says(lenet5, model_card):
    data = mnist(Path(os.environ["CNNVIZ_DATA"]))
    assert len(data.test.labels) == 10_000
    loss, accuracy = evaluate(lenet5, data.test, CARD)
    assert (accuracy, loss) == (pytest.approx(model_card[0], abs=0.011), pytest.approx(model_card[1], abs=1e-4))


# --- the log -----------------------------------------------------------------


def close(line, committed):
    norms = pytest.approx(committed.gradient_norms, rel=5e-3)
    assert line.gradient_norms == norms
    assert line.loss == pytest.approx(committed.loss, rel=2e-3)
    assert line.train_accuracy == pytest.approx(committed.train_accuracy, abs=0.2)
    assert line.test_accuracy == pytest.approx(committed.test_accuracy, abs=0.5)
    assert (line.epoch, line.rate) == (1, committed.rate)


def test_an_epoch_over_the_first_thousand_gives_the_committed_line(tmp_path):
    (committed,) = read_log(DATA / "lenet5-mnist-extract.jsonl")
    close(train(recipe("lenet5-mnist"), mnist(DATA), tmp_path, seed=0, epochs=1).epochs[0], committed)


@needs_mnist
def test_the_first_epoch_gives_the_logs_first_line(tmp_path):
    data = mnist(Path(os.environ["CNNVIZ_DATA"]))
    assert len(data.train.labels) == 60_000
    close(train(recipe("lenet5-mnist"), data, tmp_path, seed=0, epochs=1).epochs[0], read_log(LOG)[0])


# --- drawn digits ------------------------------------------------------------

WAYS = {
    "as one draws": {},
    "thick": {"pen": 34},
    "very thick": {"pen": 44},
    "thin": {"pen": 5},
    "a hair": {"pen": 2},
    "small": {"height": 60, "pen": 8},
    "tiny": {"height": 30, "pen": 4},
    "small and thick": {"height": 80, "pen": 20, "at": (220, 60)},
    "in a corner": {"height": 110, "pen": 14, "at": (70, 200)},
    "large": {"height": 250, "pen": 20},
    "slanted": {"slant": 0.2},
    "slanted to the left": {"slant": -0.2},
}


@pytest.mark.parametrize("way", WAYS)
def test_drawn_digits_are_recognised(lenet5, way):
    assert given(lenet5, [as_mnist(drawn(digit, **WAYS[way])) for digit in range(10)]) == list(range(10))


@pytest.mark.parametrize("at", [(134, 146), (150, 140), (140, 130)])
@pytest.mark.parametrize("pen", [10, 26])
def test_a_digit_need_not_be_centred_to_the_pixel(lenet5, at, pen):
    """Scaled to the field as it is, a pixel off centre, without `as_mnist`."""
    pictures = [drawn(digit, pen=pen, at=at).resize((28, 28), Image.Resampling.BILINEAR) for digit in range(10)]
    assert given(lenet5, pictures) == list(range(10))


def test_ink_on_paper_is_recognised(lenet5):
    rng = np.random.default_rng(0)
    pictures = []
    for digit in range(10):
        ink = np.asarray(drawn(digit, height=150, pen=12, at=(150, 130)), dtype=float) / 255
        paper = 200 - 150 * ink + rng.normal(0, 6, ink.shape)
        pictures.append(as_mnist(Image.fromarray(paper.clip(0, 255).astype(np.uint8))))
    assert given(lenet5, pictures) == list(range(10))


def test_the_digits_that_come_along_are_recognised(lenet5):
    files = photographs()
    pictures = [as_mnist(load_image(files[f"digit-{digit}"].read_bytes())) for digit in (3, 8)]
    assert given(lenet5, pictures) == [3, 8]


# --- photographs -------------------------------------------------------------

ROW = re.compile(r"^\| `([\w-]+)` \| ([\d.]+) % \| ([\d.]+) % \| (\d+) \|", re.MULTILINE)
"""Of a card's table: network, training error of the last epoch, held-out accuracy, recognised of the hundred."""


def rows():
    text = (ROOT / "assets" / "README.md").read_text(encoding="utf-8")
    return {name: tuple(map(float, found)) for name, *found in ROW.findall(text)}


def test_every_bundled_weight_has_a_card():
    bundled = {file.stem for file in (ROOT / "assets" / "weights").glob("*.safetensors")}
    assert bundled == {"lenet5", *rows()}
    assert sum(file.stat().st_size for file in (ROOT / "assets" / "weights").iterdir()) < 50e6


@pytest.mark.parametrize("key", rows())
def test_a_fixed_hundred_photographs_as_the_card_says(key):
    module = networks.build(key)
    assert (module.weights.kind, module.weights.training.dataset) == ("bundled", "CIFAR-10")
    _, accuracy = evaluate(module, cifar10(DATA).test, networks.card(key), module.weights.training.size)
    assert accuracy == rows()[key][2]


@pytest.mark.parametrize("key", rows())
def test_the_cards_row_is_the_logs_last_line(key):
    with safe_open(ROOT / "assets" / "weights" / f"{key}.safetensors", "pt") as file:
        name = json.loads(file.metadata()["training"])["recipe"]
    log, known = read_log(LOG.with_name(f"{name}.jsonl")), recipe(name)
    error, accuracy, _ = rows()[key]
    assert (100 - log[-1].train_accuracy, log[-1].test_accuracy) == (pytest.approx(error, abs=0.006), accuracy)
    assert len(log) == known.epochs or log[-1].train_accuracy >= known.until > log[-2].train_accuracy
    module = networks.construct(key, **known.options)
    assert set(log[0].gradient_norms) == {p for p, child in module.named_modules() if list(child.parameters(False))}


@pytest.mark.parametrize("key", ["googlenet", "resnet18"])
def test_the_large_ones_recognise_four_of_five(key):
    assert rows()[key][1] >= 80
    module = networks.build(key)
    assert (module.weights.training.size, module.weights.training.classes) == (64, 10)
