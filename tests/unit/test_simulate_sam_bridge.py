"""The SAM bridge of a simulated network: each behaviour ends in what the table says."""

from __future__ import annotations

import pytest

from bitcoin_handshake import Chain, probe, probe_many
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.routes import i2p
from bitcoin_handshake.routes.router import MAX_SESSIONS
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.simulate.sam_bridge import HELLO, SAM_BEHAVIOURS, SESSION, SamFront, sam_text

pytestmark = pytest.mark.asyncio


def _options(behaviour: str, nodes: int = 1) -> NetworkOptions:
    return NetworkOptions(
        node_count=nodes,
        mix=parse_behaviours("core"),
        port=0,
        networks=(Network.I2P,),
        circuit_s=0.0,
        sam_behaviour=behaviour,
    )


@pytest.mark.parametrize("name", [name for name, each in SAM_BEHAVIOURS.items() if each.code is not None])
async def test_each_behaviour_ends_in_its_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge without a session says nothing about a node: the node is skipped."""
    behaviour = SAM_BEHAVIOURS[name]
    if behaviour.question in (HELLO, SESSION):
        _limit_sessions(monkeypatch, 0.5)
    async with SimulatedNetwork(_options(name)) as network:
        result = await probe(
            network.nodes[0].netaddr, chain=Chain.REGTEST, i2psam=network.sam, i2p_timeout_s=0.5
        )
    assert result.error is not None
    assert result.error.code is behaviour.code
    outcome = "skipped" if behaviour.question in (HELLO, SESSION) else "failed"
    assert (result.outcome.value, result.phase) == (outcome, "proxy")


def _limit_sessions(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Shorten how long a router has for a session."""
    monkeypatch.setattr(i2p.SessionKeeper.__init__, "__kwdefaults__", {"timeout_s": seconds})


async def test_a_session_that_ends_is_replaced() -> None:
    async with SimulatedNetwork(_options("drops-session", nodes=6 * MAX_SESSIONS)) as network:
        results = [
            result
            async for result in probe_many(
                [node.netaddr for node in network.nodes],
                chain=Chain.REGTEST,
                i2psam=network.sam,
                concurrency=1,
                transport="v1",
            )
        ]
        [bridge] = network.fronts
        assert isinstance(bridge, SamFront)
        assert bridge.created > MAX_SESSIONS
    assert [result.code for result in results] == [None] * (6 * MAX_SESSIONS)


async def test_the_table_lists_all_of_them() -> None:
    assert all(name in sam_text() for name in SAM_BEHAVIOURS)
    assert max(map(len, sam_text().splitlines())) <= 80
