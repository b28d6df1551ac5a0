"""The activation studio's knobs, without a browser: what the page is told, and what it sends."""

import time
from pathlib import Path

import numpy as np
import pytest
from components import given, grid, packed
from streamlit.testing.v1 import AppTest

from cnnviz.catalogue import Options, describe

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
CONCAT = {"network": "googlenet", "layer": "inception3a.concat"}


def opened(card: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    if card:
        app.session_state["card"] = card  # the tab of the layer's card
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def colours(app) -> np.ndarray:
    head = grid(app)
    values = np.frombuffer(head["bytes"], dtype=np.uint8)[768:]
    return values.reshape(head["channels"], head["height"], head["width"])


def captions(app) -> str:
    return "\n".join(caption.value for caption in app.caption)


# --- the grid ----------------------------------------------------------------


def test_the_grid_stands_in_the_order_that_is_chosen():
    app = opened(network="resnet20", layer="layer1.0.conv2")
    assert grid(app)["order"] == []
    values = colours(app)
    app.segmented_control(key="order").set_value("activity").run()
    order = grid(app)["order"]
    assert sorted(order) == list(range(16))
    assert order != list(range(16))
    assert grid(opened(network="resnet20", layer="layer1.0.conv2", order="activity"))["order"] == order
    assert np.array_equal(colours(app), values), "each channel is sent under its own number"
    activity = np.abs(values.astype(float) - 127.5).mean(axis=(1, 2))  # in the colours of the layer's scale
    assert activity[order[0]] == max(activity)
    assert opened(network="resnet20", layer="layer1.0.conv2", order="sideways").segmented_control(key="order").value


def test_a_colour_scale_reaches_over_a_channel_a_layer_or_the_network():
    ends = {}
    for scale in ("layer", "channel", "network"):
        for layer in ("conv1", "layer3.0.conv2"):
            app = opened(network="resnet20", layer=layer, scale=scale)
            assert not app.exception
            assert app.segmented_control(key="scale").value == scale
            ends[scale, layer] = grid(app)["high"]
    assert len(ends["layer", "conv1"]) == len(ends["network", "conv1"]) == 1
    assert len(ends["channel", "conv1"]) == 16
    assert max(ends["channel", "conv1"]) == ends["layer", "conv1"][0]
    assert ends["network", "conv1"] == ends["network", "layer3.0.conv2"]
    assert ends["network", "conv1"] > max(ends["layer", "conv1"], ends["layer", "layer3.0.conv2"])


def test_dead_channels_are_marked_and_counted():
    app = opened(**CONCAT)
    dead = grid(app)["dead"]
    values = colours(app)
    assert dead
    assert all(len(np.unique(values[channel])) == 1 for channel in dead)
    assert f"{len(dead)} of 256 channels are dead" in captions(app)
    assert "dead" not in captions(opened(network="resnet20"))


def test_the_arms_of_a_concatenation_are_named():
    assert [(arm["name"], arm["first"]) for arm in grid(opened(**CONCAT))["arms"]] == [
        ("relu1x1", 0),
        ("relu3x3", 64),
        ("relu5x5", 192),
        ("relu_pool_proj", 224),
    ]
    assert grid(opened(network="resnet20"))["arms"] == []


def test_the_maps_are_not_sent_again_for_another_channel():
    one, other = (opened(network="resnet20", channel=channel) for channel in ("3", "4"))
    assert grid(one) == grid(other)
    assert [given(app, "selection")[0]["channel"] for app in (one, other)] == [3, 4]


# --- one channel, one number ---------------------------------------------------

PLACE = {"network": "resnet20", "layer": "layer1.0.conv2", "channel": "3", "at": "10,12"}


def large(app) -> dict:
    return packed(app, "over", "large")


def test_one_channel_lies_over_the_picture():
    app = opened(**{**PLACE, "at": ""})
    head = large(app)
    assert (head["height"], head["width"], head["extent"], head["size"]) == (32, 32, [0, 0, 32, 32], [32, 32])
    assert (head["low"], head["high"]) == pytest.approx((-grid(app)["high"][0], grid(app)["high"][0]), rel=1e-5)
    assert len(head["bytes"]) == 768 + 4 * 32 * 32
    assert "Click a place in it" in captions(app)
    assert not given(app, "worked")
    assert not app.exception


def test_a_place_has_its_number_with_its_steps_and_what_it_sees():
    app = opened(**PLACE)
    [html] = [part["html"] for part in given(app, "worked")]
    assert "16 channels of layer1.0.relu" in html
    assert "the network computed" in html or "the very number" in html
    assert any("at channel 3, row 10, column 12 of layer1.0.conv2" in words.value for words in app.markdown)
    assert given(app, "selection")[0]["place"] == [10, 12]
    assert given(app, "selection")[0]["window"] == [7, 9, 14, 16]
    assert "It sees 7 × 7 pixels: the frame." in captions(app)
    assert "7 × 4 of them within the picture" in captions(opened(**{**PLACE, "at": "10,0"}))
    assert large(app) == large(opened(**{**PLACE, "at": ""})), "the channel isn't sent again"
    assert len(html) < 20_000


def test_the_effective_field_is_shown_when_it_is_asked_for():
    app = opened(**PLACE)
    app.toggle(key="effective").set_value(True).run()
    head = large(app)
    assert head["heat"] == [32, 32]
    heat = np.frombuffer(head["bytes"], dtype=np.uint8)[768 + 4 * 32 * 32 :].reshape(32, 32)
    rows, columns = np.nonzero(heat)
    assert heat.max() == 255
    assert 7 <= rows.min() <= rows.max() < 14
    assert 9 <= columns.min() <= columns.max() < 16
    assert "of the strongest pixel lies within" in captions(app)
    assert not app.exception


@pytest.mark.parametrize("layer", ["conv1", "layer1.0.add", "layer2.0.downsample.slice", "avgpool", "layer3.2.bn2"])
def test_a_number_of_any_kind_of_layer(layer):
    app = opened(network="resnet20", layer=layer, channel="1", at="0,0")
    assert not app.exception
    assert not app.error
    assert len(given(app, "worked")) == 1


def test_a_unit_of_a_vector_is_taken_apart():
    app = opened(network="resnet18", layer="fc")
    assert not given(app, "worked")
    app.number_input(key="unit").set_value(3).run()
    [html] = [part["html"] for part in given(app, "worked")]
    assert "512 units of" in html
    assert "504 more units" in html
    assert not opened(network="resnet18", layer="fc", channel="900").exception, "the weights have ten classes"


@pytest.mark.parametrize("at", ["", "1", "1,2,3", "-1,2", "99,0", "0,99", "9999999,1", "a,b", "1.5,2", "²,1"])
def test_a_place_that_is_none_is_left_out(at):
    app = opened(**{**PLACE, "at": at})
    assert not app.exception
    assert not app.error
    assert given(app, "selection")[0]["place"] is None


def test_what_is_to_be_guessed_stays_hidden_beside_a_number():
    app = opened(**PLACE, expect="true")
    assert not given(app, "worked")
    assert given(app, "selection")[0]["window"] is None
    assert "It sees" not in captions(app)
    app.button(key="show layer").click().run()
    assert len(given(app, "worked")) == 1
    assert given(app, "selection")[0]["window"] == [7, 9, 14, 16]


# --- kernels -------------------------------------------------------------------


def test_the_first_kernels_are_in_colour():
    app = opened("Its kernels", network="alexnet", layer="conv1", channel="4")
    head = grid(app, "kernels")
    assert (head["channels"], head["height"], head["width"], head["planes"]) == (96, 11, 11, 3)
    assert len(head["bytes"]) == 768 + 96 * 3 * 11 * 11
    assert any("learned nothing" in warning.value for warning in app.warning)
    assert given(app, "selection")[0]["channel"] == 4


def test_other_kernels_are_those_of_one_output_channel():
    app = opened("Its kernels", network="resnet20", layer="layer1.0.conv2")
    first = grid(app, "kernels")
    assert (first["channels"], first["height"], first["planes"]) == (16, 3, 1)
    assert first["low"] == [-high for high in first["high"]]
    app.number_input(key="output channel").set_value(5).run()
    assert given(app, "selection")[0]["channel"] == 5
    assert grid(app, "kernels")["bytes"] != first["bytes"]
    assert grid(app, "kernels")["name"] == "output channel 5 of layer1.0.conv2"
    assert not app.exception


@pytest.mark.parametrize(("layer", "before"), [("layer1.0.add", "layer1.0.conv2"), ("fc", "layer3.2.conv2")])
def test_what_has_no_kernels_says_where_there_are_some(layer, before):
    app = opened("Its kernels", network="resnet20", layer=layer)
    assert [info.value for info in app.info] == [f"{layer} has no kernels; the convolution before it is {before}."]
    nothing = opened("Its kernels", network="resnet20", layer="input")
    assert [info.value for info in nothing.info] == ["input has no kernels."]


# --- where a score comes from ----------------------------------------------------

SAYS = {"network": "resnet20", "layer": "layer3.2.conv2"}


def test_a_class_that_is_chosen_has_its_grad_cam_over_the_picture():
    app = opened("What it says", **SAYS)
    assert "Click a class" in captions(app)
    app = opened("What it says", **SAYS, target="3")
    assert given(app, "scores")[0]["chosen"] == 3
    head = packed(app, "over", "where")
    assert (head["height"], head["width"], head["faint"], head["chosen"]) == (8, 8, True, False)
    assert "What in the maps of layer3.2.conv2 speaks for 'cat'" in captions(app)
    assert not app.exception


def test_where_there_are_no_maps_grad_cam_is_a_sentence_and_the_scores_stay():
    app = opened("What it says", network="resnet20", layer="fc", target="3")
    assert ["Grad-CAM needs a layer with maps" in error.value for error in app.error] == [True]
    assert given(app, "scores")


@pytest.mark.parametrize("target", ["-1", "10", "x", "99999999"])
def test_a_class_that_is_none_is_left_out(target):
    app = opened("What it says", **SAYS, target=target)
    assert given(app, "scores")[0]["chosen"] is None
    assert not app.exception


def test_occlusion_begins_when_it_is_asked_for_and_is_kept():
    app = opened("What it says", **SAYS, target="5", by="occlusion")
    [start] = [button for button in app.button if button.label.startswith("Cover")]
    start.click().run()
    end = time.monotonic() + 60
    while not app.session_state["occluding"][1].over:
        assert time.monotonic() < end
        time.sleep(0.05)
    app.run()
    head = packed(app, "over", "where")
    assert head["low"] == -head["high"]
    assert head["extent"] == [0, 0, 33, 33]
    assert "a grey square of 6 × 6 pixels" in captions(app)
    again = opened("What it says", **SAYS, target="5", by="occlusion")
    assert packed(again, "over", "where") == head
    assert not app.exception


def test_what_it_says_stays_hidden_with_where_it_comes_from():
    app = opened("What it says", **SAYS, target="3", expect="true")
    assert not given(app, "scores")
    assert not [part for part in app.get("bidi_component") if part.proto.component_name == "cnnviz.over"]
    app.button(key="show says").click().run()
    assert packed(app, "over", "where")


# --- the whole network -----------------------------------------------------------


def test_the_whole_network_is_one_chart():
    app = opened("The whole network", network="alexnet", layer="conv2")
    assert any("what random filters make" in warning.value for warning in app.warning)
    [chart] = given(app, "depth")
    paths = [layer["path"] for layer in chart["layers"]]
    known = [layer.path for layer in describe(Options("alexnet")).layers]
    assert paths == [path for path in known if path in paths]
    assert paths[0] == "input"
    conv2 = chart["layers"][paths.index("conv2")]
    assert conv2["what"] == "conv, 256 × 27 × 27"
    assert conv2["low"] < conv2["mean"] < conv2["high"]
    assert conv2["channels"] == 256
    other = opened("The whole network", network="alexnet", layer="conv3")
    assert given(other, "depth") == [chart], "another layer sends nothing new: the mark follows the selection"
    assert not app.exception


def test_the_whole_network_stays_hidden_until_it_is_asked_for():
    app = opened("The whole network", network="resnet20", expect="true")
    assert not given(app, "depth")
    app.button(key="show whole").click().run()
    assert given(app, "depth")


# --- taken along -----------------------------------------------------------------


def test_what_the_grid_shows_can_be_taken_along():
    app = opened(network="resnet20", layer="layer1.0.conv2", scale="network", order="activity", weights="random")
    assert not any("within" in code.value for code in app.code), "it is made when it is asked for"
    app.session_state["save"] = True
    app.run()
    code = app.code[-1].value
    assert "weights='random'" in code
    assert "within=most, order=ordered" in code
    assert not app.exception


# --- two weights of one network ----------------------------------------------------


def test_one_network_stands_beside_itself_with_other_weights():
    app = AppTest.from_file(MAIN, default_timeout=120)
    query = {"network": "resnet20", "network2": "resnet20", "weights": "bundled", "weights2": "random", "channel": "3"}
    for name, value in (query | {"channel2": "3", "at": "4,5", "at2": "4,5"}).items():
        app.query_params[name] = value
    app.switch_page("screens/beside.py")
    app.run()
    assert not app.exception
    assert not app.error
    assert [app.segmented_control(key=key).value for key in ("weights", "weights2")] == ["bundled", "random"]
    assert len([warning for warning in app.warning if "random weights" in warning.value]) == 1
    assert "trained by this project" in captions(app)
    assert grid(app, "maps")["bytes"] != grid(app, "maps2")["bytes"]
    first, second = given(app, "worked")
    assert first["html"] != second["html"]
    assert [part["place"] for part in given(app, "selection")] == [[4, 5], [4, 5]]
