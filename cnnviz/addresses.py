"""Under which addresses other devices reach this machine."""

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import psutil


def own_addresses() -> list[str]:
    """The IPv4 addresses under which others reach this machine."""
    return addresses(psutil.net_if_addrs(), psutil.net_if_stats())


def addresses(interfaces: Mapping[str, Sequence[Any]], states: Mapping[str, Any]) -> list[str]:
    """Those of all interfaces that are up.

    Args:
        interfaces, states: what psutil.net_if_addrs() and psutil.net_if_stats() give.
    """
    return [
        address.address
        for name, known in interfaces.items()
        for address in known
        if address.family == socket.AF_INET
        and not address.address.startswith("127.")
        and (name not in states or states[name].isup)
    ]


def is_loopback(host: str) -> bool:
    """Whether a host's name means whichever machine it is asked on: localhost, 127.0.0.1, ::1."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def link(url: str, place: Mapping[str, str | list[str]], address: str | None = None) -> str:
    """A page's URL with a place on it, at another address of the same machine if one is given.

    link("http://localhost:8501", {"network": "vgg16"}, "192.168.1.5") is http://192.168.1.5:8501/?network=vgg16.
    """
    parts = urlsplit(url)
    host = parts.netloc if address is None else address + (f":{parts.port}" if parts.port else "")
    return urlunsplit((parts.scheme, host, parts.path or "/", urlencode(place, doseq=True), ""))
