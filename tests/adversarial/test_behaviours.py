"""What comes of a handshake with every behaviour, in every mode: in memory, and over real sockets.

The table is written out here and not taken from the registry, so that neither can change alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import pytest

from bitcoin_handshake.chain import CHAINS, Chain, ChainParams, custom_chain
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.prober import ProbeOptions, probe_address
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.simulate.node import SimulatedNode
from tests.simulated import REGTEST, converse, initiator, node_facts, script_of, v2_initiator, verdict

OK = "ok"
CLOSED_ON_V1 = "failed version peer.closed"
V1_TABLE = {
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
    "bans-on-garbage": OK,
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
    "http": "failed version foreign.http",
    "tls": "failed version foreign.tls",
    "ssh": "failed version foreign.ssh",
    "too-large": "failed version v1.message_too_large",
    "lies-about-length": "failed version peer.timeout",
    "silent": "failed version peer.timeout",
    "drip": "failed version peer.timeout",
    "flood": "failed version peer.flood",
    "closes-at-once": "failed version peer.closed",
    "closes-after-version": "failed version peer.closed",
    "reject": "failed version peer.rejected",
    "refuses": "failed connect connect.refused",
    "resets": "failed version peer.reset",
    "v2-only": CLOSED_ON_V1,
    "v2-garbage-4095": OK,
    "v2-decoys": OK,
    "v2-later-decoys": OK,
    "v2-version-contents": OK,
    "v2-garbage-4096": OK,
    "v2-no-terminator": OK,
    "v2-wrong-tag": OK,
    "v2-flipped-length": OK,
    "v2-too-large": OK,
    "v2-then-v1": OK,
    "v2-drip-key": OK,
    "v2-close-after-key": OK,
    "v2-other-chain": CLOSED_ON_V1,
}
"""With `--transport v1`."""
CLOSED_ON_KEY = "failed key peer.closed"
LOOKS_LIKE_V1 = "failed key v2.looks_like_v1"
OTHER_CHAIN = "failed garbage v2.other_chain"
V2_TABLE = dict.fromkeys(V1_TABLE, CLOSED_ON_KEY) | {
    "core": OK,
    "speaks-first": LOOKS_LIKE_V1,
    "bans-on-garbage": LOOKS_LIKE_V1,
    "libbitcoin": LOOKS_LIKE_V1,
    "wrong-magic": LOOKS_LIKE_V1,
    "litecoin": LOOKS_LIKE_V1,
    "flood": LOOKS_LIKE_V1,
    "silent": "failed key peer.timeout",
    "drip": "failed key peer.timeout",
    "resets": "failed key peer.reset",
    "refuses": "failed connect connect.refused",
    "echo": "failed key handshake.self_connection",
    "garbage": OTHER_CHAIN,
    "http": "failed key foreign.http",
    "tls": "failed key foreign.tls",
    "ssh": "failed key foreign.ssh",
    "v2-only": OK,
    "v2-garbage-4095": OK,
    "v2-decoys": OK,
    "v2-later-decoys": OK,
    "v2-version-contents": OK,
    "v2-garbage-4096": "failed garbage v2.no_garbage_terminator",
    "v2-no-terminator": "failed garbage v2.no_garbage_terminator",
    "v2-wrong-tag": "failed version_packet v2.authentication_failed",
    "v2-flipped-length": "failed version_packet v2.authentication_failed",
    "v2-too-large": "failed version_packet v2.packet_too_large",
    "v2-then-v1": OTHER_CHAIN,
    "v2-drip-key": "failed key peer.timeout",
    "v2-close-after-key": "failed garbage peer.closed",
    "v2-other-chain": OTHER_CHAIN,
}
"""With `--transport v2`."""
ENDS_IN_V2 = [
    "drip",
    "echo",
    "garbage",
    "http",
    "tls",
    "ssh",
    "v2-only",
    "v2-garbage-4096",
    "v2-no-terminator",
    "v2-wrong-tag",
    "v2-flipped-length",
    "v2-too-large",
    "v2-then-v1",
    "v2-drip-key",
    "v2-close-after-key",
    "v2-other-chain",
]
"""Where `auto` does not go on to v1, and says what v2 says."""
BETTER_IN_V2 = ("v2-only", "v2-other-chain")
"""Where `both` says what v2 says; else it says what v1 says."""
TABLES = {
    TransportMode.AUTO: V1_TABLE | {name: V2_TABLE[name] for name in ENDS_IN_V2},
    TransportMode.V1: V1_TABLE,
    TransportMode.V2: V2_TABLE,
    TransportMode.BOTH: V1_TABLE | {name: V2_TABLE[name] for name in BETTER_IN_V2},
}
STALLS = ("peer.timeout", "peer.flood", "bad_version_message", "v2.other_chain")
STALL_TIMEOUT_S = 1.5
"""For peers that take all the time they get; they are probed at the same time."""
PATIENCE_S = 30.0
"""For all others, however busy the machine is."""


def _words(outcome: str, phase: str | None, code: str | None) -> str:
    return " ".join(word for word in (outcome, phase, code) if word)


def test_every_behaviour_has_its_row() -> None:
    assert list(V1_TABLE) == list(BEHAVIOURS)
    assert all(table.keys() == BEHAVIOURS.keys() for table in TABLES.values())
    assert list(TABLES) == list(TransportMode)


@pytest.mark.parametrize("mode", TransportMode)
@pytest.mark.parametrize("name", V1_TABLE)
def test_registry_expects_what_the_table_says(name: str, mode: TransportMode) -> None:
    expected = BEHAVIOURS[name].expected_in(mode)
    assert _words(expected.outcome, expected.phase, expected.code) == TABLES[mode][name]


CHAINS_TRIED = (REGTEST, CHAINS[Chain.MAINNET], custom_chain(b"abcd"))


@pytest.mark.parametrize("params", CHAINS_TRIED, ids=lambda params: params.chain)
@pytest.mark.parametrize("name", [name for name in V1_TABLE if name != "refuses"])
def test_session_judges_the_behaviour_right(name: str, params: ChainParams) -> None:
    for session, table in ((initiator(params), V1_TABLE), (v2_initiator(params), V2_TABLE)):
        converse(session, script_of(name, node_facts(params)))
        seen = verdict(session)
        assert _words(seen.outcome, seen.phase, seen.code) == table[name]


class _Largest(Random):
    """Draws the largest number that it may."""

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        return (start if stop is None else stop) - step


@pytest.mark.parametrize("name", ["core", "v2-only", "v2-other-chain"])
def test_the_most_garbage_that_a_behaviour_draws_changes_no_verdict(name: str) -> None:
    session = v2_initiator()
    converse(session, script_of(name, replace(node_facts(), random=_Largest(0))))
    seen = verdict(session)
    assert _words(seen.outcome, seen.phase, seen.code) == V2_TABLE[name]


@pytest.mark.parametrize("mode", TransportMode)
def test_probe_judges_every_behaviour_right_over_sockets(mode: TransportMode) -> None:
    """All behaviours at the same time, so that the slow ones cost their timeout once."""
    names = list(V1_TABLE)

    async def run() -> dict[str, str]:
        options = NetworkOptions(
            node_count=len(names), mix=dict.fromkeys(names, 1.0), port=0, delay_s=0.1, drip_s=0.5
        )
        async with SimulatedNetwork(options) as network:
            probes = [_probe(node, mode) for node in network.nodes]
            verdicts = await asyncio.gather(*probes)
        return {node.behaviour.name: words for node, words in zip(network.nodes, verdicts, strict=True)}

    assert asyncio.run(run()) == TABLES[mode]


async def _probe(node: SimulatedNode, mode: TransportMode) -> str:
    stalls = any(table[node.behaviour.name].endswith(STALLS) for table in TABLES.values())
    options = ProbeOptions(chain=REGTEST, transport=mode, timeout_s=STALL_TIMEOUT_S if stalls else PATIENCE_S)
    result = await probe_address(node.netaddr, options=options)
    return _words(result.outcome, result.phase, result.code)
