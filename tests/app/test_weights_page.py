"""The weights behind the maps, chosen, brought and fetched on the page, without a browser."""

import gc
import io
from pathlib import Path

import pytest
import torch
from mirror import mirror
from safetensors.torch import save
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from app.cache import weights_from
from app.panels import weights
from cnnviz import networks
from cnnviz.catalogue import Options
from cnnviz.weights import Source
from cnnviz.weights.published import fetching

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
RANDOM = "random weights, seed 0 (untrained)"
BUNDLED = "weights trained by this project on MNIST (lenet5.safetensors)"


@pytest.fixture(autouse=True)
def nothing_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNVIZ_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def lenet(monkeypatch, tmp_path):
    """A server that has a checkpoint of lenet5."""
    with mirror(monkeypatch, tmp_path) as server:
        monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", server.url(""))
        yield server


def opened(page: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    if page:
        app.switch_page(f"screens/{page}.py")
    return app.run()


def behind(app: AppTest) -> list[str]:
    """The sentences that name the weights behind the maps."""
    assert not app.exception
    said = [caption.value for caption in app.caption] + [warning.value for warning in app.warning]
    return [text.replace("**", "") for text in said if text.startswith((":material/neurology:", "Made with"))]


def select(app: AppTest, suffix: str = ""):
    return app.segmented_control(key=f"weights{suffix}")


def pressed(app: AppTest):
    return [button for button in app.button if button.label.startswith("Fetch them: ")]


def state_dict(seed: int = 1, key: str = "lenet5"):
    return networks.build(key, weights=Source("random", seed=seed)).state_dict()


def upload(app: AppTest, name: str, data: bytes, suffix: str = "") -> AppTest:
    return app.file_uploader(key=f"weights upload{suffix}").upload(name, data).run()


# --- which -----------------------------------------------------------------------


def test_what_is_chosen_is_behind_the_maps():
    app = opened(network="lenet5")
    assert select(app).options == ["auto", "bundled", "random"]
    assert BUNDLED in behind(app)[0]
    select(app).set_value("random").run()
    assert behind(app) == [f"Made with {RANDOM}, on CPU: these maps show what random filters see."]
    select(app).set_value("bundled").run()
    assert BUNDLED in behind(app)[0]


@pytest.mark.parametrize(("asked", "label"), [("random", RANDOM), ("bundled", BUNDLED), ("auto", BUNDLED)])
def test_a_link_says_which(asked, label):
    app = opened(network="lenet5", weights=asked)
    assert label in behind(app)[0]
    assert not app.error


@pytest.mark.parametrize(
    "asked", ["imagenet", "own", "/etc/passwd", "../w.pth", "<b>", "os:system", "", "Auto", "random2"]
)
def test_whatever_else_a_link_asks_for_is_not_even_looked_at(asked, tmp_path, monkeypatch):
    assert BUNDLED in behind(opened(network="lenet5", weights=asked))[0]


def test_no_browser_can_name_a_path(tmp_path):
    """A browser may send values that no control offers."""
    file = tmp_path / "w.pth"
    torch.save(state_dict(), file)
    app = opened(network="lenet5")
    app.session_state["weights"] = str(file)
    app.run()
    assert BUNDLED in behind(app)[0]
    assert select(app).value == "auto"


def test_what_does_not_fit_any_more_is_not_offered_any_more():
    app = opened(network="resnet18", weights="bundled", size="32")
    assert select(app).options == ["auto", "bundled", "imagenet", "random"]
    assert "CIFAR-10" in behind(app)[0]
    app.number_input(key="classes").set_value(7).run()
    assert select(app).options == ["auto", "random"]
    assert RANDOM in behind(app)[0]
    assert not app.error
    app.selectbox(key="network").set_value("lenet5").run()
    assert select(app).value == "auto"
    assert BUNDLED in behind(app)[0]


def test_each_side_has_weights_of_its_own():
    app = opened("beside", network="lenet5", network2="lenet5", weights2="random")
    assert [BUNDLED in text for text in behind(app)] == [True, False]
    select(app).set_value("random").run()
    assert [BUNDLED in text for text in behind(app)] == [False, False]


# --- a file of the visitor's own -------------------------------------------------


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_a_visitors_file_is_behind_the_maps_until_something_else_is_chosen(form):
    app = opened(network="lenet5")
    data = io.BytesIO(save(state_dict()))
    if form == "pt":
        torch.save(state_dict(), data := io.BytesIO())
    upload(app, "mine.any", data.getvalue())
    assert not app.error
    assert select(app).options == ["auto", "bundled", "random", "own"]
    assert "With weights from the file mine.any, on CPU" in behind(app)[0]
    select(app).set_value("auto").run()
    assert BUNDLED in behind(app)[0]
    select(app).set_value("own").run()
    assert "mine.any" in behind(app)[0]


def test_two_files_of_one_name_are_two():
    app = opened(network="lenet5")
    paths = []
    for seed in (1, 2):
        upload(app, "w.safetensors", save(state_dict(seed)))
        assert "w.safetensors" in behind(app)[0]
        paths.append(app.session_state["own weights"].path)
    assert paths[0] != paths[1]
    assert not paths[0].exists(), "the one before is gone"
    assert torch.equal(networks.build("lenet5", weights=str(paths[1])).conv1.weight, state_dict(2)["conv1.weight"])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"rubbish", "is no weight file that we can read"),
        (save({"conv1.weight": torch.zeros(2)}), "tensors are missing (conv1.bias, conv2.weight, conv2.bias, …)"),
        (bytes(2_000_000), "'bad.pt' holds 2.0 MB, more than the 0.6 MB that this network could need"),
    ],
)
def test_what_is_refused_is_one_sentence_and_changes_nothing(data, sentence):
    app = opened(network="lenet5")
    upload(app, "mine.safetensors", save(state_dict()))
    path = app.session_state["own weights"].path
    upload(app, "bad.pt", data)
    assert [sentence in error.value for error in app.error] == [True]
    assert "mine.safetensors" in behind(app)[0]
    assert app.session_state["own weights"].path == path
    assert list(path.parents[1].rglob("*")) == [path.parent, path], "nothing of it was kept"
    select(app).set_value("random").run()
    upload(app, "mine.safetensors", save(state_dict()))
    assert not app.error


def test_a_pickle_that_runs_code_runs_none(tmp_path):
    class Touch:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"conv1.weight": Touch()}, data := io.BytesIO())
    app = opened(network="lenet5")
    upload(app, "w.pt", data.getvalue())
    assert "could run code" in app.error[0].value
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/w.pt", "w.pt"),
        ("C:\\Users\\me\\w.pt", "w.pt"),
        ("..", "weights"),
        ("<img src=x>.pt", "_img src_x_.pt"),
        ("é" * 300 + ".pt", "é" * 57 + ".pt"),
        ("", "weights"),
    ],
)
def test_its_name_does_no_harm(name, kept):
    found = weights_of("lenet5", name)
    assert found.path.name == kept
    assert found.path.parents[1] == Path(found.folder.name)


def weights_of(key, name="w.safetensors"):
    return weights_from(Options(key), memoryview(save(state_dict(key=key))), name)


def test_it_is_gone_with_the_session():
    found = weights_of("lenet5")
    path = found.path
    assert path.is_file()
    del found
    gc.collect()
    assert not path.parents[1].exists()


def test_a_visitors_file_stays_with_its_network():
    app = opened(network="lenet5")
    upload(app, "mine.safetensors", save(state_dict()))
    app.selectbox(key="network").set_value("resnet20").run()
    assert select(app).options == ["auto", "bundled", "random"]
    assert "CIFAR-10" in behind(app)[0]
    app.selectbox(key="network").set_value("lenet5").run()
    assert select(app).options[-1] == "own"
    assert BUNDLED in behind(app)[0]
    assert not app.error


def test_who_comes_back_without_a_session_is_told_to_bring_the_weights_again():
    app = opened(network="lenet5", weights="own")
    assert "The weights that were brought here are gone" in app.error[0].value
    assert BUNDLED in behind(app)[0]
    upload(app, "mine.safetensors", save(state_dict()))
    assert not app.error
    assert "mine.safetensors" in behind(app)[0]


def test_options_that_it_does_not_fit_are_a_sentence():
    app = opened(network="resnet20")
    upload(app, "mine.safetensors", save(state_dict(key="resnet20")))
    app.segmented_control(key="shortcut").set_value("B").run()
    assert len(app.error) == 1
    assert "'mine.safetensors' doesn't fit this network" in app.error[0].value
    select(app).set_value("random").run()
    assert not app.error
    assert RANDOM in behind(app)[0]


def test_a_browser_that_replaces_the_file_takes_the_one_before_away_first():
    app = opened(network="lenet5")
    upload(app, "mine.safetensors", save(state_dict()))
    app.file_uploader(key="weights upload").set_value(None).run()
    assert "mine.safetensors" in behind(app)[0]
    upload(app, "bad.pt", b"rubbish")
    assert len(app.error) == 1
    assert "mine.safetensors" in behind(app)[0]


def test_a_link_holds_the_weights_but_no_file_of_a_visitors(monkeypatch):
    links = []
    monkeypatch.setattr("app.panels.lecture.share_link", lambda link, code, *, key: links.append(link))
    monkeypatch.setattr(ContextProxy, "url", "http://192.168.1.5:8501")
    app = opened(network="lenet5", weights="random")
    app.session_state["lecture popover"] = True
    app.run()
    assert "&weights=random" in links[-1]
    upload(app, "mine.safetensors", save(state_dict()))
    assert "mine.safetensors" in behind(app)[0]
    assert "weights" not in links[-1]
    assert any("Your own weights don't travel along" in caption.value for caption in app.caption)


# --- fetching --------------------------------------------------------------------


def test_published_weights_are_fetched_and_taken(lenet):
    app = opened(network="lenet5")
    assert select(app).options == ["auto", "bundled", "imagenet", "random"]
    assert not pressed(app)
    select(app).set_value("imagenet").run()
    assert "aren't on this machine yet" in app.info[0].value
    assert "56.5 %" in app.info[0].value
    assert BUNDLED in behind(app)[0]
    [button] = pressed(app)
    button.click().run()
    fetching("lenet5").join(20)
    app.run()
    assert not pressed(app)
    assert not app.error
    assert not app.info
    assert "With published ImageNet weights (lenet5-" in behind(app)[0]
    assert "With published ImageNet weights (lenet5-" in behind(opened(network="lenet5"))[0]


def test_while_they_come_everybody_sees_how_far_they_are(lenet):
    lenet.pause = 0.3
    app, other = (opened(network="lenet5", weights="imagenet") for _ in range(2))
    pressed(app)[0].click().run()
    for page in (app, other.run()):
        assert not pressed(page)
        assert len(page.get("progress")) == 1
        assert BUNDLED in behind(page)[0], "everything goes on meanwhile"
    lenet.pause = 0
    fetching("lenet5").join(20)
    assert "published ImageNet weights" in behind(other.run())[0]


def test_without_a_network_it_is_one_sentence_and_all_goes_on(lenet, monkeypatch):
    monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", "http://127.0.0.1:1/")
    app, other = (opened(network="lenet5", weights="imagenet") for _ in range(2))
    pressed(app)[0].click().run()
    fetching("lenet5").join(20)
    app.run()
    assert [error.value.count("no connection") for error in app.error] == [1]
    assert BUNDLED in behind(app)[0]
    assert not other.run().error, "only who pressed is told"
    select(app).set_value("random").run()
    assert not app.error
    monkeypatch.setenv("CNNVIZ_WEIGHTS_URL", lenet.url(""))
    select(app).set_value("imagenet").run()
    pressed(app)[0].click().run()
    fetching("lenet5").join(20)
    assert "published ImageNet weights" in behind(app.run())[0]
    assert not app.error


def test_what_can_be_brought_and_fetched():
    assert [button.label for button in pressed(opened(network="vgg11", size="32", weights="imagenet"))] == [
        "Fetch them: 506.8 MiB, once for all who use this machine"
    ]
    assert weights.LARGEST * 2**20 > 102_530_333, "ResNet-50's published file"
