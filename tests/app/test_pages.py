"""Every page and every network, without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import networks

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def opened(page: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    if page:
        app.switch_page(f"screens/{page}.py")
    return app.run()


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.parametrize("key", networks.cards())
def test_every_network_shows_its_numbers_and_its_first_maps(key):
    app = opened(network=key)
    assert not app.exception
    assert not app.error
    module = networks.construct(key)
    assert metrics(app)["Parameters"] == f"{sum(p.numel() for p in module.parameters()):,}"
    assert app.selectbox(key="layer").value in dict(module.named_modules())
    if networks.source_for(key).kind == "random":
        assert any("random filters" in warning.value for warning in app.warning)
    else:
        assert not app.warning
        assert any("weights trained by this project" in caption.value for caption in app.caption)
    assert len(app.dataframe[0].value) > 10


def test_a_new_input_size_changes_the_numbers_at_once():
    app = opened(network="vgg16")
    assert metrics(app)["MACs"] == "15,470,264,320"
    app.number_input(key="size").set_value(64).run()
    # the convolutions' 15,346,630,656 shrink by (64 / 224)², the classifier's 123,633,664 stay
    assert metrics(app)["MACs"] == f"{15_346_630_656 * 64**2 // 224**2 + 123_633_664:,}"
    assert metrics(app)["Parameters"] == "138,357,544"


def test_a_size_that_does_not_fit_gets_a_sentence_and_keeps_the_last_graph():
    app = opened(network="alexnet")
    before = metrics(app)
    app.number_input(key="size").set_value(300).run()
    assert [error.value for error in app.error] == [
        "alexnet's fc6 needs 256 x 6 x 6 maps, but a 300 x 300 input gives 256 x 8 x 8. Use 227."
    ]
    assert metrics(app) == before
    assert not app.exception


def test_options_change_the_network():
    app = opened(network="resnet18")
    app.segmented_control(key="shortcut").set_value("A").run()
    # without three projections: 64 · 128 + 128 · 256 + 256 · 512 weights, and twice 128 + 256 + 512 for their norms
    assert metrics(app)["Parameters"] == f"{11_689_512 - 172_032 - 1_792:,}"
    assert "layer2.0.downsample.pad" in app.selectbox(key="layer").options
    app = opened(network="googlenet")
    app.toggle(key="heads").set_value(True).run()
    assert metrics(app)["Parameters"] == "13,378,280"
    assert not app.exception


def test_another_network_starts_from_its_own_size_and_layers():
    app = opened(network="resnet18", size="64", layer="layer1.0.conv1")
    app.selectbox(key="network").set_value("lenet5").run()
    assert app.number_input(key="size").value == 32
    assert app.selectbox(key="layer").value == "conv1"
    assert not app.error


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"network": "alexnt"}, "No network is called 'alexnt'. Did you mean 'alexnet'"),
        ({"network": "vgg16", "layer": "layer1.conv"}, "No layer of vgg16 is called 'layer1.conv'."),
    ],
)
def test_a_link_to_nowhere_says_so_and_shows_a_page(query, sentence):
    app = opened(**query)
    assert any(warning.value.startswith(sentence) for warning in app.warning)
    assert metrics(app)["Parameters"]
    assert not app.exception


@pytest.mark.parametrize(
    "query",
    [
        {"size": "-3"},
        {"size": "zero"},
        {"size": "100000000000000000000"},
        {"channel": "-1"},
        {"channel": "9" * 400},
        {"classes": "0"},
        {"shortcut": "D"},
        {"heads": "maybe"},
        {"layer": "<b>x</b>"},
        {"image": "../../etc/passwd"},
        {"network": "os:system"},
        {"scale": "?"},
        {"colour": "?"},
        {"across": "sideways"},
    ],
)
def test_any_value_of_any_parameter_gives_a_page_and_at_most_a_sentence(query):
    app = opened(**{"network": "resnet18", **query})
    assert not app.exception
    assert len(app.error) <= 1
    assert metrics(app)["Parameters"] == "11,689,512"


def test_a_fully_connected_layer_is_a_chart():
    app = opened(network="lenet5", layer="fc1")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.parametrize(("kernel", "saving"), [(5, "28.0 %"), (7, "44.9 %"), (11, "62.8 %")])
def test_kernels_save_what_the_article_says(kernel, saving):
    app = opened("kernels")
    app.select_slider(key="kernel").set_value(kernel).run()
    assert metrics(app)["Saving"] == saving
    assert metrics(app)["Receptive field of both"] == f"{kernel} × {kernel}"
    assert not app.exception


def test_kernels_with_many_channels():
    app = opened("kernels")
    for key, value in (("in", 16), ("mid", 16), ("out", 32)):
        app.number_input(key=key).set_value(value)
    app.run()
    assert metrics(app)["Weights, one layer"] == "12,800"
    assert metrics(app)["Weights, 2 × (3 × 3)"] == "6,912"


PHOTOGRAPH = Path(__file__).parents[2] / "assets" / "photographs" / "coffee.jpg"


def test_an_uploaded_picture_is_what_the_layers_see_and_a_refused_one_changes_nothing():
    app = opened(network="lenet5")
    app.file_uploader(key="upload").upload("mine.jpg", PHOTOGRAPH.read_bytes(), "image/jpeg").run()
    own = app.session_state["own picture"]
    assert own.image.size == (600, 400) or max(own.image.size) <= 1024
    app.file_uploader(key="upload").upload("bad.png", b"not a picture", "image/png").run()
    assert len(app.error) == 1
    assert "bad.png" in app.error[0].value
    assert app.session_state["own picture"] is own
    assert not app.exception
    app.selectbox(key="image").set_value("rocket").run()
    assert not app.error
    assert "own picture" not in app.session_state


def test_a_channel_is_shown_large_with_its_numbers():
    app = opened(network="resnet18", channel="3")
    assert any(words.value == "**Channel 3**" for words in app.markdown)
    assert not app.exception


def test_an_option_of_one_network_does_not_follow_to_one_without_it():
    app = opened(network="resnet18")
    app.number_input(key="classes").set_value(7).run()
    assert metrics(app)["Parameters"] == f"{11_689_512 - 993 * 513:,}"
    app.selectbox(key="network").set_value("lenet5-1998").run()
    assert not app.error
    assert metrics(app)["Parameters"] == "60,000"
