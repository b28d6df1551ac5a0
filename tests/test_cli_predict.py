"""`cnnviz predict` and `cnnviz train`, from what is typed to what is printed."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import drawn
from PIL import Image, ImageOps

from cnnviz import networks
from cnnviz.images import load_image, photographs, to_input, zoomed
from cnnviz.training.data import mnist
from cnnviz.training.ideas import IDEAS
from cnnviz.training.recipes import RECIPES

DATA = Path(__file__).parent / "data"


# --- predict -------------------------------------------------------------------


@pytest.mark.parametrize("digit", [3, 8])
def test_a_digit_is_named_with_its_margin_and_the_weights(cnnviz, digit):
    done = cnnviz("predict", "lenet5", photographs()[f"digit-{digit}"], "--device", "cpu")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert re.fullmatch(rf"{digit} +\d+\.\d\d %", lines[0])
    assert len(lines) == 12
    assert re.fullmatch(rf"{digit} is ahead by \d+\.\d\d percentage points\.", lines[-2])
    assert lines[-1] == "lenet5 with weights trained by this project on MNIST (lenet5.safetensors), on cpu."


@pytest.mark.parametrize("way", ["white on black", "ink on paper", "transparent"])
def test_a_drawing_of_any_size_and_colour_will_do(cnnviz, tmp_path, way):
    picture = drawn(5, height=90, pen=11, at=(80, 190))
    if way == "ink on paper":
        picture = ImageOps.invert(picture)
    elif way == "transparent":
        ink = Image.new("RGBA", picture.size, (20, 20, 90, 255))
        ink.putalpha(picture)
        picture = ink
    picture.save(tmp_path / "five.png")
    answer = json.loads(cnnviz("predict", "lenet5", tmp_path / "five.png", "--json").out)
    assert answer["classes"][0]["name"] == "5"


def test_mnists_own_digits_reach_the_network_as_they_are(cnnviz, tmp_path):
    data = mnist(DATA).test
    module = networks.build("lenet5")
    for index in range(3):
        picture = Image.fromarray(data.images[index, 0].numpy())
        picture.save(tmp_path / "digit.png")
        answer = json.loads(cnnviz("predict", "lenet5", tmp_path / "digit.png", "--json", "--device", "cpu").out)
        with torch.no_grad():
            expected = module(torch.from_numpy(to_input(picture.convert("RGB"), networks.card("lenet5"))))[0]
        found = {score["index"]: score["score"] for score in answer["classes"]}
        assert [found[digit] for digit in range(10)] == pytest.approx(expected.tolist(), abs=1e-6)


def test_as_json(cnnviz):
    words = ("predict", "lenet5", photographs()["digit-3"], "--top", 2, "--json", "--device", "cpu")
    answer = json.loads(cnnviz(*words).out)
    first, second = answer.pop("classes")
    assert (first["index"], first["name"]) == (3, "3")
    assert answer.pop("margin") == pytest.approx(first["score"] - second["score"])
    assert answer == {
        "network": "lenet5",
        "input_shape": [1, 32, 32],
        "weights": "weights trained by this project on MNIST (lenet5.safetensors)",
        "trained": True,
        "device": "cpu",
        "measure": "probability",
    }


def test_random_weights_mean_nothing_and_it_says_so(cnnviz):
    words = ("predict", "resnet18", photographs()["cat"], "--input", "3,64,64", "--weights", "random")
    done = cnnviz(*words, "--top", 3, "--device", "cpu")
    assert len(done.out.splitlines()) == 5
    assert done.out.endswith(
        "resnet18 with random weights, seed 0 (untrained), on cpu. They have learned nothing: the answer means nothing.\n"
    )
    answer = json.loads(cnnviz(*words, "--json").out)
    assert (answer["trained"], answer["input_shape"], len(answer["classes"])) == (False, [3, 64, 64], 10)
    names = (Path(__file__).parents[1] / "assets" / "imagenet_classes.txt").read_text().splitlines()
    assert all(names[score["index"]] == score["name"] for score in answer["classes"])


def test_weights_from_a_file_are_named(cnnviz, tmp_path):
    torch.save(networks.build("resnet20", weights="random").state_dict(), tmp_path / "mine.pt")
    done = cnnviz("predict", "resnet20", photographs()["cat"], "--weights", tmp_path / "mine.pt")
    assert "resnet20 with weights from the file mine.pt" in done.out
    assert "means nothing" not in done.out
    assert {"cat", "frog", "truck"} < set(re.findall(r"^\w+", done.out, re.MULTILINE))


def test_lenet5_of_1998_gives_distances(cnnviz):
    done = cnnviz("predict", "lenet5-1998", photographs()["digit-3"])
    assert re.search(r"^\d is ahead by \d+\.\d{3}; the smallest distance wins\.$", done.out, re.MULTILINE)
    answer = json.loads(cnnviz("predict", "lenet5-1998", photographs()["digit-3"], "--json").out)
    distances = [score["score"] for score in answer["classes"]]
    assert (answer["measure"], distances) == ("squared distance", sorted(distances))


def test_a_network_of_the_users_own(cnnviz, tmp_path, monkeypatch):
    (tmp_path / "nets_to_predict.py").write_text(
        "from torch import nn\n"
        "class Small(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(28 * 28, 4))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    words = ("predict", "nets_to_predict:Small", photographs()["digit-3"], "--input", "1,28,28")
    done = cnnviz(*words)
    assert re.search(r"^class \d +\d+\.\d\d %$", done.out, re.MULTILINE)
    assert "weights as nets_to_predict:Small makes them" in done.out
    assert json.loads(cnnviz(*words, "--json").out)["trained"] is None


def test_a_picture_is_fitted_and_scaled_as_asked(cnnviz):
    words = ("predict", "resnet20", photographs()["cat"], "--json", "--device", "cpu")
    card, module = networks.card("resnet20"), networks.build("resnet20")
    picture = load_image(photographs()["cat"].read_bytes())
    for fit, zoom in (("crop", 1), ("squeeze", 1), ("crop", 0.5)):
        answer = json.loads(cnnviz(*words, "--fit", fit, "--zoom", zoom).out)
        with torch.no_grad():
            expected = module(torch.from_numpy(to_input(zoomed(picture, card, zoom), card, fit=fit)))[0].softmax(0)
        found = {score["index"]: score["score"] for score in answer["classes"]}
        np.testing.assert_allclose([found[index] for index in range(10)], expected, atol=1e-6)
    assert "0.25 to 2 times" in cnnviz(*words, "--zoom", 5).err


def test_the_maps_of_a_drawing_are_those_of_the_digit_that_is_recognised(cnnviz, tmp_path):
    ImageOps.invert(drawn(5, height=90, pen=11, at=(80, 190))).save(tmp_path / "five.png")
    cnnviz("activations", "lenet5", tmp_path / "five.png", "--layer", "softmax", "-o", tmp_path / "five.npz")
    answer = json.loads(cnnviz("predict", "lenet5", tmp_path / "five.png", "--json").out)
    with np.load(tmp_path / "five.npz") as maps:
        scores = maps["softmax"]
    assert scores.argmax() == 5
    assert scores[[score["index"] for score in answer["classes"]]] == pytest.approx(
        [score["score"] for score in answer["classes"]], abs=1e-6
    )


# --- train ---------------------------------------------------------------------


def test_train_writes_weights_log_and_checkpoint_and_goes_on(cnnviz, tmp_path):
    words = ("train", "lenet5-mnist", "--data", DATA, "-o", tmp_path / "run", "--device", "cpu")
    first = cnnviz(*words, "--epochs", 1)
    assert (first.code, first.err) == (0, "")
    assert re.match(r"epoch  1 of 25: loss 2\.16\d\d, training 23\.\d\d %, test 6\d\.00 %, [\d.]+ s\n", first.out)
    assert re.search(r"^After 1 epoch 6\d\.00 % of the 100 test pictures are recognised\.$", first.out, re.MULTILINE)
    assert str(tmp_path / "run" / "lenet5.safetensors") in first.out
    on = cnnviz(*words, "--epochs", 2, "--json")
    assert [json.loads(line)["epoch"] for line in on.out.splitlines()] == [2]
    log = (tmp_path / "run" / "lenet5-mnist.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1, 2]
    predicted = cnnviz(
        "predict", "lenet5", photographs()["digit-3"], "--weights", tmp_path / "run" / "lenet5.safetensors"
    )
    assert "weights from the file lenet5.safetensors" in predicted.out


def test_every_recipe_is_in_the_help(cnnviz):
    shown = " ".join(cnnviz("train", "--help").out.split())
    kinds = {name.replace(RECIPES[name].network + "-cifar10", "NET-cifar10") for name in RECIPES}
    less = {f"alexnet-cifar10-without-{idea}" for idea in IDEAS}
    assert kinds == {"lenet5-mnist", "NET-cifar10", "NET-cifar10-without-bn", "alexnet-cifar10", *less}
    ideas = ", ".join(f"-{idea}" for idea in IDEAS).replace("-", "alexnet-cifar10-without-", 1)
    assert f"lenet5-mnist, NET-cifar10, NET-cifar10-without-bn, alexnet-cifar10 or {ideas}" in shown


def test_a_photograph_gets_the_classes_and_the_size_that_the_weights_have_learned(cnnviz):
    answer = json.loads(cnnviz("predict", "resnet18", photographs()["cat"], "--device", "cpu", "--json").out)
    assert answer["input_shape"] == [3, 64, 64]
    assert answer["weights"] == "weights trained by this project on CIFAR-10 (resnet18.safetensors)"
    assert (answer["trained"], len(answer["classes"]), answer["classes"][0]["name"]) == (True, 10, "cat")
    names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
    assert {score["name"] for score in answer["classes"]} == names


# --- held-out pictures -----------------------------------------------------------


def test_held_out_pictures_are_shown_with_their_answers_right_or_wrong(cnnviz, tmp_path):
    shown = cnnviz("predict", "lenet5", "--held-out", DATA)
    lines = shown.out.splitlines()
    assert len(lines) == 102
    assert re.fullmatch(r" +0  7  taken for 7 +\d+\.\d\d %", lines[0])
    assert lines[-2] == "100 of 100 held-out pictures of MNIST are recognised."
    assert "on MNIST (lenet5.safetensors)" in lines[-1]
    values = json.loads(cnnviz("predict", "lenet5", "--held-out", DATA, "--json").out)
    assert (values["right"], len(values["pictures"])) == (100, 100)
    assert values["pictures"][0] | {"index": 0, "truth": 7, "answer": 7} == values["pictures"][0]


def test_held_out_pictures_as_a_sheet(cnnviz, tmp_path):
    shown = cnnviz("predict", "lenet5", "--held-out", DATA, "-o", str(tmp_path / "sheet.png"))
    assert shown.out.startswith("100 of 100 held-out pictures")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert min(sheet.size) > 500


# --- what goes wrong -------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("predict lenet5 /nowhere.png", "'/nowhere.png' can't be read"),
        ("predict lenet5 PICTURE --top 0", "at least 1 class"),
        ("predict lenet5 PICTURE --weights imagenet", "No published ImageNet weights fit lenet5"),
        ("predict lenet5-1998 PICTURE --weights bundled", "No weights for lenet5-1998 come along"),
        ("predict lenet5 PICTURE --input 1,64,64", "lenet5's fc1 needs"),
        ("predict lenet6 PICTURE", "No network is called 'lenet6'"),
        ("predict lenet5", "One of the two is needed: a PICTURE, or --held-out DIR"),
        ("predict lenet5 PICTURE --held-out DATA", "One of the two is needed"),
        ("predict lenet5 PICTURE -o sheet.png", "a sheet is made of --held-out pictures only"),
        ("predict resnet34 --held-out DATA", "resnet34 has random weights"),
        ("train lenet5-mist --data DATA", r"No recipe is called 'lenet5-mist'\. Did you mean 'lenet5-mnist'\?"),
        ("train lenet5-mnist --data DATA -o RUN --epochs 26", "has 1 to 25"),
        ("train lenet5-mnist --data DATA -o FILE/run", r"The folder '.*' can't be made: Not a directory"),
        ("train lenet5-mnist --data DATA -o RUN --device tpu", "The device 'tpu' isn't there"),
    ],
)
def test_what_is_wrong_is_one_sentence_on_stderr(cnnviz, tmp_path, line, sentence):
    (tmp_path / "file").touch()
    places = {
        "PICTURE": photographs()["digit-3"],
        "DATA": DATA,
        "RUN": tmp_path / "run",
        "FILE/run": tmp_path / "file" / "run",
    }
    refused = cnnviz(*(places.get(word, word) for word in line.split()))
    assert (refused.code, refused.out) == (2, "")
    assert re.search(sentence, refused.err)
    assert refused.err.count("\n") == 1


def test_a_photograph_is_not_taken_for_a_drawing(cnnviz):
    answer = json.loads(
        cnnviz("predict", "resnet20", photographs()["cat"], "--weights", "random", "--json", "--device", "cpu").out
    )
    picture = load_image(photographs()["cat"].read_bytes())
    module = networks.build("resnet20", weights="random")
    with torch.no_grad():
        expected = module(torch.from_numpy(to_input(picture, networks.card("resnet20"))))[0].softmax(0)
    found = {score["index"]: score["score"] for score in answer["classes"]}
    np.testing.assert_allclose([found[index] for index in range(10)], expected, atol=1e-6)
