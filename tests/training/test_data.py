"""The data sets out of a folder, and from a server when the folder hasn't got them."""

import gzip
import hashlib
import io
import tarfile
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cnnviz.errors import BadData
from cnnviz.training import data
from cnnviz.training.data import CIFAR10_ARCHIVE, MNIST_FILES, Remote, cifar10, mnist

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


# --- CIFAR-10 ----------------------------------------------------------------

PHOTOGRAPHS = Path(__file__).parents[1] / "data" / "cifar10"
"""The first 40 of CIFAR-10's training split, and every tenth of the first 1,000 to test with."""


@pytest.fixture
def photographs(tmp_path):
    for file in PHOTOGRAPHS.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_photographs_and_labels():
    found = cifar10(PHOTOGRAPHS)
    assert found.train.images.shape == (40, 3, 32, 32)
    assert found.test.images.shape == (100, 3, 32, 32)
    assert found.train.images.dtype == torch.uint8
    assert found.train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]  # the split begins so: frog, truck, …
    assert torch.equal(cifar10(PHOTOGRAPHS.parent).test.images, found.test.images)


def test_a_mosaic_is_read_row_by_row(photographs):
    with Image.open(PHOTOGRAPHS / "test.webp") as mosaic:
        twelfth = np.asarray(mosaic.crop((32, 32, 64, 64)))  # ten in a row
    assert np.array_equal(cifar10(photographs).test.images[11].permute(1, 2, 0), twelfth)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("labels.txt", b"1\n2\n", "2 labels of CIFAR-10 for 40 \\+ 100 pictures"),
        ("labels.txt", b"10\n" * 140, "each needs one from 0 to 9"),
        ("labels.txt", b"frog\n", "can't be read"),
        ("test.webp", b"no picture", "can't be read"),
        ("test.webp", None, "there have to be pictures of both kinds"),
    ],
)
def test_damaged_mosaics_are_a_sentence(photographs, name, content, sentence):
    if content is None:
        (photographs / name).unlink()
    else:
        (photographs / name).write_bytes(content)
    with pytest.raises(BadData, match=sentence):
        cifar10(photographs)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """The extract in Krizhevsky's binary form, five training files and one to test with, as if it were the whole."""
    found = cifar10(PHOTOGRAPHS)

    def records(split):
        return torch.cat([split.labels[:, None].to(torch.uint8), split.images.flatten(1)], 1).numpy()

    parts = {f"data_batch_{n + 1}.bin": records(found.train)[8 * n : 8 * n + 8] for n in range(5)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as content:
        for name, values in {**parts, "test_batch.bin": records(found.test)}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = values.nbytes
            content.addfile(member, io.BytesIO(values.tobytes()))
    file = tmp_path / "source" / "cifar-10-binary.tar.gz"
    file.parent.mkdir()
    file.write_bytes(packed.getvalue())
    monkeypatch.setattr(
        data, "CIFAR10_ARCHIVE", Remote(len(packed.getvalue()), hashlib.sha256(packed.getvalue()).hexdigest())
    )
    return file


def test_the_binary_archive_holds_the_same(archive):
    found, expected = cifar10(archive.parent), cifar10(PHOTOGRAPHS)
    for split in ("train", "test"):
        assert torch.equal(getattr(found, split).images, getattr(expected, split).images)
        assert torch.equal(getattr(found, split).labels, getattr(expected, split).labels)


def test_tested_is_with_the_first_thousand(archive, monkeypatch):
    monkeypatch.setattr(data, "HELD_OUT", 30)
    assert torch.equal(cifar10(archive.parent).test.images, cifar10(PHOTOGRAPHS).test.images[:30])


def test_a_damaged_binary_archive_is_a_sentence(archive):
    packed = archive.read_bytes()
    for content in (b"", packed[: len(packed) // 2], packed[:500] + b"x" * 500 + packed[1_000:]):
        archive.write_bytes(content)
        with pytest.raises(BadData, match="damaged, or not CIFAR-10"):
            cifar10(archive.parent)


def test_the_archive_is_fetched_once(archive, tmp_path):
    with serving(archive.parent) as (url, asked):
        for _ in range(2):
            found = cifar10(tmp_path / "new", url=f"{url}cifar-10-binary.tar.gz")
    assert asked == ["cifar-10-binary.tar.gz"]
    assert len(found.train.labels) == 40
    assert [path.name for path in (tmp_path / "new" / "cifar10").iterdir()] == asked


def test_the_archive_is_that_of_its_maker():
    assert CIFAR10_ARCHIVE.size == 170_052_171  # as cs.toronto.edu/~kriz/cifar.html serves it


# --- fetching ----------------------------------------------------------------


@contextmanager
def serving(folder):
    """A server of a folder's files; gives its address and what was asked for."""
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            asked.append(self.path.strip("/"))

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()


@pytest.fixture
def server(monkeypatch):
    """Serves the extract, as if it were all of MNIST."""
    known = {name: (EXTRACT / name).read_bytes() for name in MNIST_FILES}
    remotes = {name: Remote(len(content), hashlib.sha256(content).hexdigest()) for name, content in known.items()}
    monkeypatch.setattr(data, "MNIST_FILES", remotes)
    with serving(EXTRACT) as found:
        yield found


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
