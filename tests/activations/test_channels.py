import numpy as np
import pytest

import cnnviz
from cnnviz.activations.channels import activity, dead, ordered
from cnnviz.activations.statistics import statistics
from cnnviz.catalogue import Options
from cnnviz.engine.local import Engine, Picture
from cnnviz.engine.studio import Subject
from cnnviz.images import load_image, photographs

MAPS = np.array([[[0, 0], [0, 0]], [[-3, 3], [3, -3]], [[2, 2], [2, 2]], [[1, 0], [0, 0]]], dtype=np.float32)


def test_activity_is_the_mean_absolute_value():
    assert activity(MAPS).tolist() == [0, 3, 2, 0.25]
    assert activity(np.array([[[np.nan, 2]]], dtype=np.float32)).tolist() == [1]


def test_the_most_active_comes_first_and_equals_stay_in_order():
    assert ordered(MAPS, "activity") == [1, 2, 3, 0]
    assert ordered(MAPS, "channel") == [0, 1, 2, 3]
    assert ordered(np.ones((3, 2, 2), dtype=np.float32), "activity") == [0, 1, 2]


def test_dead_is_what_has_one_value_everywhere():
    assert dead(MAPS) == [0, 2]
    assert dead(np.array([[[0.0]], [[2.0]]], dtype=np.float32)) == [0]


@pytest.mark.parametrize("key", ["resnet20", "lenet5", "googlenet"])
def test_as_many_are_dead_as_the_statistics_count(key):
    subject = Subject(Options(key), Picture(load_image(photographs()["cat"].read_bytes()), "cat"))
    counted = {layer.path: layer for layer in statistics(cnnviz.build(key), subject.input) if len(layer.shape) == 3}
    for path in list(counted)[1:12]:
        maps = Engine().maps(subject.options, subject.picture, path, device="cpu").maps
        assert len(dead(maps)) == counted[path].dead, path
