"""The activation studio's knobs, without a browser: what the page is told, and what it sends."""

from pathlib import Path

import numpy as np
from components import given, grid
from streamlit.testing.v1 import AppTest

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
