"""The proxies of a simulated network: each behaviour ends in what the table says."""

from __future__ import annotations

import pytest

from bitcoin_handshake import Chain, probe
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.records import ProbeResult
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.simulate.proxies import PROXY_BEHAVIOURS, SocksFront, proxies_text

pytestmark = pytest.mark.asyncio

UNKNOWN = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"


def _options(*networks: Network, behaviour: str = "tor", nodes: str = "core") -> NetworkOptions:
    return NetworkOptions(
        node_count=len(networks),
        mix=parse_behaviours(nodes),
        port=0,
        networks=networks,
        circuit_s=0.0,
        proxy_behaviour=behaviour,
    )


async def _probe(network: SimulatedNetwork, target: NetAddr | str, timeout_s: float = 5.0) -> ProbeResult:
    return await probe(
        target,
        chain=Chain.REGTEST,
        onion=network.socks or "0",
        proxy=network.socks or None,
        i2psam=network.sam or "0",
        timeout_s=timeout_s,
        cjdnsreachable=True,
    )


async def test_nodes_of_all_networks_are_reached() -> None:
    async with SimulatedNetwork(_options(Network.IPV4, Network.ONION, Network.I2P, Network.CJDNS)) as network:
        assert {node.netaddr.network for node in network.nodes} == {
            Network.IPV4, Network.ONION, Network.I2P, Network.CJDNS,
        }  # fmt: skip
        for node in network.nodes:
            result = await _probe(network, node.netaddr)
            assert (result.outcome.value, result.code) == ("ok", None), node
        assert network.to_json()["socks"] == network.socks
        assert network.to_json()["sam"] == network.sam
        [socks, _] = network.fronts
        assert isinstance(socks, SocksFront)
        onion = next(node.netaddr for node in network.nodes if node.netaddr.network is Network.ONION)
        isolated = [user for user, hosts in socks.circuits.items() if onion.host in hosts]
        assert len(isolated) == 1
        assert isolated != [b""]


async def test_unknown_services_are_not_published() -> None:
    async with SimulatedNetwork(_options(Network.ONION)) as network:
        assert (await _probe(network, UNKNOWN)).code == "onion.descriptor_not_found"
        gone = await _probe(network, "1.2.3.4")
        assert gone.code == "socks5.host_unreachable"


async def test_nodes_that_do_not_listen_are_gone() -> None:
    options = _options(Network.ONION, Network.I2P, nodes="refuses")
    async with SimulatedNetwork(options) as network:
        codes = [(await _probe(network, node.netaddr)).code for node in network.nodes]
    assert codes == ["onion.introduction_failed", "sam.cant_reach_peer"]


@pytest.mark.parametrize("name", [name for name, each in PROXY_BEHAVIOURS.items() if each.steps])
async def test_each_behaviour_ends_in_its_code(name: str) -> None:
    async with SimulatedNetwork(_options(Network.ONION, behaviour=name)) as network:
        result = await _probe(network, network.nodes[0].netaddr, timeout_s=0.5)
    assert (result.outcome.value, result.phase) == ("failed", "proxy")
    assert result.error is not None
    assert result.error.code is PROXY_BEHAVIOURS[name].code


async def test_the_table_lists_all_of_them() -> None:
    assert all(name in proxies_text() for name in PROXY_BEHAVIOURS)
    assert max(map(len, proxies_text().splitlines())) <= 80
