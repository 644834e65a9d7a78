"""The executor of this process, against simulated nodes on loopback."""

from __future__ import annotations

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.conversation import GetAddr
from bitcoin_handshake.crawl.executor import VisitReport
from bitcoin_handshake.crawl.gossip import read_answer
from bitcoin_handshake.crawl.local import AHEAD, LocalExecutor
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.messages.address_keys import key_of
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork


def options(transport: TransportMode = TransportMode.V1) -> ProbeOptions:
    return ProbeOptions(
        chain=CHAINS[Chain.REGTEST],
        transport=transport,
        timeout_s=5.0,
        conversation=lambda: GetAddr(settle_s=0.0),
    )


async def reports(executor: LocalExecutor, count: int) -> dict[bytes, VisitReport]:
    found: dict[bytes, VisitReport] = {}
    while len(found) < count:
        found |= {report.key: report for report in await executor.reports(timeout_s=60.0)}
    return found


@pytest.mark.asyncio
@pytest.mark.parametrize("transport", [TransportMode.V1, TransportMode.BOTH])
async def test_visits_bring_records_and_addresses(transport: TransportMode) -> None:
    network = NetworkOptions(
        node_count=12, mix=parse_behaviours("core"), port=0, with_ipv6=False, with_dns=False
    )
    async with SimulatedNetwork(network) as simulated:
        keys = [key_of(node.netaddr) for node in simulated.nodes]
        unused = key_of(NetAddr.from_text("127.200.0.1", simulated.nodes[0].netaddr.port))
        executor = LocalExecutor(options(transport), concurrency=4)
        assert (executor.room, executor.in_flight) == (4 + AHEAD, 0)
        executor.submit([*keys, unused])
        assert executor.in_flight == 13
        found = await reports(executor, 13)
        assert executor.in_flight == 0
        assert await executor.close() == []
    assert found.keys() == {*keys, unused}
    assert found[unused].record["code"] == "connect.refused"
    assert found[unused].messages is None
    for key in keys:
        report = found[key]
        assert report.record["outcome"] == "ok"
        assert report.messages is not None
        assert {each[1:2] for each in read_answer(report.messages, set).keys} == {b"\x04"}
        assert len(set(read_answer(report.messages, set).keys)) >= 11


@pytest.mark.asyncio
async def test_nothing_is_reported_before_anything_is_submitted() -> None:
    executor = LocalExecutor(options(), concurrency=4)
    assert await executor.reports(timeout_s=0.01) == []
    assert list(executor.full) == []
    assert await executor.close() == []
