import csv
import threading
from pathlib import Path

import pytest
import torch
import torchinfo
from torch import nn

from cnnviz.errors import BadOption, DeviceUnavailable, UnknownNetwork
from cnnviz.networks import card, cards, construct

PRINTED = Path(__file__).parents[2] / "assets" / "printed"
PUBLISHED = list(csv.DictReader((PRINTED / "pretrained.csv").open()))

PARAMETERS = {
    "lenet5": 61_706,
    "lenet5-1998": 60_000,
    "alexnet": 62_378_344,
    "alexnet-2012": 60_965_224,
    "alexnet-owt": 61_100_840,
    "alexnet-cifar": 1_557_098,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "googlenet": 6_998_552,
    "googlenet-bn": 6_624_904,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnet18-printed": 11_511_784,
    "plain18": 11_689_512 - 173_824,  # less the projections
    "plain34": 21_797_672 - 173_824,
    "resnet20": 269_722,  # He et al. 2015, table 6: 0.27 M
    "resnet32": 464_154,  # 0.46 M
    "resnet44": 658_586,  # 0.66 M
    "resnet56": 853_018,  # 0.85 M
    "resnet110": 1_727_962,  # 1.7 M
    "plain20": 269_722,
    "plain56": 853_018,
    "relu4": 89_578,
    "tanh4": 89_578,
}


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_catalogue_has_every_network_families_in_the_order_they_were_published():
    assert list(cards()) == [
        *("lenet5", "lenet5-1998"),
        *("alexnet", "alexnet-2012", "alexnet-owt", "alexnet-cifar"),
        *("relu4", "tanh4"),
        *("vgg11", "vgg13", "vgg16", "vgg19"),
        *("googlenet", "googlenet-bn"),
        *(
            "resnet18",
            "resnet34",
            "resnet50",
            "resnet101",
            "resnet152",
            "resnet18-printed",
            "plain18",
            "plain34",
        ),
        *("resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "plain20", "plain56"),
    ]
    assert set(cards()) == set(PARAMETERS)


def test_a_caller_cannot_change_the_catalogue():
    cards().clear()
    assert "resnet18" in cards()


@pytest.mark.parametrize("key", cards())
def test_parameters_shape_and_name(key):
    entry, module = card(key), construct(key)
    assert parameters(module) == PARAMETERS[key]
    assert all(p.is_meta for p in module.parameters())
    assert not module.training
    assert module.network == key
    assert module(torch.empty(2, *entry.input_shape, device="meta")).shape == (2, entry.classes)


@pytest.mark.parametrize("key", cards())
def test_torchinfo_agrees(key):
    entry = card(key)
    summary = torchinfo.summary(construct(key), (1, *entry.input_shape), device="meta", verbose=0)
    assert summary.total_params == summary.trainable_params == PARAMETERS[key]


@pytest.mark.parametrize("key", cards())
def test_a_card_is_complete(key):
    entry = card(key)
    assert entry.key == key
    assert entry.idea.endswith(".")
    assert str(entry.year) in entry.paper.citation
    assert entry.paper.link.startswith(("https://", "http://"))
    assert len(entry.normalisation.mean) == len(entry.normalisation.std) == entry.input_shape[0]
    assert entry.printed is None or (PRINTED / f"{entry.printed}.csv").is_file()


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["network"])
def test_published_weights(row):
    entry = card(row["network"])
    assert entry.checkpoint == row["file"]
    assert entry.top5 is not None
    assert entry.top5.percent == float(row["top5_percent"])


def test_who_has_a_checkpoint_or_a_printed_table():
    assert {key for key, c in cards().items() if c.checkpoint} == {row["network"] for row in PUBLISHED}
    assert {key: c.printed for key, c in cards().items() if c.printed} == {
        "lenet5": "lenet5",
        "alexnet": "alexnet",
        "googlenet": "googlenet",
        "resnet18-printed": "resnet18",
    }


@pytest.mark.parametrize("key", [key for key, entry in cards().items() if "classes" in entry.options])
def test_classes(key):
    module = construct(key, classes=7)
    assert module(torch.empty(1, *card(key).input_shape, device="meta")).shape == (1, 7)


def test_every_network_but_one_takes_its_classes():
    assert [key for key, entry in cards().items() if "classes" not in entry.options] == ["lenet5-1998"]


def test_an_unknown_key_gets_the_closest_ones():
    with pytest.raises(UnknownNetwork, match=r"No network is called 'alexnt'. Did you mean 'alexnet'"):
        construct("alexnt")


@pytest.mark.parametrize(
    ("key", "options", "sentence"),
    [
        ("lenet5-1998", {"classes": 10}, "You gave classes=10; lenet5-1998 takes no options."),
        ("vgg16", {"shortcut": "A"}, "You gave shortcut='A'; vgg16 takes no such option, only classes."),
        (
            "resnet18",
            {"heads": True},
            "You gave heads=True; resnet18 takes no such option, only batch_norm, classes, shortcut.",
        ),
        (
            "plain18",
            {"shortcut": "B"},
            "You gave shortcut='B'; plain18 takes no such option, only batch_norm, classes.",
        ),
        ("resnet18", {"shortcut": "D"}, "You gave shortcut='D'; resnet18 takes 'A', 'B' or 'C'."),
        ("resnet18", {"shortcut": ["A"]}, "You gave shortcut=['A']; resnet18 takes 'A', 'B' or 'C'."),
        ("googlenet", {"heads": "on"}, "You gave heads='on'; googlenet takes True or False."),
    ],
)
def test_a_bad_option_gets_one_sentence(key, options, sentence):
    with pytest.raises(BadOption) as caught:
        construct(key, **options)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("classes", [0, -1, 100_001, 10.0, "10", True])
def test_classes_are_a_whole_number_within_reason(classes):
    with pytest.raises(BadOption) as caught:
        construct("lenet5", classes=classes)
    assert str(caught.value) == f"You gave classes={classes!r}; lenet5 takes a whole number from 1 to 100,000."


def test_an_unknown_device_gets_one_sentence():
    with pytest.raises(DeviceUnavailable, match="No device is called 'abacus'"):
        construct("lenet5", device="abacus")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_missing_device_gets_one_sentence():
    with pytest.raises(DeviceUnavailable, match="The device 'cuda' can't be used"):
        construct("lenet5", device="cuda")


def test_building_on_meta_draws_no_random_numbers():
    before = torch.get_rng_state()
    construct("resnet20")
    construct("lenet5-1998")
    assert torch.equal(before, torch.get_rng_state())


def test_on_the_cpu_parameters_are_what_the_constructors_give():
    torch.manual_seed(3)
    ours = construct("resnet20", device="cpu").state_dict()
    torch.manual_seed(3)
    theirs = card("resnet20").build().state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert (ours["bn1.weight"] == 1).all()


def test_structure_on_meta_is_the_structure_on_the_cpu():
    meta, cpu = construct("lenet5-1998").state_dict(), construct("lenet5-1998", device="cpu").state_dict()
    assert [(k, v.shape, v.dtype) for k, v in meta.items()] == [(k, v.shape, v.dtype) for k, v in cpu.items()]


def test_building_from_many_threads_at_once():
    wrong: list[str] = []

    def work(device: str) -> None:
        for _ in range(5):
            module = construct("resnet20", device=device)
            places = {tensor.device.type for tensor in module.state_dict().values()}
            if places != {device} or torch.zeros(1).device.type != "cpu":
                wrong.append(f"{device}: {places}")

    threads = [threading.Thread(target=work, args=(place,)) for place in ("meta", "cpu") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
