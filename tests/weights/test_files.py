"""Weight files: what fits, what doesn't, and what is out to harm."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from fillable import equal, small
from safetensors.torch import save_file
from torch import nn

from cnnviz.errors import BadWeights
from cnnviz.weights import Source, fill, load

# --- load: what fits ---------------------------------------------------------


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_a_file_fills_the_module(filled, tmp_path, form):
    path = tmp_path / "w.any"
    filled.bn.num_batches_tracked.fill_(5)
    save_file(filled.state_dict(), path) if form == "safetensors" else torch.save(filled.state_dict(), path)
    module = small()
    load(module, path)
    path.unlink()  # nothing of the module may still lie in the file
    assert equal(module, filled)
    with torch.device("meta"):
        lazy = small()
    torch.save(filled.state_dict(), path)
    load(lazy, path)
    assert equal(lazy, filled)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_are_converted(filled, tmp_path, dtype):
    state = {key: t.to(dtype) if t.is_floating_point() else t for key, t in filled.state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    module = small()
    load(module, tmp_path / "w.pth")
    assert module.fc.weight.dtype == torch.float32
    torch.testing.assert_close(module.fc.weight, filled.fc.weight, atol=1e-2, rtol=1e-2)


def test_counters_may_be_missing(filled, tmp_path):
    state = filled.state_dict()
    del state["bn.num_batches_tracked"]
    save_file(state, tmp_path / "w.safetensors")
    module = small()
    load(module, tmp_path / "w.safetensors")
    assert module.bn.num_batches_tracked == 0


def test_heads_may_be_ignored_where_the_module_has_none(filled, tmp_path):
    path = tmp_path / "w.pth"
    torch.save(filled.state_dict() | {"aux1.fc.weight": torch.zeros(3), "aux2.fc.weight": torch.zeros(3)}, path)
    load(small(), path, ignore=("aux1", "aux2"))
    with pytest.raises(BadWeights, match=r"2 tensors are surplus \(aux1.fc.weight, aux2.fc.weight\)"):
        load(small(), path)
    torch.save(filled.state_dict() | {"fc.extra": torch.zeros(3)}, path)
    with pytest.raises(BadWeights, match=r"1 tensor is surplus \(fc.extra\)"):
        load(small(), path, ignore=("fc",))


# --- load: what doesn't ------------------------------------------------------


def refusal(path, module=None, **options):
    module = module or small()
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    with pytest.raises(BadWeights) as caught:
        load(module, path, **options)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 600
    for key, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[key]), "a refused file must leave the module alone"
    return message


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_misfits_are_named(filled, tmp_path, form):
    state = filled.state_dict()
    del state["conv.weight"], state["bn.bias"]
    state |= {
        "module.a": torch.zeros(1),
        "module.b": torch.zeros(1),
        "c": torch.zeros(1),
        "d": torch.zeros(1),
    }
    state["fc.weight"] = torch.zeros(50, 7)
    path = tmp_path / "w.bin"
    save_file(state, path) if form == "safetensors" else torch.save(state, path)
    message = refusal(path)
    assert "2 tensors are missing (conv.weight, bn.bias)" in message
    assert "4 tensors are surplus" in message
    first = "c, d, module.a" if form == "safetensors" else "module.a, module.b, c"  # the file's own order
    assert f"({first}, …)" in message
    assert "1 tensor is misshapen (fc.weight: 50 x 7 instead of 50 x 1,024)" in message


def test_integers_and_complex_numbers_are_no_weights(filled, tmp_path):
    for dtype in (torch.int64, torch.complex64):
        torch.save(filled.state_dict() | {"fc.bias": torch.zeros(50, dtype=dtype)}, tmp_path / "w.pth")
        assert "misshapen (fc.bias" in refusal(tmp_path / "w.pth")


def test_tensors_without_values_are_no_weights(filled, tmp_path):
    torch.save(filled.state_dict() | {"fc.bias": torch.zeros(50, device="meta")}, tmp_path / "w.pth")
    refusal(tmp_path / "w.pth")
    torch.save(filled.state_dict() | {"fc.bias": torch.zeros(50).to_sparse()}, tmp_path / "w.pth")
    refusal(tmp_path / "w.pth")


class Touch:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("legacy", [True, False])
def test_nothing_in_a_file_is_executed(tmp_path, zipped, legacy):
    trap = tmp_path / "executed"
    torch.save({"conv.weight": Touch(trap)}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    refusal(tmp_path / "w.pth", legacy=legacy)
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(Touch(trap)))
    refusal(tmp_path / "w.pkl", legacy=legacy)
    assert not trap.exists()


def test_a_pickled_module_is_refused(filled, tmp_path):
    torch.save(filled, tmp_path / "w.pth")
    message = refusal(tmp_path / "w.pth")
    assert "could run code" in message
    assert "safetensors" in message


def test_programs_are_refused(filled, tmp_path):
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("script/data.pkl", b"")
        archive.writestr("script/constants.pkl", b"")
        archive.writestr("script/code/__torch__.py", b"")
    assert "TorchScript" in refusal(tmp_path / "script.pt")
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/archive_format", b"pt2")
        archive.writestr("m/models/model.json", b"{}")
    assert ".pt2" in refusal(tmp_path / "m.pt")
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("letter.txt", b"hello")
    assert "none that torch.save made" in refusal(tmp_path / "x.pt")


def test_the_format_before_1_6_is_taken_of_known_files_only(filled, tmp_path):
    path = tmp_path / "old.pth"
    torch.save(filled.state_dict(), path, _use_new_zipfile_serialization=False)
    assert "before version 1.6" in refusal(path)
    module = small()
    fill(module, Source("imagenet", path))
    assert equal(module, filled)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\x80\x02", b"PK\x03\x04 not quite", b"no weights at all", struct.pack("<Q", 2**60) + b"{}"],
)
def test_rubbish_is_refused(tmp_path, content):
    (tmp_path / "w.pth").write_bytes(content)
    refusal(tmp_path / "w.pth")
    refusal(tmp_path / "w.pth", legacy=True)


def test_missing_files_and_folders_are_refused(tmp_path):
    assert "no weight file" in refusal(tmp_path / "nowhere.pth")
    refusal(tmp_path)


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_truncated_files_are_refused(filled, tmp_path, form):
    path = tmp_path / "w.bin"
    save_file(filled.state_dict(), path) if form == "safetensors" else torch.save(filled.state_dict(), path)
    data = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(data[: len(data) * tenth // 10])
        refusal(path)


def forged(path, numel, size, stride, *, raw=bytes(200), compression=zipfile.ZIP_STORED):
    """A torch.save archive with one tensor `fc.bias`, whose view and storage may claim anything."""

    class Reference:
        pass

    class Tensor:
        def __reduce__(self):
            return (torch._utils._rebuild_tensor_v2, (Reference(), 0, size, stride, False, OrderedDict()))

    class Pickler(pickle._Pickler):
        def persistent_id(self, thing):
            return ("storage", torch.FloatStorage, "0", "cpu", numel) if isinstance(thing, Reference) else None

    listing = io.BytesIO()
    Pickler(listing, 2).dump({"bias": Tensor()})
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("w/data.pkl", listing.getvalue())
        archive.writestr("w/byteorder", "little")
        archive.writestr("w/data/0", raw)
        archive.writestr("w/version", "3\n")


class Bias(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(size))


@pytest.mark.parametrize(
    ("numel", "size", "stride"),
    [
        (50, (10**12,), (0,)),
        (50, (10**12,), (1,)),
        (10**12, (10**12,), (1,)),
        (4, (50,), (1,)),
        (50, (50,), (-1,)),
        (-50, (50,), (1,)),
        (50, (50,), (10**9,)),
    ],
)
def test_false_claims_of_size_are_refused(tmp_path, numel, size, stride):
    forged(tmp_path / "w.pth", numel, size, stride)
    refusal(tmp_path / "w.pth", Bias(50))


def test_the_forgery_itself_is_sound(tmp_path):
    forged(tmp_path / "w.pth", 50, (50,), (1,))
    load(Bias(50), tmp_path / "w.pth")


def test_bombs_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was unpacked"))
    forged(
        tmp_path / "w.pth",
        5 * 10**6,
        (5 * 10**6,),
        (1,),
        raw=bytes(20 * 10**6),
        compression=zipfile.ZIP_DEFLATED,
    )
    assert (tmp_path / "w.pth").stat().st_size < 100_000
    assert "compressed" in refusal(tmp_path / "w.pth", Bias(50))
    forged(tmp_path / "w.pth", 5 * 10**6, (5 * 10**6,), (1,), raw=bytes(20 * 10**6))
    assert "holds 20.0 MB, more than" in refusal(tmp_path / "w.pth", Bias(50))


@pytest.mark.parametrize("form", ["safetensors", "pt", "views"])
def test_fifty_thousand_keys_are_refused(tmp_path, form):
    path = tmp_path / "w.bin"
    if form == "views":
        value = torch.zeros(1)
        torch.save({f"k{i}": value for i in range(50_000)}, path)
    else:
        state = {f"k{i}": torch.zeros(1) for i in range(50_000)}
        save_file(state, path) if form == "safetensors" else torch.save(state, path)
    refusal(path)
    assert "far more tensors" in refusal(path, nn.Linear(1_000, 2_500)) or form == "pt"


@pytest.mark.parametrize("content", [[torch.zeros(1)], torch.zeros(1), {1: torch.zeros(1)}, {"epoch": 3}, "text"])
def test_what_is_no_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    assert "torch.save(module.state_dict()" in refusal(tmp_path / "w.pth")


def test_names_in_messages_are_harmless(tmp_path):
    torch.save({"<b>[x](http://y)</b>\n" + "a" * 900: torch.zeros(1)}, tmp_path / "w!<i>.pth")
    message = refusal(tmp_path / "w!<i>.pth", Bias(50))
    assert not set("<>[]!\n") & set(message)


# --- pickles that ask for more than torch.save does ------------------------------


def pickled(path, listing):
    """A torch.save archive around a pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", listing)
        archive.writestr("w/byteorder", "little")
        archive.writestr("w/version", "3\n")
    return path


DICTIONARY = b"ccollections\nOrderedDict\n"
ALLOWED_BY_TORCH = {
    "bytes": b"\x80\x02cbuiltins\nbytearray\nJ\x00\x00\x00\x7f\x85R.",
    "a copy": b"\x80\x02" + DICTIONARY + b"}\x85R.",
    "a copy by the memo": b"\x80\x02" + DICTIONARY + b"q\x00)Rq\x01h\x00h\x01\x85R\x86.",
    "a copy by a second place of the memo": b"\x80\x02" + DICTIONARY + b"q\x00q\x01)Rq\x02h\x01h\x02\x85R\x86.",
    "a copy into another": b"\x80\x02" + DICTIONARY + b"q\x00)R}b" + b"h\x00)R}b\x86.",
    "a new object": b"\x80\x02" + DICTIONARY + b")\x81.",
    "a size": b"\x80\x02ctorch\nSize\n(K\x01t\x85R.",
}


@pytest.mark.parametrize("listing", ALLOWED_BY_TORCH.values(), ids=list(ALLOWED_BY_TORCH))
def test_what_could_take_any_amount_of_memory_is_refused_unread(tmp_path, monkeypatch, listing):
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was unpickled"))
    assert "more than tensors" in refusal(pickled(tmp_path / "w.pth", listing))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float8_e4m3fn, torch.bfloat16])
def test_what_torch_saves_asks_for_no_more(filled, tmp_path, dtype):
    state = {key: nn.Parameter(t.to(dtype), requires_grad=False) for key, t in filled.state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    assert "misshapen (bn.num_batches_tracked" in refusal(tmp_path / "w.pth")


@pytest.mark.parametrize("where", ["before", "behind"])
def test_an_archive_that_shows_python_and_torch_different_contents_is_refused(tmp_path, where):
    path = tmp_path / "w.pth"
    forged(path, 50, (50,), (1,))
    sound = path.read_bytes()
    ending = bytearray(sound[-22:])
    size, offset = struct.unpack("<II", ending[12:20])
    listed = sound[offset : offset + size]
    if where == "before":  # torch goes to the first list, Python takes the one that ends where the last record begins
        path.write_bytes(sound[: offset + size] + listed + ending)
    else:  # and here to one in the comment
        ending[16:] = struct.pack("<IH", len(sound), size)
        path.write_bytes(sound[:-22] + ending + listed)
    assert len(torch.load(path, weights_only=True)) == 1, "torch would read it"
    assert "none that torch.save made" in refusal(path, Bias(50))


def test_a_list_of_contents_without_end_is_refused_unread(tmp_path, monkeypatch):
    forged(tmp_path / "w.pth", 50, (50,), (1,))
    sound = (tmp_path / "w.pth").read_bytes()
    size, offset = struct.unpack("<II", sound[-10:-2])
    ending = sound[-22:-10] + struct.pack("<IIH", 20_000 * size, offset, 0)
    (tmp_path / "w.pth").write_bytes(sound[:offset] + 20_000 * sound[offset : offset + size] + ending)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("it was listed"))
    assert "far more tensors" in refusal(tmp_path / "w.pth", Bias(10**6))


def test_torchs_own_programs_are_refused(filled, tmp_path):
    x = torch.zeros(1, 3, 16, 16)
    torch.jit.save(torch.jit.trace(nn.Conv2d(3, 4, 3), x), tmp_path / "script.pt")
    assert "TorchScript" in refusal(tmp_path / "script.pt")
    torch.export.save(torch.export.export(nn.Conv2d(3, 4, 3), (x,)), tmp_path / "program.pt2")
    assert "exported program" in refusal(tmp_path / "program.pt2")
    assert "exported program" in refusal((tmp_path / "program.pt2").rename(tmp_path / "program.pt"))


# --- safetensors that lie --------------------------------------------------------


def entry(dtype="F32", shape=(50,), begin=0, end=200):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def written(path, header, data=bytes(200), length=None):
    """A safetensors file of these parts; `length` is what it says of its header."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + data)
    return path


def test_the_lies_are_told_of_a_file_that_is_sound(tmp_path):
    load(Bias(50), written(tmp_path / "w", {"bias": entry()}))
    load(Bias(50), written(tmp_path / "w", {"bias": entry(), "__metadata__": {"format": "tf"}}))


@pytest.mark.parametrize("length", [0, 1, 59, 61, 10_000, 2**31, 2**63, 2**64 - 1])
def test_a_header_that_lies_about_its_size_is_refused(tmp_path, length):
    refusal(written(tmp_path / "w", {"bias": entry()}, length=length), Bias(50))


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": [100], "end": 400},  # past the end
        {"begin": -200, "end": 0},
        {"begin": 200, "end": 0},
        {"end": 100},  # too few bytes for its shape
        {"begin": 100, "end": 300},  # a hole before it
        {"shape": [10**12]},
        {"shape": [2**63, 2]},
        {"shape": [2**62, 4], "end": 0},  # 2**64 bytes are none
        {"shape": [-50]},
        {"shape": [50.5]},
        {"shape": "50"},
        {"shape": []},
        {"dtype": "F99"},
        {"dtype": None},
    ],
)
def test_a_tensor_that_lies_about_its_place_is_refused(tmp_path, wrong):
    refusal(written(tmp_path / "w", {"bias": entry(**wrong)}, bytes(300)), Bias(50))
    refusal(written(tmp_path / "w", {"bias": entry(**wrong)}), Bias(50))


def test_tensors_that_share_their_bytes_are_refused(tmp_path):
    module = nn.Sequential(Bias(50), Bias(50))
    second = entry(begin=200, end=400)
    load(module, written(tmp_path / "w", {"0.bias": entry(), "1.bias": second}, bytes(400)))
    for overlapping in (entry(), entry(begin=100, end=300)):
        refusal(written(tmp_path / "w", {"0.bias": entry(), "1.bias": overlapping}, bytes(400)), module)
        refusal(written(tmp_path / "w", {"0.bias": entry(), "1.bias": overlapping}), module)


@pytest.mark.parametrize(
    "header",
    [
        b"{" * 20_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"bias":{"dtype":"F32","shape":[50],"data_offsets":[0,200]}}}',
        b'{"\xff":{"dtype":"F32","shape":[50],"data_offsets":[0,200]}}',
        b'{"bias":null}',
        b'{"bias":{}}',
        b'{"__metadata__":{"a":1},"bias":{"dtype":"F32","shape":[50],"data_offsets":[0,200]}}',
        b"{}",
    ],
)
def test_headers_that_are_none_are_refused(tmp_path, header):
    refusal(written(tmp_path / "w", header), Bias(50))


def test_something_behind_the_tensors_is_refused(tmp_path):
    refusal(written(tmp_path / "w", {"bias": entry()}, bytes(200) + b"#!/bin/sh"), Bias(50))


@pytest.mark.parametrize(
    ("dtype", "eighths"),
    [("U8", 8), ("I8", 8), ("BOOL", 8), ("U16", 16), ("I32", 32), ("U64", 64), ("I64", 64), ("C64", 64), ("F4", 4)],
)
def test_what_is_no_float_is_refused_whatever_its_size(tmp_path, dtype, eighths):
    for values in (50, 100):  # float4 counts two values as one
        size = values * eighths // 8
        message = refusal(written(tmp_path / "w", {"bias": entry(dtype, [values], 0, size)}, bytes(size)), Bias(50))
        assert "misshapen (bias" in message


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.int32, torch.float32])
def test_counters_are_what_they_are(filled, tmp_path, dtype):
    torch.save(filled.state_dict() | {"bn.num_batches_tracked": torch.tensor(0, dtype=dtype)}, tmp_path / "w.pth")
    refusal(tmp_path / "w.pth")


@pytest.mark.parametrize("count", [200, 50_000])
def test_many_names_cost_no_time(tmp_path, count):
    header = {f"k{n}": entry(shape=[1], begin=4 * n, end=4 * n + 4) for n in range(count)}
    began = time.monotonic()
    refusal(written(tmp_path / "w", header, bytes(4 * count)), nn.Linear(1_000, 2_500))
    assert time.monotonic() - began < 2


# --- memory --------------------------------------------------------------------

MEASURE = """
import sys
from pathlib import Path
from torch import nn
from cnnviz.errors import BadWeights
from cnnviz.weights import load

def kilobytes(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])

module = nn.Linear(3_200, 3_200)  # 41 MB
Path("/proc/self/clear_refs").write_text("5")  # the peak is taken from here
before = kilobytes("VmRSS")
try:
    load(module, Path(sys.argv[1]))
except BadWeights as refused:
    print(refused, file=sys.stderr)
print((kilobytes("VmHWM") - before) * 1024)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's /proc to be measured")
@pytest.mark.parametrize("form", ["safetensors", "pt", "misshapen"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_file_and_the_module_are_all_that_is_held(tmp_path, form, dtype):
    state = {"weight": torch.zeros(3_200, 3_200, dtype=dtype), "bias": torch.zeros(3_200, dtype=dtype)}
    if form == "misshapen":
        state["weight"] = state["weight"].view(1_600, 6_400)
    path = tmp_path / "w"
    torch.save(state, path) if form == "pt" else save_file(state, path)
    words = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(words, capture_output=True, check=True, text=True, cwd=Path(__file__).parents[2])
    assert ("misshapen (weight" in done.stderr) == (form == "misshapen")
    assert int(done.stdout) < path.stat().st_size + 10e6  # the module is there beforehand
