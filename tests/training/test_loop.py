import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

from cnnviz import networks
from cnnviz.errors import BadData, BadOption
from cnnviz.images import to_input
from cnnviz.training.data import Data, Split, cifar10, mnist
from cnnviz.training.loop import CHECKPOINT, enlarged, evaluate, logits, prepare, read_log, train
from cnnviz.training.loop import _normalised as normalised
from cnnviz.training.recipes import recipe

EXTRACT = Path(__file__).parents[1] / "data" / "mnist"
RECIPE = recipe("lenet5-mnist")
CARD = networks.card("lenet5")


def timeless(lines):
    return [{**asdict(line), "seconds": 0} for line in lines]


@pytest.fixture(scope="module")
def data():
    whole = mnist(EXTRACT)
    return replace(whole, train=Split(whole.train.images[:300], whole.train.labels[:300]))


@pytest.fixture(scope="module")
def two_epochs(data, tmp_path_factory):
    return train(RECIPE, data, tmp_path_factory.mktemp("run"), seed=3, epochs=2)


def test_training_sees_what_a_picture_becomes(data):
    """The network learns from the very numbers that `to_input` makes of the same picture."""
    x = normalised(prepare(data.test.images, CARD), CARD)
    for pixels, expected in zip(data.test.images[:20, 0].numpy(), x[:20], strict=True):
        np.testing.assert_allclose(to_input(Image.fromarray(pixels).convert("RGB"), CARD)[0], expected, atol=1e-6)


@pytest.mark.parametrize(("key", "size"), [("resnet18", 64), ("resnet18", 96), ("resnet20", 64), ("resnet20", None)])
def test_training_enlarges_as_a_picture_is(key, size):
    card, images = networks.card(key), cifar10(EXTRACT.parent).test.images[:10]
    x = normalised(enlarged(prepare(images, card), card, size), card)
    for pixels, expected in zip(images.permute(0, 2, 3, 1).numpy(), x, strict=True):
        received = to_input(Image.fromarray(pixels), card, size and (size, size))[0]
        np.testing.assert_allclose(received, expected, atol=1.01 / 255 / min(card.normalisation.std))  # Pillow rounds


def test_logits_are_what_the_softmax_gets():
    module = networks.build("lenet5", weights="random")
    x = torch.randn(4, 1, 32, 32)
    torch.testing.assert_close(logits(module)(x).softmax(1), module(x))
    assert [id(p) for p in logits(module).parameters()] == [id(p) for p in module.parameters()]
    assert logits(linear := nn.Linear(2, 2)) is linear


def test_evaluation_is_that_of_a_plain_pass(data):
    module = networks.build("lenet5", weights="random")
    pictures = [Image.fromarray(pixels).convert("RGB") for pixels in data.test.images[:, 0].numpy()]
    with torch.no_grad():
        probabilities = torch.cat([module(torch.from_numpy(to_input(picture, CARD))) for picture in pictures])
    loss, accuracy = evaluate(module, data.test, CARD)
    assert loss == pytest.approx(float(F.nll_loss(probabilities.log(), data.test.labels)), rel=1e-5)
    assert accuracy == 100 * int((probabilities.argmax(1) == data.test.labels).sum()) / 100


# --- what a run leaves -------------------------------------------------------


def test_the_log_is_json_an_epoch_a_line(two_epochs):
    lines = [json.loads(line) for line in two_epochs.log.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert two_epochs.log.name == "lenet5-mnist.jsonl"
    assert list(lines[0]["gradient_norms"]) == ["conv1", "conv2", "conv3", "fc1", "fc2"]
    assert all(value > 0 for value in lines[0]["gradient_norms"].values())
    assert read_log(two_epochs.log) == two_epochs.epochs


def test_the_weights_are_a_file_for_the_network_and_say_where_they_are_from(two_epochs, data):
    module = networks.build("lenet5", weights=str(two_epochs.weights))
    loss, accuracy = evaluate(module, data.test, CARD)
    assert (loss, accuracy) == pytest.approx(
        (two_epochs.epochs[-1].test_loss, two_epochs.epochs[-1].test_accuracy), rel=1e-5
    )
    with safe_open(two_epochs.weights, "pt") as file:
        facts = json.loads(file.metadata()["training"])
    assert (facts["recipe"], facts["dataset"], facts["seed"], facts["epochs"]) == ("lenet5-mnist", "MNIST", 3, 2)
    assert facts["test_accuracy"] == pytest.approx(accuracy)


def test_a_stopped_run_goes_on_to_the_same_bits(two_epochs, data, tmp_path):
    train(RECIPE, data, tmp_path, seed=3, epochs=1)
    resumed = train(RECIPE, data, tmp_path, seed=3, epochs=2)
    assert resumed.weights.read_bytes() == two_epochs.weights.read_bytes()
    assert timeless(resumed.epochs) == timeless(two_epochs.epochs)


def test_what_ran_before_makes_no_difference(two_epochs, data, tmp_path):
    torch.manual_seed(17)
    torch.rand(5)
    state = torch.get_rng_state()
    again = train(RECIPE, data, tmp_path, seed=3, epochs=1)
    assert timeless(again.epochs) == timeless(two_epochs.epochs[:1])
    assert torch.equal(torch.get_rng_state(), state)


def test_a_finished_run_is_left_as_it_is(two_epochs, data):
    before = two_epochs.weights.read_bytes()
    told = []
    again = train(RECIPE, data, two_epochs.weights.parent, seed=3, epochs=2, on_epoch=told.append)
    assert (again.weights.read_bytes(), told) == (before, [])


def test_progress_is_told_step_by_step(data, tmp_path):
    told = []
    train(RECIPE, data, tmp_path, epochs=1, on_step=lambda *where: told.append(where))
    assert told == [(1, done, 5) for done in range(1, 6)]


# --- one step by hand --------------------------------------------------------


def test_one_step_is_the_one_that_the_recipe_says(data, tmp_path):
    """One batch, no augmentation: the norms are those of the gradients, the step that of SGD."""
    whole = replace(RECIPE, batch=300, augmentation=None, schedule=lambda done: 1.0, momentum=0.0, weight_decay=0.0)
    run = train(whole, data, tmp_path, seed=3, epochs=1)
    module = networks.build("lenet5", weights=networks.Source("random", seed=3))
    scores = logits(module)(normalised(prepare(data.train.images, CARD), CARD))
    F.cross_entropy(scores, data.train.labels).backward()
    for path, norm in run.epochs[0].gradient_norms.items():
        layer = module.get_submodule(path)
        squares = layer.weight.grad.square().sum() + layer.bias.grad.square().sum()
        assert norm == pytest.approx(math.sqrt(squares), rel=1e-4)
    learned = networks.build("lenet5", weights=str(run.weights))
    for name, parameter in module.named_parameters():
        moved = (parameter - whole.rate * parameter.grad).detach()
        torch.testing.assert_close(learned.get_parameter(name).detach(), moved, rtol=1e-4, atol=1e-6)


def test_bfloat16_is_close(data, tmp_path):
    runs = [
        train(replace(RECIPE, bfloat16=narrow), data, tmp_path / str(narrow), epochs=1).epochs[0]
        for narrow in (False, True)
    ]
    assert runs[0].loss != runs[1].loss
    assert runs[1].loss == pytest.approx(runs[0].loss, rel=0.02)


def test_a_training_that_diverged_is_logged_as_such(data, tmp_path):
    run = train(replace(RECIPE, rate=1e38, schedule=lambda done: 1.0), data, tmp_path, epochs=1)
    assert run.epochs[0].test_loss is None
    assert "null" in run.log.read_text()


# --- what goes wrong ---------------------------------------------------------


@pytest.mark.parametrize("epochs", [0, -1, 26])
def test_a_recipe_has_so_many_epochs(data, tmp_path, epochs):
    with pytest.raises(BadOption, match=f"{epochs} epochs were asked for, but lenet5-mnist has 1 to 25"):
        train(RECIPE, data, tmp_path, epochs=epochs)


@pytest.mark.parametrize("other", [{"seed": 4}, {"recipe": replace(RECIPE, rate=0.1)}, {"data": None}])
def test_another_runs_checkpoint_is_refused(two_epochs, data, other):
    fewer = Data(data.name, Split(data.train.images[1:], data.train.labels[1:]), data.test)
    given = {"recipe": RECIPE, "data": data, "seed": 3} | (other if "data" not in other else {"data": fewer})
    with pytest.raises(BadData, match="of another recipe, seed or data"):
        train(folder=two_epochs.weights.parent, epochs=2, **given)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04"])
def test_a_damaged_checkpoint_is_a_sentence(data, tmp_path, content):
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(BadData, match="is damaged: delete it to start anew"):
        train(RECIPE, data, tmp_path, epochs=1)


# --- photographs -------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["plain20-cifar10", "resnet20-cifar10-without-bn", "relu4-cifar10", "resnet18-cifar10", "googlenet-cifar10"]
)
def test_photographs_are_learned_from(name, tmp_path):
    known, photographs = recipe(name), cifar10(EXTRACT.parent)
    small = replace(known, size=known.size and 32, epochs=2, until=None)
    run = train(small, photographs, tmp_path, epochs=1)
    (line,) = run.epochs
    assert math.isfinite(line.loss)
    module = networks.construct(known.network, **known.options)
    assert list(line.gradient_norms) == [
        path for path, child in module.named_modules() if list(child.parameters(recurse=False))
    ]
    with safe_open(run.weights, "pt") as file:
        facts = json.loads(file.metadata()["training"])
        keys = file.keys()
        kinds = {file.get_tensor(key).dtype for key in keys if "num_batches" not in key}
    assert kinds == {torch.float16 if known.float16 else torch.float32}
    assert facts | {"dataset": "CIFAR-10", "size": 32, **known.options} == facts
    networks.build(known.network, weights=str(run.weights), **known.options)


def test_a_recipe_can_end_where_it_has_learned_enough(data, tmp_path):
    enough = replace(RECIPE, until=1.0)
    assert len(train(enough, data, tmp_path).epochs) == 1
    assert len(train(enough, data, tmp_path).epochs) == 1  # called again, it has still learned enough
    assert len(train(replace(RECIPE, until=100.0), data, tmp_path / "not yet", epochs=2).epochs) == 2
