import io
import os
import pickle
import struct
import threading
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cnnviz.errors import BadWeights
from cnnviz.weights import Source, Training, cache_folder, fill, initialise, load, resolve


def small(activation=nn.ReLU):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, 64, 5, bias=False),
            bn=nn.BatchNorm2d(64),
            act=activation(),
            flatten=nn.Flatten(),
            fc=nn.Linear(64 * 4 * 4, 50),
        )
    )


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.fixture
def filled():
    module = small()
    initialise(module, seed=7)
    return module


# --- initialise --------------------------------------------------------------


def test_initialise_is_he_with_neutral_normalisation():
    module = small()
    nn.init.constant_(module.bn.running_mean, 3.0)
    initialise(module)
    assert module.conv.weight.std().item() == pytest.approx((2 / 75) ** 0.5, rel=0.05)
    assert module.fc.weight.std().item() == pytest.approx((2 / 1024) ** 0.5, rel=0.05)
    assert module.conv.weight.mean().abs() < 0.01
    assert module.bn.weight.eq(1).all()
    assert not module.bn.bias.any()
    assert not module.fc.bias.any()
    assert not module.bn.running_mean.any()
    assert module.bn.running_var.eq(1).all()


def test_a_saturating_network_gets_gain_one():
    module = small(nn.Tanh)
    initialise(module)
    assert module.conv.weight.std().item() == pytest.approx((1 / 75) ** 0.5, rel=0.05)


def test_groups_count_in_fan_in():
    module = nn.Sequential(nn.Conv2d(64, 64, 3, groups=8), nn.ReLU())
    initialise(module)
    assert module[0].weight.std().item() == pytest.approx((2 / 72) ** 0.5, rel=0.05)


def test_the_variance_of_activations_is_kept():
    module = nn.Sequential(*[layer for _ in range(12) for layer in (nn.Linear(256, 256), nn.ReLU())])
    initialise(module)
    with torch.inference_mode():
        out = module(torch.randn(64, 256, generator=torch.Generator().manual_seed(0)))
    assert 0.2 < out.pow(2).mean() < 5


def test_same_seed_same_weights_whatever_else_happens(filled):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    others = [small() for _ in range(4)]
    torch.set_rng_state(before)
    threads = [threading.Thread(target=initialise, args=(other, 7)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(equal(filled, other) for other in others)
    assert torch.equal(before, torch.get_rng_state())
    initialise(others[0], seed=8)
    assert not equal(filled, others[0])


def test_an_added_head_leaves_the_trunk_as_it_was(filled):
    grown = small()
    grown = nn.Sequential(OrderedDict(aux=nn.Linear(4, 4), **dict(grown.named_children())))
    initialise(grown, seed=7)
    assert torch.equal(grown.fc.weight, filled.fc.weight)


def test_a_module_may_initialise_itself_and_constants_are_kept():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.coefficient = nn.Parameter(torch.empty(6))
            self.register_buffer("bitmap", torch.arange(84.0))

        def initialise(self, generator):
            nn.init.uniform_(self.coefficient, 2, 3, generator=generator)

    module = nn.Sequential(Own(), nn.Linear(2, 2))
    initialise(module)
    assert module[0].coefficient.min() >= 2
    assert len(set(module[0].coefficient.tolist())) == 6
    assert torch.equal(module[0].bitmap, torch.arange(84.0))
    assert not module[1].bias.any()

    lost = nn.Sequential(Own()).to("meta")
    with pytest.raises(BadWeights, match="'bitmap' of Own"):
        initialise(lost)


def test_a_module_on_meta_is_given_memory(filled):
    with torch.device("meta"):
        module = small()
    initialise(module, seed=7)
    assert equal(module, filled)


def test_half_precision_and_empty_layers_are_filled():
    module = nn.Sequential(nn.Linear(4, 4).half(), nn.Linear(0, 3))
    initialise(module)
    assert module[0].weight.isfinite().all()


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


# --- resolve and fill --------------------------------------------------------


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
