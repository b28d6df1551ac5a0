"""MNIST out of a folder, and from a server when the folder hasn't got it."""

import gzip
import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from cnnviz.errors import BadData
from cnnviz.training import data
from cnnviz.training.data import MNIST_FILES, Remote, mnist

EXTRACT = Path(__file__).parents[1] / "data" / "mnist"
"""The first 1,000 of MNIST's training split, and every hundredth of its test split."""


@pytest.fixture
def copy(tmp_path):
    for name in MNIST_FILES:
        (tmp_path / name).write_bytes((EXTRACT / name).read_bytes())
    return tmp_path


def test_digits_and_labels():
    found = mnist(EXTRACT)
    assert found.train.images.shape == (1_000, 1, 28, 28)
    assert found.test.images.shape == (100, 1, 28, 28)
    assert found.train.images.dtype == torch.uint8
    assert found.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]  # the split begins so
    assert found.train.labels.dtype == torch.int64
    assert found.test.labels.bincount(minlength=10).min() > 0


def test_a_folder_of_data_sets_will_do_too():
    assert torch.equal(mnist(EXTRACT.parent).test.images, mnist(EXTRACT).test.images)


def test_unpacked_files_will_do_too(copy):
    for name in MNIST_FILES:
        (copy / name.removesuffix(".gz")).write_bytes(gzip.decompress((copy / name).read_bytes()))
        (copy / name).unlink()
    assert torch.equal(mnist(copy).train.images, mnist(EXTRACT).train.images)


def test_a_training_pixel_of_1_counts_as_0_and_one_to_test_with_does_not(copy):
    for name in ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"):
        content = bytearray(gzip.decompress((copy / name).read_bytes()))
        content[16] = 1
        (copy / name).write_bytes(gzip.compress(content))
    found = mnist(copy)
    assert (found.train.images[0, 0, 0, 0], found.test.images[0, 0, 0, 0]) == (0, 1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"\0\0\x0d" + content[3:],
        lambda content: b"",
        lambda content: b"no idx file",
    ],
)
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_a_damaged_file_is_a_sentence(copy, name, spoil):
    (copy / name).write_bytes(gzip.compress(spoil(gzip.decompress((copy / name).read_bytes()))))
    with pytest.raises(BadData, match=f"{name}' is damaged"):
        mnist(copy)


def test_a_damaged_archive_is_a_sentence(copy):
    name = "train-images-idx3-ubyte.gz"
    packed = (copy / name).read_bytes()
    for content in (packed[:1_000], b"\x1f\x8b" + bytes(100), packed[:500] + b"x" * 500 + packed[1_000:]):
        (copy / name).write_bytes(content)
        with pytest.raises(BadData, match=r"damaged, or no idx file of 3 axes"):
            mnist(copy)


def test_files_of_different_length_are_a_sentence(copy):
    (copy / "train-labels-idx1-ubyte.gz").write_bytes((copy / "t10k-labels-idx1-ubyte.gz").read_bytes())
    with pytest.raises(BadData, match="don't belong together"):
        mnist(copy)


# --- fetching ----------------------------------------------------------------


@pytest.fixture
def server(monkeypatch):
    """Serves the extract, as if it were all of MNIST; gives its address and what was asked for."""
    known = {name: (EXTRACT / name).read_bytes() for name in MNIST_FILES}
    remotes = {name: Remote(len(content), hashlib.sha256(content).hexdigest()) for name, content in known.items()}
    monkeypatch.setattr(data, "MNIST_FILES", remotes)
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            asked.append(self.path.strip("/"))

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=EXTRACT)) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/", asked
        serving.shutdown()


def test_what_is_missing_is_fetched_once(server, tmp_path):
    url, asked = server
    said = []
    found = mnist(tmp_path / "new", url=url, notify=said.append)
    assert torch.equal(found.train.images, mnist(EXTRACT).train.images)
    assert asked == list(MNIST_FILES)
    assert sorted(path.name for path in (tmp_path / "new" / "mnist").iterdir()) == sorted(MNIST_FILES)
    assert said[0] == f"Fetching {url}train-images-idx3-ubyte.gz (0.2 MB)"
    mnist(tmp_path / "new", url=url)
    assert len(asked) == 4


def test_only_what_is_missing_is_fetched(server, copy):
    url, asked = server
    (copy / "t10k-labels-idx1-ubyte.gz").unlink()
    mnist(copy, url=url)
    assert asked == ["t10k-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize("known", [Remote(87, "0" * 64), Remote(86, ""), Remote(88, "")])
def test_another_file_than_the_known_one_is_not_kept(server, copy, monkeypatch, known):
    url, _ = server
    name = "t10k-labels-idx1-ubyte.gz"
    digest = known.sha256 or data.MNIST_FILES[name].sha256
    monkeypatch.setitem(data.MNIST_FILES, name, Remote(known.size, digest))
    (copy / name).unlink()
    with pytest.raises(BadData, match="another file than the one that is known"):
        mnist(copy, url=url)
    assert not list(copy.glob("t10k-labels*"))


def test_no_connection_is_a_sentence(server, tmp_path):
    url, _ = server
    with pytest.raises(BadData, match=r"isn't in .*, and .* can't be fetched into it \(File not found\)"):
        mnist(tmp_path, url=f"{url}nowhere/")
    with pytest.raises(BadData, match="can't be fetched"):
        mnist(tmp_path, url="http://127.0.0.1:1/")
