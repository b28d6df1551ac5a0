"""Weight files with damage by chance: each is taken whole, or is one sentence and changes nothing.

`CNNVIZ_FUZZ=600` goes on for ten minutes, each time with other damage.
"""

import io
import os
import time
import zipfile
from pathlib import Path

import hypothesis
import pytest
import torch
from fillable import small
from hypothesis import strategies as some
from safetensors.torch import save

from cnnviz.errors import BadWeights
from cnnviz.weights import initialise, load

SECONDS = float(os.environ.get("CNNVIZ_FUZZ", "3"))
MODULE = small()
initialise(MODULE, seed=7)
torch.save(MODULE.state_dict(), zipped := io.BytesIO())
SOUND = {"safetensors": save(MODULE.state_dict()), "pt": zipped.getvalue()}
with zipfile.ZipFile(zipped) as archive:
    ENTRIES = {entry.filename: archive.read(entry) for entry in archive.infolist()}
LISTING = next(name for name in ENTRIES if name.endswith("data.pkl"))


def archived(listing: bytes) -> bytes:
    """A sound archive around a damaged pickle."""
    with zipfile.ZipFile(made := io.BytesIO(), "w") as archive:
        for name, content in ENTRIES.items():
            archive.writestr(name, listing if name == LISTING else content)
    return made.getvalue()


@some.composite
def damaged(draw: some.DrawFn) -> bytes:
    kind = draw(some.sampled_from(["safetensors", "pt", "pickle", "pickle"]))
    data = bytearray(ENTRIES[LISTING] if kind == "pickle" else SOUND[kind])
    for _ in range(draw(some.integers(1, 5))):
        heads = min(len(data), 3_000)  # of a safetensors file the header, of a pickle all; damage leaves most of it
        at = draw(some.one_of(some.integers(0, heads - 1), some.integers(max(0, len(data) - heads), len(data) - 1)))
        way = draw(some.sampled_from(["byte", "insert", "cut", "again"]))
        if way == "byte":
            data[at] = draw(some.integers(0, 255))
        elif way == "insert":
            data[at:at] = draw(
                some.one_of(some.binary(max_size=9), some.sampled_from([b"R", b"b", b"\x81", b"q\0", b"h\0"]))
            )
        elif way == "cut":
            del data[at : at + draw(some.integers(1, 60))]
        else:
            data[at:at] = data[at : at + draw(some.integers(1, 60))]
    return archived(bytes(data)) if kind == "pickle" else bytes(data)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_damage_makes_more_of_a_file_than_weights_or_a_sentence(tmp_path: Path):
    end, rounds, path = time.monotonic() + SECONDS, 0, tmp_path / "w"

    @hypothesis.settings(
        max_examples=100, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(damaged())
    def holds(data: bytes) -> None:
        path.write_bytes(data)
        module = small()
        before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
        began = time.process_time()
        try:
            load(module, path)
        except BadWeights as refused:
            sentence = str(refused)
            assert sentence.endswith(".")
            assert "\n" not in sentence
            assert len(sentence) < 600
            assert all(torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items())
        assert time.process_time() - began < 4

    fixed = "CNNVIZ_FUZZ" not in os.environ
    while not rounds or time.monotonic() < end:
        hypothesis.seed(rounds if fixed else os.urandom(8))(holds)()
        rounds += 1
