"""`cnnviz weights`, from what is typed to what is printed."""

import json
import re

import pytest
from mirror import mirror

from cnnviz import networks
from cnnviz.weights import published_for


@pytest.fixture
def lenet(monkeypatch, tmp_path):
    """A server that has a checkpoint of lenet5."""
    with mirror(monkeypatch, tmp_path) as server:
        monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", server.url(""))
        yield server


def test_list_has_every_network(cnnviz, monkeypatch, tmp_path):
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path))
    listed = cnnviz("weights", "list")
    assert (listed.code, listed.err) == (0, "")
    lines = {line.split()[0]: line for line in listed.out.splitlines()[2:-1]}
    assert list(lines) == list(networks.cards())
    assert re.search(
        r"bundled +CIFAR-10, 22\.4 MB +resnet18-f37072fd\.pth, 44\.7 MiB +no +69\.76 +89\.08$", lines["resnet18"]
    )
    assert re.search(r"alexnet +random$", lines["alexnet"])
    assert max(map(len, lines.values())) <= 120
    assert str(tmp_path) in listed.out
    rows = {row["network"]: row for row in json.loads(cnnviz("weights", "list", "--json").out)["networks"]}
    assert rows["lenet5"] == {
        "network": "lenet5",
        "auto": "bundled",
        "bundled": {"file": "lenet5.safetensors", "bytes": 247_728, "dataset": "MNIST", "classes": 10},
        "published": None,
    }
    assert rows["vgg16"]["published"] == {
        "file": "vgg16-397923af.pth",
        "on_disk": False,
        "bytes": None,
        "megabytes": 527.8,
        "top1_percent": 71.592,
        "top5_percent": 90.382,
    }


def test_fetch_gets_them_and_list_says_so(cnnviz, lenet):
    for words in (("lenet5",), ("--all",), ("lenet5", "lenet5")):
        done = cnnviz("weights", "fetch", *words)
        assert (done.code, done.err) == (0, "")
        path = published_for("lenet5").path
        there = "" if words == ("lenet5",) else ", was there already"
        assert done.out == f"lenet5: {path}, {path.stat().st_size / 2**20:.1f} MiB{there}\n"
    assert len(lenet.asked) == 1
    row = json.loads(cnnviz("weights", "list", "--json").out)["networks"][0]
    assert (row["auto"], row["published"]["on_disk"]) == ("imagenet", True)
    assert row["published"]["bytes"] == path.stat().st_size
    fetched = json.loads(cnnviz("weights", "fetch", "--all", "--json").out)["fetched"]
    assert fetched == [{"network": "lenet5", "file": str(path), "bytes": path.stat().st_size, "was_there": True}]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("weights", "required: ACTION"),
        ("weights fetch", "One of the two is needed"),
        ("weights fetch --all resnet18", "One of the two is needed"),
        ("weights fetch resnt18", "No network is called 'resnt18'. Did you mean 'resnet18'"),
        ("weights fetch lenet5 alexnet", "No ImageNet weights are published for alexnet"),
        ("weights fetch lenet5 --url http://127.0.0.1:1/", r"can't be fetched into it \(no connection: "),
        ("weights lists", "invalid choice: 'lists'"),
    ],
)
def test_what_is_wrong_is_one_sentence(cnnviz, lenet, line, sentence):
    refused = cnnviz(*line.split())
    assert (refused.code, refused.out) == (2, "")
    assert re.search(sentence, refused.err)
    assert refused.err.count("\n") == 1
    assert not lenet.asked, "nothing is fetched before all that was typed is found to be right"


def test_ctrl_c_keeps_what_has_come(cnnviz, lenet, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnviz.download.os.fsync", interrupted)
    stopped = cnnviz("weights", "fetch", "lenet5")
    assert (stopped.code, stopped.err) == (130, "")
    part = published_for("lenet5").path.with_suffix(".pth.part")
    assert part.stat().st_size == len(lenet.content)
