"""The data sets that the recipes learn from, out of a folder, or fetched once from their public source."""

import gzip
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cnnviz import download
from cnnviz.download import Remote
from cnnviz.errors import BadData, DownloadFailed


@dataclass(frozen=True)
class Split:
    """Pictures with what they show.

    Attributes:
        images: (N, channels, height, width), uint8.
        labels: (N,), int64.
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Data:
    """A data set: what is learned from, and what it is measured on and never sees."""

    name: str
    train: Split
    test: Split


# --- MNIST -------------------------------------------------------------------

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
"""PyTorch's mirror of LeCun, Cortes and Burges' files."""

MNIST_FILES = {
    "train-images-idx3-ubyte.gz": Remote(9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    "train-labels-idx1-ubyte.gz": Remote(28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    "t10k-images-idx3-ubyte.gz": Remote(1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    "t10k-labels-idx1-ubyte.gz": Remote(4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
}


def mnist(folder: Path, *, url: str = MNIST_URL, notify: Callable[[str], None] | None = None) -> Data:
    """The handwritten digits of LeCun, Cortes, Burges: 60,000 to learn from, 10,000 to test with, 28 x 28.

    The four files are taken as they are, packed (.gz) or not, with as many pictures as they hold; those that
    are missing are fetched. Among the pixels to learn from, 1 of 255 counts as 0: the copy that the
    bundled weights learned from had lost it, and so everybody's copy gives the same.

    Args:
        folder: holds the files, or a folder `mnist` of them; what is fetched goes there.
        url: where missing files are fetched from.
        notify: is told what is being fetched.

    Raises:
        BadData: a file is damaged, or missing and can't be fetched.
    """
    inner = folder / "mnist"
    place = folder if any(_found(folder, name) for name in MNIST_FILES) else inner
    files = [_found(place, name) or fetch(url + name, known, place, notify) for name, known in MNIST_FILES.items()]
    train, test = (_digits(images, labels) for images, labels in (files[:2], files[2:]))
    train.images[train.images == 1] = 0
    return Data("MNIST", train, test)


def _found(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / name.removesuffix(".gz")) if path.is_file()), None)


def _digits(images: Path, labels: Path) -> Split:
    pixels, numbers = _idx(images, 3), _idx(labels, 1)
    if len(pixels) != len(numbers) or pixels.shape[1:] != (28, 28) or not len(numbers) or int(numbers.max()) > 9:
        raise BadData(
            f"'{images.name}' and '{labels.name}' don't belong together: "
            f"both have to hold the same number of digits, of 28 x 28 pixels."
        )
    return Split(pixels[:, None], numbers.long())


def _idx(file: Path, axes: int) -> Tensor:
    """MNIST's own format: 0, 0, 8 for bytes, number of axes; each axis's length, big-endian; the values."""
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        head = 4 + 4 * axes
        magic, *lengths = struct.unpack(f">{axes + 1}I", content[:head])
        fits = magic == 0x800 + axes and len(content) == head + int(np.prod(lengths))
    except (OSError, EOFError, zlib.error, struct.error):
        fits = False
    if not fits:
        raise BadData(f"'{file}' is damaged, or no idx file of {axes} axes: delete it, and it is fetched again.")
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=head).reshape(lengths).copy())


# --- CIFAR-10 ----------------------------------------------------------------

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
"""Krizhevsky's own page."""

CIFAR10_ARCHIVE = Remote(170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")
HELD_OUT = 1_000


def cifar10(folder: Path, *, url: str = CIFAR10_URL, notify: Callable[[str], None] | None = None) -> Data:
    """Krizhevsky's photographs of ten classes: 50,000 to learn from, 1,000 to test with, 32 x 32 in colour.

    Tested is with the first 1,000 of the test split, whatever the form: the binary archive as it is, or
    mosaics of any number of pictures, row by row (`train_00.jpg` and so on, `test….webp`), with `labels.txt`.

    Args:
        folder: holds them, or a folder `cifar10` of them; an archive that is missing is fetched there.
        url: where it is fetched from.
        notify: is told what is being fetched.

    Raises:
        BadData: a file is damaged, or missing and can't be fetched.
    """
    name, inner = url.rpartition("/")[2], folder / "cifar10"
    place = next((at for at in (folder, inner) if any((at / known).is_file() for known in (name, "labels.txt"))), inner)
    if (place / "labels.txt").is_file():
        train, test = _mosaics(place)
    else:
        archive = place / name
        train, test = _batches(archive if archive.is_file() else fetch(url, CIFAR10_ARCHIVE, place, notify))
    return Data("CIFAR-10", train, Split(test.images[:HELD_OUT], test.labels[:HELD_OUT]))


def _mosaics(folder: Path) -> tuple[Split, Split]:
    try:
        labels = torch.tensor([int(line) for line in (folder / "labels.txt").read_text("ascii").split()])
        train, test = (
            torch.cat([torch.empty(0, 3, 32, 32, dtype=torch.uint8), *map(_mosaic, sorted(folder.glob(pattern)))])
            for pattern in ("train*.jpg", "test*.webp")
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise BadData(f"CIFAR-10 in '{folder}' can't be read: {error}.") from error
    fits = len(labels) == len(train) + len(test) and len(train) and len(test)
    if not fits or not 0 <= int(labels.min()) <= int(labels.max()) <= 9:
        raise BadData(
            f"'{folder}' has {len(labels)} labels of CIFAR-10 for {len(train)} + {len(test)} pictures: "
            f"each needs one from 0 to 9, and there have to be pictures of both kinds."
        )
    return Split(train, labels[: len(train)]), Split(test, labels[len(train) :])


def _mosaic(file: Path) -> Tensor:
    """(H, W, 3) of 32 x 32 pictures -> (N, 3, 32, 32), row by row."""
    with Image.open(file) as image:
        pixels = torch.from_numpy(np.array(image.convert("RGB")))
    rows, columns = (side // 32 for side in pixels.shape[:2])
    return pixels.view(rows, 32, columns, 32, 3).permute(0, 2, 4, 1, 3).reshape(-1, 3, 32, 32)


def _batches(archive: Path) -> tuple[Split, Split]:
    """Krizhevsky's binary form: records of a label and 3 x 32 x 32 values."""
    record = 1 + 3 * 32 * 32
    parts: dict[str, Tensor] = {}
    try:
        with tarfile.open(archive) as content:  # read in place: nothing of it is written anywhere
            for member in content:
                name = Path(member.name).name
                data = content.extractfile(member) if name.endswith("_batch.bin") or "data_batch" in name else None
                if data:
                    records = torch.from_numpy(np.frombuffer(data.read(), np.uint8).copy())
                    parts[name] = records.view(-1, record)
        train = torch.cat([parts[f"data_batch_{number}.bin"] for number in range(1, 6)])
        test = parts["test_batch.bin"]
    except (OSError, EOFError, KeyError, RuntimeError, zlib.error, tarfile.TarError) as error:
        raise BadData(f"'{archive}' is damaged, or not CIFAR-10: delete it, and it is fetched again.") from error
    first, second = (Split(part[:, 1:].reshape(-1, 3, 32, 32), part[:, 0].long()) for part in (train, test))
    return first, second


DATA: dict[str, Callable[..., Data]] = {"MNIST": mnist, "CIFAR-10": cifar10}
"""What a recipe's `dataset` names."""


# --- fetching ----------------------------------------------------------------


def fetch(url: str, known: Remote, folder: Path, notify: Callable[[str], None] | None = None) -> Path:
    """One file of a public source, which is in the folder only when it is whole and the one that is known.

    Raises:
        BadData: it can't be fetched or written, or is another file.
    """
    if notify:
        notify(f"Fetching {url} ({known.size / 1e6:.1f} MB)")
    try:
        return download.fetch(url, known, folder)
    except DownloadFailed as error:
        raise BadData(str(error)) from error
