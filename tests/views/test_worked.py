import re

import pytest
import torch
from torch import nn

import cnnviz
from cnnviz.activations.computed import computed_for
from cnnviz.images import load_image, photographs, to_input
from cnnviz.networks import card
from cnnviz.views.worked import MOST_TERMS, worked


def x_for(key: str) -> torch.Tensor:
    return torch.from_numpy(to_input(load_image(photographs()["cat"].read_bytes()), card(key)))


def numbers(html: str, pattern: str) -> list[float]:
    return [float(found.replace("−", "-")) for found in re.findall(pattern, html)]


def contributions(html: str) -> list[float]:
    return numbers(html, r"<td>([+−][\d.e+−-]+)</td><td class=bar>")


def total(html: str) -> float:
    return numbers(html, r"class=total>.*?<td>([\d.e−+-]+)</td><td></td></tr>")[0]


CASES = [
    ("resnet20", "layer1.0.conv2", (3, 10, 12)),
    ("resnet20", "layer1.0.add", (3, 10, 12)),
    ("resnet20", "avgpool", (3, 0, 0)),
    ("resnet20", "fc", (3,)),
    ("alexnet", "conv1", (3, 10, 12)),
    ("googlenet", "inception3a.branch1x1", (3, 10, 12)),
    ("lenet5-1998", "c3", (3, 4, 5)),
    ("lenet5-1998", "output", (3,)),
]


@pytest.mark.parametrize(("key", "path", "place"), CASES)
def test_the_steps_on_the_page_add_up_to_the_number(key, path, place):
    module, x = cnnviz.build(key), x_for(key)
    found = computed_for(module, x, path, place)
    html = worked(found)
    captured = float(cnnviz.capture(module, x, [path])[path][(0, *place)])
    if "class=bar" in html:
        added = contributions(html)
        assert total(html) == pytest.approx(captured, rel=1e-4, abs=1e-5)
        assert sum(added) == pytest.approx(captured, rel=1e-2, abs=2e-3), "four digits of each are shown"
        largest = added[: -2 if "bias" in html else None][:MOST_TERMS]
        assert [abs(adds) for adds in largest] == sorted((abs(adds) for adds in largest), reverse=True) or "add" in path
    assert f"{captured:.6g}"[:6].replace("-", "−") in html.replace("-", "−")
    assert "the very number" in html or "they differ by" in html


def test_patches_kernels_and_products_stand_side_by_side():
    html = worked(computed_for(cnnviz.build("resnet20"), x_for("resnet20"), "layer1.0.conv2", (3, 0, 12)))
    assert re.findall(r"<caption>(\w+)", html)[:3] == ["patch", "kernel", "products"]
    assert html.count("<li>") == 6
    assert "10 more channels" in html
    rows = re.findall(r"<table class=grid.*?</table>", html)[:3]
    patch, kernel, products = (numbers(row, r">([−\d.]+)</td>") for row in rows)
    assert all(a * b == pytest.approx(c, abs=0.03) for a, b, c in zip(patch, kernel, products, strict=True))
    assert rows[0].count("class='pad'") == rows[2].count("class='pad'") == 3, "the row above the border"
    assert "class='pad'" not in rows[1]


def test_the_winner_of_a_pooling_is_marked():
    html = worked(computed_for(cnnviz.build("alexnet"), x_for("alexnet"), "pool1", (3, 5, 5)))
    assert len(re.findall(r"class='won[ w]*'", html)) == 1
    assert len(re.findall(r"<td", html)) == 9


def test_large_windows_are_colours_with_their_numbers_on_hover():
    html = worked(computed_for(cnnviz.build("alexnet"), x_for("alexnet"), "conv1", (3, 5, 5)))
    assert html.count("title=") == 3 * 3 * 121
    assert len(html) < 80_000


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add_module("<b>x</b>", nn.Conv2d(3, 2, 3))
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self._modules["<b>x</b>"](x))


def test_names_that_a_network_brings_are_text():
    html = worked(computed_for(Named(), torch.rand(1, 3, 8, 8), "act", (0, 1, 1)))
    assert "<b>x" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
