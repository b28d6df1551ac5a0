import io
from pathlib import Path

import pytest
import torch
from PIL import Image

from cnnviz import networks
from cnnviz.training.data import cifar10, mnist
from cnnviz.training.held_out import WRONG, Answer, answers, sheet_png
from cnnviz.training.loop import evaluate

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(("key", "read"), [("lenet5", mnist), ("resnet20", cifar10)])
def test_as_many_are_right_as_an_evaluation_finds(key, read):
    module, card, split = networks.build(key, weights="random"), networks.card(key), read(DATA).test
    found = answers(module, split, card)
    assert [answer.index for answer in found] == list(range(len(split.labels)))
    assert [answer.truth for answer in found] == split.labels.tolist()
    assert sum(answer.right for answer in found) == round(evaluate(module, split, card)[1])
    assert all(0.1 <= answer.probability <= 1 for answer in found)  # the best of ten


def test_a_wrong_answer_is_framed_and_named():
    images = torch.full((2, 3, 32, 32), 255, dtype=torch.uint8)
    names = tuple("abcdefghij")

    def drawn(answer):
        return Image.open(io.BytesIO(sheet_png(images, [Answer(0, 1, 1, 0.9), Answer(1, 1, answer, 0.9)], names)))

    frame = tuple(bytes.fromhex(WRONG[1:]))
    colours = [{colour for _, colour in drawn(answer).getcolors(10_000)} for answer in (1, 2)]
    assert frame not in colours[0]
    assert frame in colours[1]
