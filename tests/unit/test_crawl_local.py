"""The executor of this process, against simulated nodes on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.conversation import GetAddr
from bitcoin_handshake.crawl.executor import VisitReport
from bitcoin_handshake.crawl.gossip import read_answer
from bitcoin_handshake.crawl.local import AHEAD, NETWORK_IDS, LocalExecutor, Manners
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.messages.address_keys import key_of
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.routes.options import RouteOptions
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
        assert (executor.room, executor.in_flight) == (3 * (4 + AHEAD), 0)  # fast, onion, I2P
        executor.submit([*keys, unused])
        assert executor.in_flight == 13
        found = await reports(executor, 13)
        assert executor.in_flight == 0
        assert await executor.close() == []
    assert found.keys() == {*keys, unused}
    refused = found[unused].record
    assert refused is not None
    assert refused["code"] == "connect.refused"
    assert found[unused].messages is None
    for key in keys:
        report = found[key]
        assert report.record is not None
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


HIDDEN = (Network.IPV4, Network.ONION, Network.I2P)


@asynccontextmanager
async def _networks() -> AsyncIterator[SimulatedNetwork]:
    network = NetworkOptions(
        node_count=18, mix=parse_behaviours("core"), port=0, networks=HIDDEN, circuit_s=0.0, with_dns=False
    )
    async with SimulatedNetwork(network) as simulated:
        yield simulated


async def _outcomes(
    simulated: SimulatedNetwork, manners: Manners
) -> tuple[dict[str, list[str | None]], Mapping[int, str]]:
    """Visit all nodes; what became of those of each network (None where it was not visited), and why."""
    executor = LocalExecutor(options(), concurrency=4, manners=manners)
    by_key = {key_of(node.netaddr): str(node.netaddr.network) for node in simulated.nodes}
    executor.submit(list(by_key))
    found = await reports(executor, len(by_key))
    assert executor.in_flight == 0
    await executor.close()
    outcomes: dict[str, list[str | None]] = {}
    for key, network in by_key.items():
        record = found[key].record
        outcomes.setdefault(network, []).append(None if record is None else record["code"] or "ok")
    return outcomes, executor.unavailable


@pytest.mark.asyncio
async def test_all_networks_are_visited() -> None:
    async with _networks() as simulated:
        routes = RouteOptions.from_text(onion=simulated.socks, i2psam=simulated.sam)
        outcomes, unavailable = await _outcomes(simulated, Manners(routes=routes))
    assert outcomes == {"ipv4": ["ok"] * 6, "onion": ["ok"] * 6, "i2p": ["ok"] * 6}
    assert unavailable == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("onion", ["0", "127.0.0.1:9"])
async def test_a_network_that_is_not_available_is_left_and_said(onion: str) -> None:
    async with _networks() as simulated:
        routes = RouteOptions.from_text(onion=onion, i2psam="0")
        outcomes, unavailable = await _outcomes(simulated, Manners(routes=routes))
    assert outcomes == {"ipv4": ["ok"] * 6, "onion": [None] * 6, "i2p": [None] * 6}
    assert sorted(unavailable) == [4, 5]
    assert unavailable[5].startswith("i2p: ")


@pytest.mark.asyncio
async def test_who_asked_not_to_be_visited_is_not() -> None:
    async with _networks() as simulated:
        routes = RouteOptions.from_text(onion=simulated.socks, i2psam=simulated.sam)
        outcomes, _ = await _outcomes(simulated, Manners(routes=routes, exclude=("127.0.0.0/8",)))
    assert outcomes == {"ipv4": ["policy.excluded"] * 6, "onion": ["ok"] * 6, "i2p": ["ok"] * 6}


@pytest.mark.asyncio
async def test_a_full_network_leaves_room_for_the_others() -> None:
    executor = LocalExecutor(options(), concurrency=1)
    onion = NETWORK_IDS[Network.ONION]
    keys = [bytes((onion, 32)) + bytes([number]) * 32 + b"\x20\x8d" for number in range(1 + AHEAD)]
    executor.submit(keys)
    assert executor.full == [onion]
    assert executor.room == 2 * (1 + AHEAD)
    await executor.close()
