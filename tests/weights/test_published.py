"""The published checkpoints, and how they get on disk."""

import csv
import re
from pathlib import Path

import pytest
from mirror import mirror

from cnnviz import networks
from cnnviz.errors import BadWeights, DownloadFailed
from cnnviz.weights import published_for
from cnnviz.weights.published import URL, all_published, begin, fetching, source_url

TABLE = Path(__file__).parents[2] / "assets" / "printed" / "pretrained.csv"


@pytest.fixture
def lenet(monkeypatch, tmp_path):
    """A server that has a checkpoint of lenet5."""
    with mirror(monkeypatch, tmp_path) as server:
        monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", server.url(""))
        yield server


@pytest.mark.parametrize("row", list(csv.DictReader(TABLE.open())), ids=lambda row: row["network"])
def test_each_is_what_the_table_and_the_card_say(row):
    found = published_for(row["network"])
    assert networks.card(row["network"]).checkpoint == found.file == row["file"]
    assert found.top1_percent < found.top5_percent < 100
    assert re.fullmatch(r"[0-9a-f]{8}", found.remote.sha256)
    assert found.file.endswith(f"-{found.remote.sha256}.pth")
    # float32, and little more than the parameters: running statistics, and the untrained heads of googlenet-bn
    params = 13_004_888 if row["network"] == "googlenet-bn" else int(row["params"])
    assert 0 < found.remote.size + found.remote.within - 4 * params < 1_000_000


# as their headers say
@pytest.mark.parametrize(
    ("network", "size"), [("resnet18", 46_830_571), ("resnet50", 102_530_333), ("vgg16", 553_433_881)]
)
def test_the_rounded_size_takes_the_file_and_hardly_anything_else(network, size):
    remote = published_for(network).remote
    assert remote.may_have(size)
    assert not remote.may_have(size + 150_000)


def test_every_card_with_a_checkpoint_is_in_the_table():
    assert {key for key, entry in networks.cards().items() if entry.checkpoint} == set(all_published())


def test_there_is_none_for_the_others():
    with pytest.raises(BadWeights, match="No ImageNet weights are published for lenet5: 'cnnviz weights list'"):
        published_for("lenet5")


def test_where_they_come_from(monkeypatch):
    monkeypatch.delenv("CNNVIZ_WEIGHTS_URL", raising=False)
    assert source_url() == URL
    monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", "http://mirror/models")
    assert source_url() == "http://mirror/models/"
    assert source_url("http://nearer/") == "http://nearer/"


def test_what_was_fetched_is_taken(lenet):
    assert networks.source_for("lenet5").kind == "bundled"
    with pytest.raises(
        BadWeights, match=rf"'cnnviz weights fetch lenet5' gets them, or put lenet5-.* from {lenet.url('')}"
    ):
        networks.build("lenet5", weights="imagenet")
    path = published_for("lenet5").fetch()
    assert path == published_for("lenet5").path
    assert published_for("lenet5").there
    assert networks.source_for("lenet5").label == f"published ImageNet weights ({path.name})"
    module = networks.build("lenet5")
    assert module.conv1.weight.equal(networks.build("lenet5", weights="random").conv1.weight)
    assert networks.source_for("lenet5", classes=7).kind == "random"


def test_another_file_than_its_name_says_is_refused(lenet):
    lenet.content = b"x" * len(lenet.content)
    with pytest.raises(DownloadFailed, match="another file than the one that is known"):
        published_for("lenet5").fetch()
    assert not published_for("lenet5").there


def test_a_place_may_be_given(lenet, monkeypatch):
    monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", "http://127.0.0.1:1/")
    with pytest.raises(DownloadFailed, match="no connection"):
        published_for("lenet5").fetch()
    published_for("lenet5").fetch(url=lenet.url(""))


# --- beside everything else ----------------------------------------------------


def test_all_who_want_it_watch_the_same_fetch(lenet):
    lenet.pause = 0.02
    first, second = begin("lenet5"), begin("lenet5")
    assert first is second is fetching("lenet5")
    assert not first.over
    first.join(20)
    assert first.over
    assert first.failed == ""
    assert first.done == first.total == published_for("lenet5").path.stat().st_size
    assert len(lenet.asked) == 1
    assert begin("lenet5") is not first, "a file that was deleted can be fetched again"


def test_why_it_failed_is_known_and_it_can_be_tried_again(lenet, monkeypatch):
    monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", "http://127.0.0.1:1/")
    failed = begin("lenet5")
    failed.join(20)
    assert failed.over
    assert "no connection" in failed.failed
    monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", lenet.url(""))
    begin("lenet5").join(20)
    assert published_for("lenet5").there


def test_nothing_is_begun_where_nothing_is_published():
    with pytest.raises(BadWeights):
        begin("resnet20")
    assert fetching("resnet20") is None


# --- which are offered ---------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "options", "kinds"),
    [
        ("resnet18", {}, ("auto", "bundled", "imagenet", "random")),
        ("resnet18", {"classes": 7}, ("auto", "random")),
        ("resnet18", {"classes": 10}, ("auto", "bundled", "random")),
        ("resnet18", {"classes": 1_000}, ("auto", "imagenet", "random")),
        ("resnet18", {"shortcut": "A"}, ("auto", "random")),
        ("vgg16", {}, ("auto", "imagenet", "random")),
        ("googlenet-bn", {"heads": True}, ("auto", "imagenet", "random")),
        ("lenet5", {}, ("auto", "bundled", "random")),
        ("alexnet", {}, ("auto", "random")),
    ],
)
def test_what_fits_is_offered(key, options, kinds):
    assert networks.kinds_for(key, **options) == kinds
