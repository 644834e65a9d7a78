"""The simulated network: who is in it, what it prints, how it starts and fails to."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import socket

import pytest

from bitcoin_handshake.chain import CHAINS, Chain, custom_chain
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.prober import ProbeOptions, probe_address
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.resolver import resolve
from bitcoin_handshake.simulate import network as network_module
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import (
    NetworkOptions,
    SimulatedNetwork,
    has_ipv6_loopback,
    plan_nodes,
)
from tests.simulated import REGTEST

CORE_ONLY = {"core": 1.0}
needs_ipv6 = pytest.mark.skipif(
    not has_ipv6_loopback() and not os.environ.get("CI"), reason="no ::1 on this machine"
)


def _hosts(options: NetworkOptions, *, has_ipv6: bool = True) -> list[str]:
    return [node.netaddr.host for node in plan_nodes(options, port=1, has_ipv6=has_ipv6)]


def test_addresses_follow_the_first_and_the_last_is_ipv6() -> None:
    options = NetworkOptions(node_count=4)
    assert _hosts(options) == ["127.1.0.1", "127.1.0.2", "127.1.0.3", "::1"]
    assert _hosts(options, has_ipv6=False)[-1] == "127.1.0.4"
    assert _hosts(NetworkOptions(node_count=4, with_ipv6=False))[-1] == "127.1.0.4"
    assert _hosts(NetworkOptions(node_count=1)) == ["127.1.0.1"]
    assert _hosts(NetworkOptions(node_count=257, with_ipv6=False))[-1] == "127.1.1.1"
    assert _hosts(NetworkOptions(node_count=2, base_address="127.9.8.7", with_ipv6=False))[0] == "127.9.8.7"


def test_given_addresses_are_used_as_they_are() -> None:
    options = NetworkOptions(node_count=2, addresses=["1.2.3.4", "2001:db8::5", "5.6.7.8"])
    assert _hosts(options) == ["1.2.3.4", "2001:db8::5"]


def test_same_seed_same_network() -> None:
    def plan(seed: int) -> list[object]:
        options = NetworkOptions(node_count=50, mix=parse_behaviours("all"), seed=seed)
        return list(plan_nodes(options, port=1, has_ipv6=True))

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


def test_nodes_say_where_and_how_they_are_and_what_is_expected() -> None:
    options = NetworkOptions(node_count=1, mix={"silent": 1.0})
    (node,) = plan_nodes(options, port=18444, has_ipv6=False)
    assert node.to_json() == {
        "address": "127.1.0.1:18444",
        "behaviour": "silent",
        "expected": "failed",
        "expected_phase": "version",
        "expected_code": "peer.timeout",
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"node_count": 0}, "at least 1 node"),
        ({"node_count": 3, "addresses": ["127.0.0.2", "127.0.0.3"]}, "3 nodes, but only 2 addresses"),
        ({"node_count": 11, "base_address": "127.255.255.245"}, "11 nodes, but only 10 addresses"),
        ({"base_address": "10.0.0.1"}, "127.0.0.0/8"),
        ({"base_address": "::1"}, "127.0.0.0/8"),
        ({"base_address": "here"}, "127.0.0.0/8"),
        ({"addresses": ["127.0.0.2", "127.0.0.2"]}, "twice"),
        ({"port": 65536}, "port 65536"),
        ({"dns_port": -1}, "DNS port -1"),
        ({"delay_s": -1.0}, "delay"),
        ({"drip_s": float("nan")}, "drip"),
    ],
)
def test_refuses_options_that_make_no_network(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        NetworkOptions(**options)  # type: ignore[arg-type]  # wrong on purpose


def test_listens_on_the_default_port_of_the_chain() -> None:
    assert NetworkOptions().listen_port == 18444
    assert NetworkOptions(params=CHAINS[Chain.SIGNET]).listen_port == 38333
    assert NetworkOptions(port=5).listen_port == 5


def test_starts_answers_and_ends() -> None:
    async def main() -> None:
        options = NetworkOptions(node_count=6, mix=CORE_ONLY, port=0)
        async with SimulatedNetwork(options) as network:
            assert len({node.netaddr.port for node in network.nodes}) == 1
            answer = await resolve(network.seed_name, resolver=network.dns)
            assert {each.host for each in answer.addresses} == {node.netaddr.host for node in network.nodes}
            for node in network.nodes:
                result = await probe_address(node.netaddr, options=ProbeOptions(chain=REGTEST))
                assert result.outcome is Outcome.OK
            described = json.loads(json.dumps(network.to_json()))
            assert list(described) == ["seed_name", "dns", "nodes"]
            assert len(described["nodes"]) == 6
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(network.nodes[0].netaddr.host, network.nodes[0].netaddr.port)

    asyncio.run(main())


@needs_ipv6
def test_one_node_is_on_ipv6() -> None:
    async def main() -> None:
        async with SimulatedNetwork(NetworkOptions(node_count=3, mix=CORE_ONLY, port=0)) as network:
            (node,) = (each for each in network.nodes if each.netaddr.network is Network.IPV6)
            result = await probe_address(node.netaddr, options=ProbeOptions(chain=REGTEST))
            assert result.outcome is Outcome.OK

    asyncio.run(main())


def test_names_the_command_to_try() -> None:
    async def command(options: NetworkOptions) -> list[str]:
        async with SimulatedNetwork(options) as network:
            words = shlex.split(network.command())
            assert words[words.index("--resolver") + 1] == network.dns
            assert words[-1] == network.seed_name
            assert int(words[words.index("-p") + 1]) == network.nodes[0].netaddr.port
            return words

    regtest = asyncio.run(command(NetworkOptions(node_count=1, mix=CORE_ONLY, port=0)))
    assert regtest[:4] == ["bitcoin-handshake", "-n", "regtest", "--allow-private"]
    custom = custom_chain(b"abcd")
    words = asyncio.run(command(NetworkOptions(params=custom, node_count=1, mix=CORE_ONLY, port=0)))
    assert words[1:3] == ["--magic", "61626364"]


def test_a_network_without_a_seed_has_none() -> None:
    async def main() -> None:
        options = NetworkOptions(node_count=1, mix=CORE_ONLY, port=0, with_dns=False)
        async with SimulatedNetwork(options) as network:
            assert network.dns == ""

    asyncio.run(main())


async def _start(options: NetworkOptions) -> None:
    network = SimulatedNetwork(options)
    try:
        await network.start()
    finally:
        await network.close()


def test_a_port_in_use_is_named_and_nothing_keeps_listening() -> None:
    with socket.socket() as taken:
        taken.bind(("127.1.0.2", 0))
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=rf"127\.1\.0\.2:{port}: the port is in use"):
            asyncio.run(_start(NetworkOptions(node_count=3, mix=CORE_ONLY, port=port)))
        with socket.socket() as again:
            again.bind(("127.1.0.1", port))


def test_a_taken_dns_port_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        options = NetworkOptions(node_count=1, mix=CORE_ONLY, port=0, dns_port=taken.getsockname()[1])
        with pytest.raises(EnvironmentFailure, match="DNS seed cannot listen"):
            asyncio.run(_start(options))


@pytest.mark.parametrize("limit", [16, 100, 114])
def test_too_few_descriptors_are_noticed_before_anything_listens(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_module, "raise_descriptor_limit", lambda: limit)
    words = rf"the limit of open files is {limit}, and 50 nodes need 115 at least: raise it \(ulimit -n\)"
    with pytest.raises(EnvironmentFailure, match=words):
        asyncio.run(_start(NetworkOptions(node_count=50, mix=CORE_ONLY, port=0)))


def test_the_connection_limit_fits_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_module, "raise_descriptor_limit", lambda: 200)

    async def main() -> None:
        options = NetworkOptions(node_count=10, mix=CORE_ONLY, port=0, max_connections=5000)
        async with SimulatedNetwork(options) as network:
            assert network.fleet.max_connections == 200 - 64 - 10

    asyncio.run(main())


def test_thousands_of_nodes_start_in_one_process() -> None:
    async def main() -> None:
        options = NetworkOptions(node_count=3000, mix=CORE_ONLY, port=0, with_ipv6=False)
        async with SimulatedNetwork(options) as network:
            last = network.nodes[-1].netaddr
            assert last.host == "127.1.11.184"
            assert (await probe_address(last, options=ProbeOptions(chain=REGTEST))).outcome is Outcome.OK

    asyncio.run(main())
