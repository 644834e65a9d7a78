"""Handshakes with nodes of other projects, reached by a name that a real DNS server answers."""

from __future__ import annotations

from collections import Counter

import pytest

from bitcoin_handshake import probe_many
from bitcoin_handshake.chain import Chain
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.records import ProbeResult
from tests.integration.conftest import ServeNames
from tests.integration.servers import Server

TIMES = 50
NAME = "seed.real.test"


async def _handshakes(dns: Server, port: int, *, linger_s: float = 0.0) -> list[ProbeResult]:
    stream = probe_many(
        [NAME],
        chain=Chain.REGTEST,
        port=port,
        resolver=dns.address,
        allow_private=True,
        timeout_s=30.0,
        linger_s=linger_s,
        transport=TransportMode.V1,
    )
    return [result async for result in stream]


def _check(result: ProbeResult, agent: bytes) -> None:
    assert (result.outcome, result.code) == ("ok", None)
    assert (result.target, list(result.seeds)) == (NAME, [NAME])
    assert (result.transport, result.anomalies) == ("v1", [])
    assert result.resolve_ms is not None
    version = result.version
    assert version is not None
    assert version.user_agent is not None
    assert version.user_agent.startswith(agent)
    assert version.protocol_version == 70016
    assert result.features is not None
    assert result.features.sendaddrv2


@pytest.mark.asyncio
async def test_litecoind_is_ok_every_time(litecoind: Server, unbound: ServeNames) -> None:
    dns = unbound({NAME: [litecoind.host]})
    for _ in range(TIMES):
        (result,) = await _handshakes(dns, litecoind.port)
        _check(result, b"/LitecoinCore:0.21")
        assert result.features is not None
        assert result.features.wtxidrelay


@pytest.mark.asyncio
async def test_btcd_is_ok_every_time(btcd: Server, unbound: ServeNames) -> None:
    dns = unbound({NAME: [btcd.host]})
    for _ in range(TIMES):
        (result,) = await _handshakes(dns, btcd.port)
        _check(result, b"/btcwire:")


@pytest.mark.asyncio
async def test_many_at_once_are_ok_every_time(litecoind: Server) -> None:
    """Typed addresses are dialled each time; a node keeps 114 incoming connections by default."""
    stream = probe_many(
        [litecoind.address] * 200,
        chain=Chain.REGTEST,
        timeout_s=60.0,
        concurrency=50,
        transport=TransportMode.V1,
    )
    outcomes = Counter([result.outcome async for result in stream])
    assert outcomes == {"ok": 200}


@pytest.mark.asyncio
async def test_lingering_sees_what_follows_the_verdict(litecoind: Server, unbound: ServeNames) -> None:
    dns = unbound({NAME: [litecoind.host]})
    (result,) = await _handshakes(dns, litecoind.port, linger_s=3.0)
    _check(result, b"/LitecoinCore:0.21")
    features = result.features
    assert features is not None
    assert {each.version for each in features.sendcmpct} >= {1, 2}
    assert features.feefilter is not None
    assert features.sendheaders, "sent at once before Core 24"
    assert result.ping_ms is not None
    assert result.lingered


@pytest.mark.asyncio
async def test_several_nodes_behind_one_name(litecoind: Server, unbound: ServeNames) -> None:
    """127.0.0.2 refuses: one failure beside one success, and the name stands in both records."""
    dns = unbound({NAME: [litecoind.host, "127.0.0.2"]})
    results = await _handshakes(dns, litecoind.port)
    seen = {each.netaddr.host: (each.outcome.value, each.code) for each in results if each.netaddr}
    assert seen == {"127.0.0.1": ("ok", None), "127.0.0.2": ("failed", "connect.refused")}
    assert all(list(each.seeds) == [NAME] for each in results)


@pytest.mark.asyncio
async def test_a_name_that_does_not_exist(unbound: ServeNames) -> None:
    dns = unbound({"other.test": ["127.0.0.1"]})
    (result,) = await _handshakes(dns, 1)
    assert (result.outcome, result.phase, result.code) == ("failed", "resolve", "resolve.nxdomain")
