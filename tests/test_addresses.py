"""Where others reach this machine, and links that lead there."""

import socket
from types import SimpleNamespace

import pytest

from cnnviz.addresses import addresses, is_loopback, link


def test_the_addresses_that_phones_reach():
    def known(family, address):
        return SimpleNamespace(family=family, address=address)

    interfaces = {
        "lo": [known(socket.AF_INET, "127.0.0.1")],
        "eth0": [known(socket.AF_INET, "192.168.1.5"), known(socket.AF_INET6, "fe80::1")],
        "wlan0": [known(socket.AF_INET, "10.0.0.7")],
        "down0": [known(socket.AF_INET, "172.17.0.1")],
    }
    states = {name: SimpleNamespace(isup=name != "down0") for name in ("lo", "eth0", "down0")}
    assert addresses(interfaces, states) == ["192.168.1.5", "10.0.0.7"]


@pytest.mark.parametrize(
    ("host", "only"),
    [
        ("localhost", True),
        ("cnnviz.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("0.0.0.0", False),
        ("::1", True),
        ("192.168.1.5", False),
        ("fe80::1", False),
        ("lecture.example.org", False),
        ("", False),
    ],
)
def test_a_host_that_is_another_machine_on_each_machine(host, only):
    assert is_loopback(host) is only


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        ("http://localhost:8501", "192.168.1.5", "http://192.168.1.5:8501/?layer=layer1.0.add&in=1"),
        ("http://[::1]:8501/kernels", "192.168.1.5", "http://192.168.1.5:8501/kernels?layer=layer1.0.add&in=1"),
        ("https://cnn.example.org/viz", None, "https://cnn.example.org/viz?layer=layer1.0.add&in=1"),
        ("http://localhost", "10.0.0.7", "http://10.0.0.7/?layer=layer1.0.add&in=1"),
    ],
)
def test_a_link_keeps_port_path_and_place(url, address, expected):
    assert link(url, {"layer": "layer1.0.add", "in": "1"}, address) == expected
