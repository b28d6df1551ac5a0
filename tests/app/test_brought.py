"""Networks of the user's own on the page, without a browser."""

import sys
from pathlib import Path

import pytest
from components import table
from streamlit.testing.v1 import AppTest

from app import cache
from cnnviz import networks
from cnnviz.cli.named import VARIABLE, _named
from cnnviz.errors import DrawingFailed

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
SUPPORT = Path(__file__).parents[1] / "support"
NETS = """
from torch import nn

class Picky(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 30 * 30, 10))

class Changes(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x):
        x = self.conv(x)
        return x if x.shape[-1] < 40 or x.sum() > 0 else -x

class Depth(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(4, 4, 3), nn.ReLU())
"""


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Opens the app as if it had been started with these words."""
    (tmp_path / "nets_on_the_page.py").write_text(NETS)
    monkeypatch.setattr(networks, "_brought", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    _named.cache_clear()  # as in a new process

    def opened(words: str, folder: Path = tmp_path, **query: str) -> AppTest:
        monkeypatch.setenv(VARIABLE, f"{words} --folder '{folder}'")
        app = AppTest.from_file(MAIN, default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    yield opened
    sys.modules.pop("nets_on_the_page", None)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def said(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.caption, *app.markdown))


def test_a_network_of_the_users_own_shows_all_that_ours_do(started):
    app = started("foreign:SqueezeExcitation --input 3,32,32", SUPPORT, layer="block.add")
    assert not app.exception
    assert not app.error
    assert not app.warning
    picker = app.selectbox(key="network")
    assert picker.value == "foreign:SqueezeExcitation"
    assert picker.options == ["foreign:SqueezeExcitation", *networks._catalogue()]
    assert metrics(app)["Parameters"] == f"{448 + 2_320 + 68 + 80:,}"
    assert list(table(app)["name"])[-2:] == ["block.relu", "output"]
    assert "weights as foreign:SqueezeExcitation makes them, trained or not, on CPU" in said(app)
    assert "gives 16 × 32 × 32" in said(app)
    assert "normalisation 'ImageNet'" in said(app)
    assert "**foreign:SqueezeExcitation** Hu et al. 2018: the whole map decides" in said(app)
    app.number_input(key="size").set_value(48).run()
    assert "gives 16 × 48 × 48" in said(app)
    with pytest.raises(KeyError):
        app.number_input(key="classes")


def test_with_one_of_ours_just_those_named_are_offered(started):
    app = started("vgg11 foreign:Recurrent lenet5 --input 4,8,8", SUPPORT)
    assert app.selectbox(key="network").options == ["vgg11", "foreign:Recurrent", "lenet5"]
    assert app.selectbox(key="network").value == "vgg11"
    app.selectbox(key="network").set_value("foreign:Recurrent").run()
    assert not app.exception
    assert metrics(app)["Parameters"] == "148"
    assert [error.value for error in app.error] == [
        "foreign:Recurrent takes 4 channels, but a picture has 3 (or 1, as luminance)."
    ]
    app = started("vgg11 foreign:Recurrent lenet5 --input 4,8,8", SUPPORT, network="resnet18")
    assert app.selectbox(key="network").value == "vgg11"
    assert any("No network is called 'resnet18'" in warning.value for warning in app.warning)


@pytest.mark.parametrize(
    ("words", "second"), [("foreign:PreActivation --input 3,32,32", "resnet18"), ("vgg11 lenet5", "lenet5")]
)
def test_side_by_side_begins_with_what_is_offered(started, words, second):
    app = started(words, SUPPORT)
    app.switch_page("screens/beside.py").run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="network").value == words.split()[0]
    assert app.selectbox(key="network2").value == second
    titles = [element.value for element in app.markdown]
    assert any(title.startswith("**foreign:PreActivation**") for title in titles) == (second == "resnet18")
    assert not any(title.endswith(", 0") for title in titles)


def test_a_size_that_does_not_fit_is_a_sentence_and_the_last_good_picture_stays(started):
    app = started("nets_on_the_page:Picky --input 3,32,32")
    before = metrics(app)
    app.number_input(key="size").set_value(40).run()
    assert [error.value for error in app.error] == [
        "nets_on_the_page:Picky's 3 needs 4 x 30 x 30 maps, but a 40 x 40 input gives 4 x 38 x 38. Use 32."
    ]
    assert metrics(app) == before
    assert not app.exception


def test_what_cannot_be_followed_at_another_size_says_where_and_why(started):
    app = started("nets_on_the_page:Changes --input 1,28,28")
    assert not app.error
    assert app.selectbox(key="image").value == "digit-3"
    app.number_input(key="size").set_value(64).run()
    [error] = app.error
    assert "Changes decides by the values of a tensor (line 15 of nets_on_the_page.py)" in error.value
    assert metrics(app)["Parameters"] == "40"
    assert not app.exception


@pytest.mark.parametrize("words", ["nets_on_the_page:Gone", "alexnt", "lenet5 --inp 3", "lenet5 'x"])
def test_what_is_wrong_with_the_variable_is_a_sentence_on_the_page(started, words):
    app = started(words)
    assert len(app.error) == 1
    assert not app.exception


def test_the_url_imports_nothing(started, tmp_path, monkeypatch):
    (tmp_path / "harmful.py").write_text("import pathlib\npathlib.Path(__file__).with_name('ran').touch()\nNet = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    for words in ("nets_on_the_page:Picky --input 3,32,32", "lenet5"):
        for network in ("harmful:Net", "os:system", "nets_on_the_page:Depth"):
            app = started(words, network=network)
            assert not app.exception
            assert any(f"No network is called '{network}'" in warning.value for warning in app.warning)
            assert app.selectbox(key="network").value == words.split()[0]
    assert not (tmp_path / "ran").exists()
    assert "harmful" not in sys.modules


# --- graphs that are too large ---------------------------------------------------


@pytest.fixture
def slow(monkeypatch):
    """Layouts of more nodes than this run out of time; the seconds that were allowed."""
    allowed = []
    original = cache.render

    def limited(most):
        def render(text, form="svg", seconds=10.0):
            allowed.append(seconds)
            if text.count(" [label=") > most:
                raise DrawingFailed(f"not within {seconds:g} seconds")
            return original(text, form, seconds)

        cache._svg_or_reason.clear()
        monkeypatch.setattr(cache, "render", render)
        return allowed

    yield limited
    cache._svg_or_reason.clear()


def test_what_takes_too_long_unfolded_stays_folded_and_says_so(started, slow):
    allowed = slow(6)
    app = started("foreign:Recurrent --input 4,8,8", SUPPORT)
    assert "too large" not in said(app)
    unfold = next(button for button in app.button if button.label == "Unfold")
    unfold.click().run()
    assert "Unfolded, this graph is too large to be laid out here: its equal blocks stay folded." in said(app)
    assert [button.label for button in app.button if "old" in button.label] == ["Unfold"]
    assert not app.exception
    assert set(allowed) == {2.0}
    before = len(allowed)
    next(button for button in app.button if button.label == "Unfold").click().run()
    assert len(allowed) == before, "it is tried once, however many ask"
    app.run()
    assert "too large" not in said(app)


def test_what_cannot_be_folded_is_shown_as_an_outline(started):
    app = started("foreign:DenseNet --input 3,64,64", SUPPORT, layer="features.denseblock2.denselayer1.conv1")
    assert "This graph is too large to be laid out here: each block is one node." in said(app)
    assert not app.exception
    assert not [error.value for error in app.error]
    assert metrics(app)["Parameters"] == "7,978,856"
    assert not [button for button in app.button if button.label == "Unfold"]
    assert "gives 128 × 8 × 8" in said(app)


def test_what_cannot_be_laid_out_at_all_leaves_the_rest_of_the_page(started, slow):
    slow(0)
    app = started("foreign:Dense --input 4,8,8", SUPPORT)
    assert any("not within 2 seconds" in error.value for error in app.error)
    assert len(table(app)) > 5
