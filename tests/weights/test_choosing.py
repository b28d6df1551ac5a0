"""Which weights a word means."""

from pathlib import Path

import pytest
from fillable import equal, small
from safetensors.torch import save_file

from cnnviz.errors import BadWeights
from cnnviz.weights import Source, Training, cache_folder, fill, resolve


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path))
    monkeypatch.setattr("cnnviz.weights._BUNDLED", tmp_path / "bundled")
    (tmp_path / "bundled").mkdir()
    return tmp_path


def test_auto_prefers_imagenet_then_bundled_then_random(cache):
    def label():
        return resolve("net", "auto", "net-12345678.pth").label

    assert label() == "random weights, seed 0 (untrained)"
    save_file({}, cache / "bundled" / "net.safetensors", {"training": '{"dataset": "MNIST", "size": 32}'})
    assert label() == "weights trained by this project on MNIST (net.safetensors)"
    assert resolve("net").training == Training("MNIST", 32)
    (cache / "net-12345678.pth").touch()
    assert label() == "published ImageNet weights (net-12345678.pth)"
    assert resolve("net", "random", "net-12345678.pth", seed=3).label == "random weights, seed 3 (untrained)"


def test_a_path_is_a_file_of_the_users(cache):
    (cache / "my.safetensors").touch()
    source = resolve("net", str(cache / "my.safetensors"), None)
    assert (source.kind, source.label) == ("file", "weights from the file my.safetensors")


@pytest.mark.parametrize(
    ("weights", "checkpoint", "advice"),
    [
        ("bundled", None, "No weights for net come along"),
        ("imagenet", None, "No published ImageNet weights fit net"),
        ("imagenet", "net-12345678.pth", "download.pytorch.org"),
        ("imagnet", None, "weights are 'auto'"),
        ("", None, "weights are 'auto'"),
    ],
)
def test_what_is_not_there_says_what_to_do(cache, weights, checkpoint, advice):
    with pytest.raises(BadWeights, match=advice):
        resolve("net", weights, checkpoint)


def test_fill_applies_a_source(cache, filled):
    module = small()
    fill(module, Source("random", seed=7))
    assert equal(module, filled)
    save_file(filled.state_dict(), cache / "w.safetensors")
    other = small()
    fill(other, resolve("net", str(cache / "w.safetensors")))
    assert equal(other, filled)


def test_cache_folder_can_be_chosen(cache, monkeypatch):
    assert cache_folder() == cache
    monkeypatch.delenv("CNNVIZ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == Path("/somewhere/cnnviz")
