"""Slow networks hold up no others, and may wait in far greater numbers."""

from __future__ import annotations

from bitcoin_handshake.backlog import SLOW_NETWORKS, Backlog
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.netaddr import NetAddr, Network


def _connection(network: Network, port: int = 1) -> Connection:
    return Connection(NetAddr(network, "x", port), timeout_s=1.0)


def test_onion_services_and_i2p_are_slow() -> None:
    assert {Network.ONION, Network.I2P} == SLOW_NETWORKS


def test_gives_back_in_order() -> None:
    backlog: Backlog[Connection] = Backlog(10)
    first, second = _connection(Network.IPV4, 1), _connection(Network.IPV6, 2)
    backlog.add(first)
    backlog.add(second)
    assert len(backlog) == 2
    assert backlog.take(()) is first
    backlog.put_back(first)
    assert [backlog.take(()), backlog.take(()), backlog.take(())] == [first, second, None]


def test_what_has_no_room_holds_up_nothing_else() -> None:
    backlog: Backlog[Connection] = Backlog(10)
    onion, ipv4 = _connection(Network.ONION), _connection(Network.IPV4)
    backlog.add(onion)
    backlog.add(ipv4)
    assert backlog.take({Network.ONION}) is ipv4
    assert backlog.take({Network.ONION}) is None
    assert backlog.take({Network.IPV4, Network.IPV6, Network.CJDNS}) is onion


def test_each_kind_has_its_own_limit() -> None:
    backlog: Backlog[Connection] = Backlog(2, slow_limit=3)
    for _ in range(2):
        backlog.add(_connection(Network.ONION))
    backlog.add(_connection(Network.IPV4))
    assert not backlog.is_full
    backlog.add(_connection(Network.ONION))
    assert backlog.is_full
    backlog.take(())
    assert not backlog.is_full
    backlog.add(_connection(Network.CJDNS))
    assert backlog.is_full
