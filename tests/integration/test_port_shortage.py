"""A system with fewer local ports than dials: the run slows down, and no node fails for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from bitcoin_handshake.api import probe_many
from bitcoin_handshake.chain import Chain
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from tests.netns import NetNamespace

PORTS = 21
DIALS = 50


async def _dial_one_node(behaviour: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    options = NetworkOptions(node_count=1, mix={behaviour: 1.0}, port=0, with_dns=False)
    async with SimulatedNetwork(options) as network:
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"40000 {40000 + PORTS - 1}")
        target = network.nodes[0].netaddr.to_text()
        async for result in probe_many([target] * DIALS, chain=Chain.REGTEST):
            counts[result.code or result.outcome.value] += 1
    return counts


def _dial_from_inside(behaviour: str) -> dict[str, int]:
    return asyncio.run(_dial_one_node(behaviour))


@pytest.mark.parametrize("behaviour", ["core", "core-v1"])
def test_more_dials_than_ports(namespace: NetNamespace, behaviour: str) -> None:
    """A node that speaks v1 only is dialled twice."""
    assert namespace.call(_dial_from_inside, behaviour) == {"ok": DIALS}
