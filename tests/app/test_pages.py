"""Every page and every network, without a browser."""

import gzip
import json
from pathlib import Path

import pytest
from components import Answer, card, given, layers, pick, table, turn
from streamlit.testing.v1 import AppTest

from cnnviz import networks
from cnnviz.images import photographs

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def opened(page: str = "", card: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    if card:
        app.session_state["card"] = card  # the tab of the layer's card
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
    assert app.session_state["layer"] in dict(module.named_modules())
    if networks.source_for(key).kind == "random":
        assert any("random filters" in warning.value for warning in app.warning)
    else:
        assert not app.warning
        assert any("weights trained by this project" in caption.value for caption in app.caption)
    assert len(table(app)) > 10


@pytest.mark.parametrize("page", ["", "beside"])
def test_a_page_of_networks_opens_with_a_sentence_and_a_question(page):
    assert ". **" in opened(page).markdown[0].value
    assert "?**" in opened(page).markdown[0].value


def test_the_deck_has_the_card_of_every_layer_and_gives_nothing_away():
    app = opened(network="lenet5", card="Its numbers")
    name, _, cards = deck(app).partition(b"\n")
    dealt = json.loads(gzip.decompress(cards))
    assert name == b"selection"
    assert list(dealt) == layers(app)
    for path in ("conv2", "fc1"):
        assert card(pick(app, path)) == dealt[path]
    app = opened(network="lenet5", card="Its numbers", expect="true")
    assert "?" in card(app)
    assert not [shown for shown in app.get("bidi_component") if shown.proto.component_name == "cnnviz.deck"]


def deck(app: AppTest) -> bytes:
    [shown] = [shown for shown in app.get("bidi_component") if shown.proto.component_name == "cnnviz.deck"]
    return shown.proto.bytes


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
    assert "layer2.0.downsample.pad" in layers(app)
    app = opened(network="googlenet")
    app.toggle(key="heads").set_value(True).run()
    assert metrics(app)["Parameters"] == "13,378,280"
    assert not app.exception


def test_another_network_starts_from_its_own_size_and_layers():
    app = opened(network="resnet18", size="64", layer="layer1.0.conv1")
    app.selectbox(key="network").set_value("lenet5").run()
    assert app.number_input(key="size").value == 32
    assert app.session_state["layer"] == "conv1"
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
        {"channel": "1", "at": "-1,9"},
        {"order": "?"},
        {"classes": "0"},
        {"shortcut": "D"},
        {"heads": "maybe"},
        {"layer": "<b>x</b>"},
        {"image": "../../etc/passwd"},
        {"network": "os:system"},
        {"scale": "?"},
        {"colour": "?"},
        {"across": "sideways"},
        {"from": "pad"},
        {"from": "elsewhere"},
        {"fit": "stretch"},
        {"zoom": "9"},
        {"zoom": "nan"},
        {"zoom": "wide"},
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
    app = turn(opened("kernels"), kernel=kernel)
    assert Answer(app).numbers["Saving"] == saving
    assert Answer(app).numbers["Receptive field of both"] == f"{kernel} × {kernel}"
    assert not app.exception


def test_kernels_with_many_channels():
    app = turn(opened("kernels"), **{"in": 16, "mid": 16, "out": 32})
    assert Answer(app).numbers["Weights, one layer"] == "12,800"
    assert Answer(app).numbers["Weights, 2 × (3 × 3)"] == "6,912"


PHOTOGRAPH = Path(__file__).parents[2] / "assets" / "photographs" / "coffee.jpg"


def seen(app: AppTest) -> str:
    """The picture on the page, as the network receives it."""
    return given(app, "framed")[0]["source"]


def test_an_uploaded_picture_is_what_the_layers_see_and_a_refused_one_changes_nothing():
    app = opened(network="lenet5")
    sample = seen(app)
    app.segmented_control(key="from").set_value("file").run()
    assert seen(app) == sample, "until there is a file"
    app.file_uploader(key="upload").upload("mine.jpg", PHOTOGRAPH.read_bytes(), "image/jpeg").run()
    own = app.session_state["own picture"]
    assert (own.name, max(own.picture.image.size)) == ("mine.jpg", 600)
    mine = seen(app)
    assert mine != sample
    app.file_uploader(key="upload").upload("bad.png", b"not a picture", "image/png").run()
    assert len(app.error) == 1
    assert "bad.png" in app.error[0].value
    assert seen(app) == mine
    assert not app.exception
    app.segmented_control(key="from").set_value("sample").run()
    assert not app.error
    assert seen(app) == sample
    app.segmented_control(key="from").set_value("file").run()
    assert seen(app) == mine, "it was not thrown away"


def test_who_comes_back_without_a_session_is_told_to_bring_the_picture_again():
    app = opened(network="lenet5")
    app.segmented_control(key="from").set_value("file").run()
    assert "brought" not in app.query_params
    app.file_uploader(key="upload").upload("mine.jpg", PHOTOGRAPH.read_bytes(), "image/jpeg").run()
    assert not app.error
    url = {name: values[0] for name, values in app.query_params.items()}
    assert url["brought"] == "1"
    back = opened(**url, **{"from": "file"})
    assert [error.value for error in back.error] == [
        "The picture that was brought here is gone: the connection was lost for too long, or this is somebody else's "
        "link. Please bring it again."
    ]
    assert back.segmented_control(key="from").value == "file"
    back.file_uploader(key="upload").upload("mine.jpg", PHOTOGRAPH.read_bytes(), "image/jpeg").run()
    assert not back.error
    assert back.session_state["own picture"].name == "mine.jpg"


def test_a_photograph_from_the_camera_is_a_picture_too():
    app = opened(network="resnet20")
    sample = seen(app)
    assert not app.camera_input, "it asks for permission: not before it is wanted"
    app.segmented_control(key="from").set_value("camera").run()
    app.camera_input(key="photo").upload("photo.jpg", PHOTOGRAPH.read_bytes(), "image/jpeg").run()
    assert seen(app) != sample
    assert not app.exception


def test_a_pad_is_offered_where_digits_are_read():
    app = opened(network="lenet5", **{"from": "pad"})
    assert app.segmented_control(key="from").value == "pad"
    assert any("answers while you draw" in caption.value for caption in app.caption)
    app.selectbox(key="network").set_value("resnet20").run()
    assert app.segmented_control(key="from").value == "sample"
    assert "pad" not in app.segmented_control(key="from").options
    assert not app.exception
    app = opened("beside", network="resnet20", network2="lenet5-1998", **{"from": "pad"})
    assert app.segmented_control(key="from").value == "pad"
    assert not app.exception


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"network": "resnet18"}, "Scaled to cover 256 × 256, of which the middle 224 × 224 is cut out"),
        ({"network": "resnet18", "fit": "squeeze"}, "Squeezed to 224 × 224; normalised as ImageNet."),
        ({"network": "resnet20", "size": "64"}, "Its middle scaled to 64 × 64; normalised as CIFAR-10."),
        ({"network": "lenet5", "fit": "squeeze"}, "Its digit light on black, scaled to fit 20 × 20"),
    ],
)
def test_it_is_said_how_the_picture_is_received(query, said):
    assert any(caption.value.startswith(said) for caption in opened(**query).caption)


@pytest.mark.parametrize(
    "query", [{"fit": "squeeze"}, {"zoom": "0.5"}, {"zoom": "2"}, {"fit": "squeeze", "zoom": "0.25"}]
)
def test_fit_and_scale_reach_the_network(query):
    app, usual = opened(network="resnet20", **query), opened(network="resnet20")
    assert seen(app) != seen(usual)
    assert maps(app) != maps(usual)
    assert app.query_params.items() >= query.items()
    assert not app.exception


def maps(app: AppTest) -> bytes:
    """What the grid of maps was sent."""
    return max(
        (part.proto.bytes for part in app.get("bidi_component") if part.proto.WhichOneof("data") == "bytes"), key=len
    )


def test_a_photograph_gets_the_answer_of_the_command_and_the_size_is_said(cnnviz):
    app = opened(network="resnet18", card="What it says")
    said = json.loads(cnnviz("predict", "resnet18", photographs()["cat"], "--json").out)
    margin = f"{100 * said['margin']:.2f} percentage points"
    assert any(words.value == f"**cat is ahead by {margin}.**" for words in app.markdown)
    assert any("At 64 × 64, the size at which these weights have learned" in caption.value for caption in app.caption)
    assert any(said["weights"] in caption.value for caption in app.caption)
    assert not app.exception


@pytest.mark.parametrize("key", networks.cards())
def test_every_network_says_something(key):
    app = opened(network=key, card="What it says")
    assert not app.exception
    assert not app.error
    untrained = any("the answer means nothing" in warning.value for warning in app.warning)
    assert untrained == (networks.source_for(key).kind == "random")


def test_the_answer_is_hidden_where_it_is_to_be_guessed():
    app = opened(network="resnet20", card="What it says", expect="true")
    assert not any("is ahead by" in words.value for words in app.markdown)
    app.button(key="show says").click().run()
    assert any("is ahead by" in words.value for words in app.markdown)


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


@pytest.mark.parametrize(("colour", "column"), [("parameters", "parameters"), ("memory", "memory (bytes)")])
def test_what_the_graph_is_coloured_by_is_bars_in_the_table(colour, column):
    [shown] = given(opened(network="resnet18", colour=colour), "table")
    assert [found["name"] for found in shown["columns"] if found["kind"] == "bar"] == [column]


def test_no_bars_where_kinds_are_coloured():
    [shown] = given(opened(network="resnet18"), "table")
    assert {found["kind"] for found in shown["columns"]} == {"text", "number"}


# --- side by side ------------------------------------------------------------


def compared(app: AppTest) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in app.table[0].value.to_numpy().tolist()}


def test_a_network_stands_beside_its_partner():
    app = opened("beside")
    assert not app.exception
    assert not app.error
    assert [app.selectbox(key=key).value for key in ("network", "network2")] == ["resnet18", "plain18"]
    assert compared(app)["Parameters"] == ["11,689,512", "11,515,688", "1.5 % more"]
    assert any(words.value.startswith("resnet18 has 1.5 % more parameters") for words in app.markdown)
    app.selectbox(key="network").set_value("vgg16").run()
    assert app.selectbox(key="network2").value == "alexnet"
    assert app.number_input(key="size2").value == 227
    assert compared(app)["Weighted layers"] == ["16", "8", "2 times"]
    app.selectbox(key="network2").set_value("lenet5").run()
    assert app.selectbox(key="image").value == "cat", "the picture goes with the first network"
    assert not app.exception


def test_a_second_network_that_was_chosen_stays():
    app = opened("beside", network2="vgg19", layer2="features.2")
    app.selectbox(key="network").set_value("lenet5").run()
    assert app.selectbox(key="network2").value == "vgg19"
    assert app.session_state["layer2"] == "features.2"
    assert app.session_state["layer"] == "conv1"
    assert app.selectbox(key="image").value == "digit-3"
    app.selectbox(key="network2").set_value("lenet5-1998").run()
    assert app.selectbox(key="network").value == "lenet5"
    assert app.session_state["layer2"] != "features.2"
    assert not app.exception


def test_a_link_opens_both_places():
    app = opened(
        "beside", network="resnet34", layer="layer2.0.conv1", network2="plain34", layer2="layer1.0.conv2", channel2="3"
    )
    assert [app.session_state[key] for key in ("layer", "layer2")] == ["layer2.0.conv1", "layer1.0.conv2"]
    assert [words.value for words in app.markdown if "Channel" in words.value] == ["**Channel 3**"]
    gives = [words.value for words in app.caption if ", gives " in words.value]
    assert len(gives) == 2
    assert "gives 128 × 28 × 28" in gives[0]
    assert "gives 64 × 56 × 56" in gives[1]


def test_each_side_has_its_own_size_and_options():
    app = opened("beside", network="resnet18", network2="resnet18")
    app.number_input(key="size2").set_value(64)
    app.segmented_control(key="shortcut2").set_value("A").run()
    assert app.number_input(key="size").value == 224
    assert compared(app)["MACs"][::2] == ["1,814,073,344", "12 times"]
    assert compared(app)["Parameters"][:2] == ["11,689,512", f"{11_689_512 - 172_032 - 1_792:,}"]
    assert "layer2.0.downsample.pad" in layers(app, 1)
    assert "layer2.0.downsample.pad" not in layers(app)


@pytest.mark.parametrize("suffix", ["", "2"])
def test_a_size_that_one_side_cannot_take_changes_nothing_on_the_other(suffix):
    app = opened("beside", network="alexnet", network2="alexnet")
    before = compared(app)
    app.number_input(key=f"size{suffix}").set_value(300).run()
    assert [error.value for error in app.error] == [
        "alexnet's fc6 needs 256 x 6 x 6 maps, but a 300 x 300 input gives 256 x 8 x 8. Use 227."
    ]
    assert compared(app) == before
    assert len([words for words in app.caption if ", gives " in words.value]) == 2
    assert not app.exception


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"network2": "alexnt"}, "No network is called 'alexnt'. Did you mean 'alexnet'"),
        ({"network2": "vgg16", "layer2": "layer1.conv"}, "No layer of vgg16 is called 'layer1.conv'."),
    ],
)
def test_a_link_to_nowhere_on_the_second_side_says_so(query, sentence):
    app = opened("beside", **query)
    assert len([warning for warning in app.warning if warning.value.startswith(sentence)]) == 1
    assert app.selectbox(key="network").value == "resnet18"
    assert not app.exception


@pytest.mark.parametrize(
    "query",
    [
        {"size2": "-3"},
        {"size2": "zero"},
        {"size2": "100000000000000000000"},
        {"channel2": "-1"},
        {"channel2": "9" * 400},
        {"classes2": "0"},
        {"shortcut2": "D"},
        {"batch_norm2": "maybe"},
        {"network2": "googlenet", "heads2": "maybe"},
        {"layer2": "<b>x</b>"},
        {"network2": "os:system"},
        {"scale2": "?"},
        {"colour2": "?"},
        {"across2": "sideways"},
        {"together": "yes"},
    ],
)
def test_rubbish_on_the_second_side_leaves_the_first_as_it_is(query):
    app = opened("beside", **{"network": "resnet18", "network2": "resnet20", **query})
    assert not app.exception
    assert len(app.error) <= 1
    assert compared(app)["Parameters"][0] == "11,689,512"
    assert app.session_state["layer"] == "conv1"


def test_layers_of_the_same_path_are_picked_together():
    app = opened("beside", network="resnet34", layer="layer2.0.conv1", layer2="conv1")
    both = lambda: [app.session_state[key] for key in ("layer", "layer2")]  # noqa: E731
    assert both() == ["layer2.0.conv1", "conv1"]
    app.toggle(key="together").set_value(True).run()
    assert both() == ["layer2.0.conv1"] * 2
    pick(app, "layer3.0.conv2", "layer2")
    assert both() == ["layer3.0.conv2"] * 2
    pick(app, "layer1.0.conv1")
    assert both() == ["layer1.0.conv1"] * 2
    pick(app, "layer1.0.add")
    assert both() == ["layer1.0.add", "layer1.0.conv1"], "a plain network has no such layer"
    pick(app, "layer1.0.conv2")
    app.selectbox(key="network2").set_value("resnet18").run()
    assert both() == ["layer1.0.conv2"] * 2, "a network that is chosen takes the other's layer"
    app.toggle(key="together").set_value(False).run()
    pick(app, "conv1", "layer2")
    assert both() == ["layer1.0.conv2", "conv1"]
    assert not app.exception


def test_a_link_may_ask_for_layers_picked_together():
    app = opened("beside", network="resnet34", layer="layer2.0.conv1", together="true")
    assert app.session_state["layer2"] == "layer2.0.conv1"
    pick(app, "layer3.0.conv2", "layer2")
    assert app.session_state["layer"] == "layer3.0.conv2"


def test_both_networks_see_the_same_picture():
    app = opened("beside", network="resnet18", network2="lenet5")
    before = pictures(app)
    assert list(before) == [
        f"The picture as {key} receives it; framed is what the middle unit of conv1 sees"
        for key in ("resnet18", "lenet5")
    ]
    app.selectbox(key="image").set_value("rocket").run()
    assert not app.exception
    assert pictures(app).keys() == before.keys()
    assert not pictures(app).items() & before.items()


def pictures(app: AppTest) -> dict[str, str]:
    return {
        told["caption"]: shown["source"]
        for told, shown in zip(given(app, "selection"), given(app, "framed"), strict=True)
    }


def test_a_selection_stays_on_the_way_over_other_pages():
    app = opened(network="resnet50", layer="layer2.0.conv2", size="128")
    for page in ("kernels", "explore", "beside"):
        app.query_params.clear()  # as the menu's links do
        app.switch_page(f"screens/{page}.py").run()
        app.run()
        assert not app.exception
        assert [app.session_state[part] for part in ("network", "layer", "size")] == ["resnet50", "layer2.0.conv2", 128]
        if page != "kernels":
            place = {"network": "resnet50", "layer": "layer2.0.conv2", "size": "128"}
            assert app.query_params.items() >= place.items()
