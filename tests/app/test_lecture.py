"""What a lecturer does with a page, without a browser."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from components import card, pick, stand, table
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from app.panels import lecture
from cnnviz.views.qr import qr_code

ROOT = Path(__file__).parents[2]
SCREENS = [path.stem for path in (ROOT / "app" / "screens").glob("*.py")]


@pytest.fixture
def shared(monkeypatch):
    """Opens a page with its popover open; `shared.links` are the links and codes that it shows."""

    def opened(page: str = "", url: str = "http://192.168.1.5:8501", **query: str) -> AppTest:
        monkeypatch.setattr(ContextProxy, "url", url)
        app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        if page:
            app.switch_page(f"screens/{page}.py")
        app.session_state["lecture popover"] = True
        opened.links.clear()
        return app.run()

    opened.links = []
    monkeypatch.setattr(lecture, "share_link", lambda link, code, *, key: opened.links.append((link, code)))
    return opened


def place(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def bound(app: AppTest) -> set[str]:
    """The keys of all widgets and knobs of a page that are in its URL, but for what a phone has no use for."""
    widgets = [element for element in app.main if hasattr(element, "proto")]
    keys = {element.proto.query_param_key for element in widgets if getattr(element.proto, "query_param_key", "")}
    return (keys | set(stand(app))) - {"projector"}


@pytest.mark.parametrize("screen", SCREENS)
def test_a_link_holds_all_that_a_page_keeps_in_its_url(shared, screen):
    app = shared("" if screen == "explore" else screen)
    [(link, _)] = shared.links
    empty = {key for key in bound(app) if app.session_state[key] is None}
    assert bound(app)
    picked = {"explore": {"layer"}, "beside": {"layer", "layer2"}, "printed": {"differing"}}.get(
        screen, set()
    )  # in components of our own
    assert set(place(link)) == bound(app) - empty | picked


@pytest.mark.parametrize(
    "query",
    [
        {"network": "resnet50", "layer": "layer2.0.conv2", "channel": "5", "scale": "channel", "across": "true"},
        {"network": "googlenet", "heads": "true", "size": "160", "colour": "MACs", "image": "rocket"},
        {"network": "lenet5"},
    ],
)
def test_a_link_opens_just_this_place_again(shared, query):
    first = shared(**query)
    [(link, _)] = shared.links
    asked = place(link)
    assert query.items() <= asked.items()
    assert {"network", "layer", "size", "image", "classes"} <= set(asked), "defaults as well"
    again = shared(**asked)
    assert shared.links == [(link, qr_code(link))]
    assert [caption.value for caption in again.caption] == [caption.value for caption in first.caption]
    assert not again.exception


@pytest.fixture
def addresses(monkeypatch):
    return lambda *known: monkeypatch.setattr(lecture, "own_addresses", lambda: list(known))


def test_phones_get_an_address_that_they_can_reach(shared, addresses):
    addresses("192.168.1.5")
    shared(url="http://localhost:8501", network="lenet5")
    [(link, code)] = shared.links
    assert link.startswith("http://192.168.1.5:8501/?network=lenet5&")
    assert code == qr_code(link)


def test_of_several_addresses_one_is_chosen(shared, addresses):
    addresses("172.17.0.1", "192.168.1.5")
    app = shared(url="http://127.0.0.1:8501/kernels", page="kernels")
    assert re.match(r"http://172\.17\.0\.1:8501/kernels\?.*kernel=5", shared.links[0][0])
    app.selectbox(key="address").set_value("192.168.1.5").run()
    assert re.match(r"http://192\.168\.1\.5:8501/kernels\?.*kernel=5", shared.links[-1][0])


def test_without_an_address_a_sentence_says_so(shared, addresses):
    addresses()
    app = shared(url="http://localhost:8501", network="lenet5")
    assert any("no address in a network" in caption.value for caption in app.caption)
    [(link, code)] = shared.links
    assert link.startswith("http://localhost:8501/?network=lenet5")
    assert code is None


def test_a_server_for_this_machine_alone_says_so(shared, addresses, monkeypatch):
    addresses("192.168.1.5")
    monkeypatch.setattr(lecture.st, "get_option", lambda name: {"server.address": "127.0.0.1"}[name])
    app = shared(url="http://localhost:8501", network="lenet5")
    assert any("on this machine only" in caption.value for caption in app.caption)
    assert shared.links[0][1] is None


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def texts(app: AppTest) -> str:
    return "\n".join([words.value for words in (*app.markdown, *app.caption)])


def test_what_is_computed_is_hidden_until_it_is_asked_for():
    app = opened(network="resnet18", expect="true")
    assert "gives" not in texts(app), "the caption of the maps tells their shape"
    app.session_state["card"] = "Its numbers"
    app.run()
    assert {metric.value for metric in app.metric} == {"?"}
    assert list(table(app)["MACs"])[1:] == ["?"] * (len(table(app)) - 1)
    assert "64·3·7·7 = ?" in card(app)
    assert "3 × 224 × 224 → ?" in card(app)
    for told in ("9,408", "118,013,952", "112", "gives"):
        assert told not in texts(app) + card(app)

    app.button(key="show totals").click().run()
    assert app.metric[0].value == "11,689,512"
    assert table(app)["MACs"][1] == "?"

    app.button(key="show table").click().run()
    assert table(app)["MACs"][1] == 118_013_952
    assert "9,408" not in card(app)

    app.button(key="show layer").click().run()
    assert "9,408" in card(app)
    pick(app, "layer1.0.conv1")
    assert "36,864" not in card(app), "another layer is another question"
    assert app.metric[0].value == "11,689,512"

    app.number_input(key="size").set_value(64).run()
    assert app.metric[0].value == "?", "another input size is, too"
    app.toggle(key="expect").set_value(False).run()
    assert app.metric[0].value == "11,689,512"
    assert "36,864" in card(app)
    app.toggle(key="expect").set_value(True).run()
    assert {metric.value for metric in app.metric} == {"?"}
    assert not app.exception


def test_a_link_hands_the_questions_on(shared):
    shared(network="lenet5", expect="true")
    assert place(shared.links[0][0])["expect"] == "true"
