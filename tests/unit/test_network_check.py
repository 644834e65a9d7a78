"""Which networks work, and what is said about the others."""

from __future__ import annotations

import pytest

from bitcoin_handshake.chain import Chain
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.network_check import Works, check_networks
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.routes.options import RouteOptions
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.survey import SurveyOptions
from tests.scripted_proxy import SamServer, SocksServer, says, served

pytestmark = pytest.mark.asyncio

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"


def _options(**routes: str) -> SurveyOptions:
    return SurveyOptions(
        probe=ProbeOptions(chain=Chain.REGTEST.params, timeout_s=2.0),
        routes=RouteOptions.from_text(**routes),  # type: ignore[arg-type]  # by keyword
        allow_private=True,
    )


async def test_networks_whose_nodes_complete_work() -> None:
    options = NetworkOptions(node_count=1, mix=parse_behaviours("core"), port=0, with_dns=False)
    async with SimulatedNetwork(options) as network:
        node = network.nodes[0].netaddr
        socks, sam = SocksServer(node.host, node.port), SamServer(node.host, node.port)
        async with served(socks.act) as tor, served(sam.act) as bridge:
            checks = await check_networks(
                _options(onion=tor, i2psam=bridge),
                targets=[node.to_text(), ONION, I2P],
                wanted=[Network.IPV4, Network.ONION, Network.I2P],
            )
    assert [(check.network, check.works) for check in checks] == [
        (Network.IPV4, Works.YES),
        (Network.ONION, Works.YES),
        (Network.I2P, Works.YES),
    ]
    assert all("completed the handshake" in check.detail for check in checks)


async def test_what_is_not_there_is_said_with_what_to_do() -> None:
    async with served(says(3, b"HTTP/1.1 400 No\r\n\r\n")) as web:
        onion, i2p = await check_networks(
            _options(onion=web, i2psam="127.0.0.1:9"),
            targets=[ONION],
            wanted=[Network.ONION, Network.I2P],
        )
    assert onion.works is Works.NO
    assert "HTTP" in onion.advice
    assert i2p.works is Works.UNAVAILABLE
    assert "--i2psam" in i2p.advice
    assert i2p.to_json()["network"] == "i2p"
    assert i2p.to_text().startswith("i2p    unavailable  ")


async def test_a_node_that_is_down_proves_nothing_works() -> None:
    [check] = await check_networks(_options(), targets=["127.0.0.1:9"], wanted=[Network.IPV4])
    assert check.works is Works.NO
    assert "connection refused" in check.detail


async def test_without_a_target_a_proxy_that_answers_is_enough() -> None:
    async with served(SamServer("127.0.0.1", 9).act) as bridge:
        [check] = await check_networks(_options(i2psam=bridge), targets=["127.0.0.1:9"], wanted=[Network.I2P])
    assert check.works is Works.YES
    assert "a session was created" in check.detail
