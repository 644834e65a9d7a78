"""What is probably wrong here, told from the records."""

from __future__ import annotations

from collections.abc import Iterable
from time import time

import pytest

from bitcoin_handshake.diagnosis import MIN_NODES, Diagnosis
from bitcoin_handshake.errors import (
    BitcoinHandshakeError,
    ConnectRefused,
    ConnectTimeout,
    NoRoute,
    SpeaksHttp,
    proxies,
)
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.records import Outcome, ProbeResult

IPV4 = "1.2.3.4"
IPV6 = "2001:470::1"
ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
TIMEOUT = ConnectTimeout(waited_s=1.0)
HTTP = SpeaksHttp(received=b"HTTP", expected=bytes(4))
NO_ROUTE = NoRoute(network="ipv6", why="no route to its network")


def _diagnosed(records: Iterable[tuple[str, BitcoinHandshakeError | None]]) -> Diagnosis:
    diagnosis = Diagnosis()
    for host, error in records:
        outcome = Outcome.OK if error is None else Outcome.FAILED
        netaddr = NetAddr.from_text(host, 8333)
        diagnosis.count(ProbeResult(host, "mainnet", outcome, time(), netaddr, error=error))
    return diagnosis


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([(IPV6, NO_ROUTE)], "ipv6: this machine has no route"),
        ([(IPV4, proxies.ProxySpeaksHttp())], "http://HOST:PORT"),
        ([(ONION, proxies.ProxyUnreachable(proxy="x", why="y"))], "onion: the proxy cannot be connected to"),
        ([(ONION, proxies.SocksGeneralFailure())] * MIN_NODES, "Tor reaches no onion service"),
        ([(IPV4, HTTP)] * MIN_NODES, "a captive portal"),
        ([(IPV4, TIMEOUT)] * MIN_NODES, "a firewall"),
    ],
)
def test_says_what_is_probably_wrong(
    records: list[tuple[str, BitcoinHandshakeError | None]], words: str
) -> None:
    lines = list(_diagnosed(records).lines())
    assert len(lines) == 1
    assert words in lines[0]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [(IPV4, None)],
        [(IPV4, TIMEOUT)] * (MIN_NODES - 1),
        [(IPV4, TIMEOUT)] * MIN_NODES + [(IPV4, None)],
        [(IPV4, TIMEOUT)] * MIN_NODES + [(IPV4, ConnectRefused())],
        [(IPV6, NO_ROUTE), (IPV6, None)],
    ],
)
def test_says_nothing_where_nodes_differ_or_are_few(
    records: list[tuple[str, BitcoinHandshakeError | None]],
) -> None:
    assert list(_diagnosed(records).lines()) == []


@pytest.mark.parametrize(("offset_s", "words"), [(7200, "ahead of"), (-7200, "behind"), (60, None)])
def test_a_wrong_clock_is_told_by_the_median(offset_s: int, words: str | None) -> None:
    diagnosis = Diagnosis()
    for offset in (offset_s, offset_s + 1, offset_s - 1, 0):
        record = ProbeResult("x", "mainnet", Outcome.OK, time(), NetAddr.from_text(IPV4, 1))
        record.time_offset_s = offset
        diagnosis.count(record)
    lines = list(diagnosis.lines())
    assert bool(lines) is (words is not None)
    assert all(str(words) in line for line in lines)


def test_a_proxy_that_is_none_is_told_from_one_that_is_down() -> None:
    no_proxy = _diagnosed([(IPV4, proxies.ProxySpeaksHttp()), (ONION, proxies.ProxyNotSocks5(version=1))])
    assert (no_proxy.is_no_proxy, no_proxy.is_proxy_down) == (True, False)
    down = _diagnosed([(IPV4, proxies.ProxyUnreachable(proxy="x", why="y"))])
    assert (down.is_no_proxy, down.is_proxy_down) == (False, True)
    mixed = _diagnosed([(IPV4, proxies.ProxySpeaksHttp()), (IPV4, TIMEOUT)])
    assert (mixed.is_no_proxy, mixed.is_proxy_down) == (False, False)
    assert not Diagnosis().is_no_proxy
