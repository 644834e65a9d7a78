"""What a route may be; sockets that follow one: test_engine_protocol."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.route import Route
from bitcoin_handshake.netaddr import NetAddr

PROXY = NetAddr.from_text("127.0.0.1", 9050)


def test_a_route_is_an_address_or_a_path() -> None:
    assert Route(netaddr=PROXY).path == ""
    assert Route(path="/run/tor/socks").netaddr is None
    for values in ({}, {"netaddr": PROXY, "path": "/run/tor/socks"}):
        with pytest.raises(ValueError, match="either an address or a path"):
            Route(**values)  # type: ignore[arg-type]  # by name
