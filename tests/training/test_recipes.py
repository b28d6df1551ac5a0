from inspect import signature

import pytest

from cnnviz import networks
from cnnviz.errors import BadOption
from cnnviz.training.data import DATA
from cnnviz.training.recipes import RECIPES, Cosine, recipe


@pytest.mark.parametrize("known", RECIPES.values(), ids=RECIPES)
def test_every_recipe_can_be_followed(known):
    assert known.dataset in DATA
    networks.construct(known.network, **known.options)
    assert set(known.variant) <= set(signature(networks.card(known.network).build).parameters)
    assert eval(repr(known), _names(known)) == known  # a checkpoint is known by it


def _names(known):
    parts = (known, known.schedule, known.augmentation)
    return {type(part).__name__: type(part) for part in parts}


def test_the_cosine_rises_then_falls_to_nothing():
    schedule = Cosine(warmup=0.2)
    assert [schedule(done) for done in (0, 0.1, 0.2, 0.6, 1)] == pytest.approx([0, 0.5, 1, 0.5, 0])
    assert Cosine()(0) == 1


def test_an_unknown_recipe_is_a_sentence():
    with pytest.raises(BadOption, match=r"No recipe is called 'lenet-mnist'\. Did you mean 'lenet5-mnist'\?"):
        recipe("lenet-mnist")
