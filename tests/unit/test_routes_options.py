"""Which ways may be taken, as text says it."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.routes.options import DIRECT, RouteOptions


def test_nothing_said_is_direct() -> None:
    assert RouteOptions.from_text() == DIRECT


def test_reads_each_option() -> None:
    options = RouteOptions.from_text(
        proxy="127.0.0.1:1", onion="127.0.0.1:2", i2psam="127.0.0.1:3", cjdnsreachable=True,
        onlynet=["IPv4", "tor"],
    )  # fmt: skip
    places = [proxy.place for proxy in (options.proxy, options.onion, options.i2psam) if proxy is not None]
    assert places == ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]
    assert options.cjdnsreachable
    assert options.onlynet == frozenset({Network.IPV4, Network.ONION})


def test_0_switches_off() -> None:
    options = RouteOptions.from_text(proxy="0", onion="0", i2psam="0")
    assert options == RouteOptions(onion_off=True, i2p_off=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"onion": "http://127.0.0.1:1"}, "through SOCKS5"),
        ({"onlynet": ["ipv7"]}, "unknown network 'ipv7'"),
        ({"proxy": "gopher://127.0.0.1:1"}, "gopher:// is not supported"),
    ],
)
def test_refuses_what_cannot_be(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        RouteOptions.from_text(**options)  # type: ignore[arg-type]  # by keyword
