"""A connection before anything happened."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.netaddr import NetAddr

NETADDR = NetAddr.from_text("203.0.113.7", 8333)


def test_the_deadline_counts_from_the_start() -> None:
    connection = Connection(NETADDR, timeout_s=2.5)
    connection.started = 1000.0
    assert connection.deadline == 1002.5


def test_nothing_has_happened_yet() -> None:
    connection = Connection(NETADDR, timeout_s=2.5, is_traced=True)
    assert (connection.protocol, connection.error, connection.connected_at) == (None, None, None)
    assert (connection.bytes_sent, connection.held, connection.pending) == (0, 0, b"")
    assert (connection.route, connection.was_reset) == (None, False)
    assert (connection.is_paused, connection.is_traced) == (False, True)


def test_what_it_is_for_is_a_subclass_s() -> None:
    connection = Connection(NETADDR, timeout_s=2.5)
    with pytest.raises(NotImplementedError):
        connection.open_protocol(0.0)
    with pytest.raises(NotImplementedError):
        connection.close()
