"""What comes of a default handshake with every behaviour: in memory, and over real sockets.

The table is written out here and not taken from the registry, so that neither can change alone.
"""

from __future__ import annotations

import asyncio

import pytest

from bitcoin_handshake.chain import CHAINS, Chain, ChainParams, custom_chain
from bitcoin_handshake.prober import ProbeOptions, probe_address
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.simulate.node import SimulatedNode
from tests.simulated import REGTEST, converse, initiator, node_facts, script_of, verdict

OK = "ok"
TABLE = {
    "core": OK,
    "core-v1": OK,
    "core-32": OK,
    "core-23": OK,
    "core-0.20": OK,
    "core-0.12": OK,
    "core-0.8": OK,
    "core-txrcncl": OK,
    "pruned": OK,
    "knots": OK,
    "btcd": OK,
    "speaks-first": OK,
    "libbitcoin": OK,
    "oldest": OK,
    "ancient-addr-recv": OK,
    "ancient-nonce": OK,
    "ancient-user-agent": OK,
    "ancient-height": OK,
    "segments": OK,
    "half-messages": OK,
    "one-segment": OK,
    "unknown-messages": OK,
    "chatty": OK,
    "large-message": OK,
    "slow": OK,
    "hostile-user-agent": OK,
    "huge-timestamp": OK,
    "negative-timestamp": OK,
    "negative-height": OK,
    "huge-height": OK,
    "future-version": OK,
    "unknown-services": OK,
    "odd-relay": OK,
    "trailing-bytes": OK,
    "duplicate-version": OK,
    "verack-twice": OK,
    "late-features": OK,
    "closes-after-verack": OK,
    "resets-after-verack": OK,
    "wrong-pong": OK,
    "bad-then-good-version": OK,
    "bad-checksum": OK,
    "bad-msg-type": OK,
    "no-verack": "partial verack peer.timeout",
    "no-verack-then-close": "partial verack peer.closed",
    "no-verack-then-reset": "partial verack peer.reset",
    "flood-after-version": "partial verack peer.flood",
    "flood-of-largest": "partial verack peer.flood",
    "version-only": "failed verack peer.timeout",
    "version-then-close": "failed verack peer.closed",
    "reset-after-version": "failed verack peer.reset",
    "verack-first": "failed verack peer.timeout",
    "verack-only": "failed version peer.timeout",
    "bad-checksum-verack": "failed verack peer.timeout",
    "lies-after-version": "failed verack peer.timeout",
    "garbage-after-version": "failed verack v1.bad_magic",
    "too-large-after-version": "failed verack v1.message_too_large",
    "too-old": "failed version handshake.version_too_old",
    "negative-version": "failed version handshake.version_too_old",
    "bad-version": "failed version handshake.bad_version_message",
    "bad-version-then-close": "failed version handshake.bad_version_message",
    "user-agent-too-long": "failed version handshake.bad_version_message",
    "bad-checksum-version": "failed version peer.timeout",
    "echo": "failed version handshake.self_connection",
    "wrong-magic": "failed version v1.other_chain",
    "litecoin": "failed version v1.other_chain",
    "other-chain": "failed version peer.closed",
    "garbage": "failed version v1.bad_magic",
    "http": "failed version v1.http",
    "tls": "failed version v1.tls",
    "ssh": "failed version v1.ssh",
    "too-large": "failed version v1.message_too_large",
    "lies-about-length": "failed version peer.timeout",
    "silent": "failed version peer.timeout",
    "drip": "failed version peer.timeout",
    "flood": "failed version peer.flood",
    "closes-at-once": "failed version peer.closed",
    "closes-after-version": "failed version peer.closed",
    "reject": "failed version peer.closed",
    "refuses": "failed connect connect.refused",
    "resets": "failed version peer.reset",
}
STALL_TIMEOUT_S = 1.5
"""For peers that take all the time they get; they are probed at the same time."""
PATIENCE_S = 30.0
"""For all others, however busy the machine is."""


def _words(outcome: str, phase: str | None, code: str | None) -> str:
    return " ".join(word for word in (outcome, phase, code) if word)


def test_every_behaviour_has_its_row() -> None:
    assert list(TABLE) == list(BEHAVIOURS)


@pytest.mark.parametrize("name", TABLE)
def test_registry_expects_what_the_table_says(name: str) -> None:
    expected = BEHAVIOURS[name].expected
    assert _words(expected.outcome, expected.phase, expected.code) == TABLE[name]


CHAINS_TRIED = (REGTEST, CHAINS[Chain.MAINNET], custom_chain(b"abcd"))


@pytest.mark.parametrize("params", CHAINS_TRIED, ids=lambda params: params.chain)
@pytest.mark.parametrize("name", [name for name in TABLE if name != "refuses"])
def test_session_judges_the_behaviour_right(name: str, params: ChainParams) -> None:
    session = initiator(params)
    converse(session, script_of(name, node_facts(params)))
    seen = verdict(session)
    assert _words(seen.outcome, seen.phase, seen.code) == TABLE[name]


def test_probe_judges_every_behaviour_right_over_sockets() -> None:
    """All behaviours at the same time, so that the slow ones cost their timeout once."""
    names = list(TABLE)

    async def run() -> dict[str, str]:
        options = NetworkOptions(
            node_count=len(names), mix=dict.fromkeys(names, 1.0), port=0, delay_s=0.1, drip_s=0.05
        )
        async with SimulatedNetwork(options) as network:
            probes = [_probe(node) for node in network.nodes]
            verdicts = await asyncio.gather(*probes)
        return {node.behaviour.name: words for node, words in zip(network.nodes, verdicts, strict=True)}

    assert asyncio.run(run()) == TABLE


async def _probe(node: SimulatedNode) -> str:
    stalls = TABLE[node.behaviour.name].endswith(("peer.timeout", "peer.flood", "bad_version_message"))
    options = ProbeOptions(chain=REGTEST, timeout_s=STALL_TIMEOUT_S if stalls else PATIENCE_S)
    result = await probe_address(node.netaddr, options=options)
    return _words(result.outcome, result.phase, result.code)
