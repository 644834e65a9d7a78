"""Which of two connections is the node's, and what is fresh for each; the visits themselves: test_prober."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import LooksLikeV1, PeerClosed, PeerError, PeerTimeout, Phase
from bitcoin_handshake.messages.handshake import V1Address, Version
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.visit import MAX_GARBAGE_SENT, GarbageSource, fresh_keys, node_result

NETADDR = NetAddr.from_text("203.0.113.7", 8333)
VERSION = Version(70016, 9, 0, V1Address())
CLOSED = PeerClosed(phase=Phase.KEY, bytes_received=0, retry_v1=True)
TIMEOUT = PeerTimeout(phase=Phase.KEY, waited_s=1.0, bytes_received=64)


def _result(
    transport: str | None,
    outcome: Outcome,
    *,
    version: Version | None = None,
    error: PeerError | None = None,
    bytes_received: int = 0,
) -> ProbeResult:
    return ProbeResult(
        "x",
        "mainnet",
        outcome,
        0.0,
        NETADDR,
        error=error,
        transport=transport,
        version=version,
        bytes_received=bytes_received,
    )


OK_V2 = _result("v2", Outcome.OK, version=VERSION)
SILENT_V2 = _result("v2", Outcome.FAILED, error=CLOSED)
STUCK_V2 = _result("v2", Outcome.FAILED, error=TIMEOUT, bytes_received=64)
ANSWERED_IN_V1 = _result("v2", Outcome.FAILED, error=LooksLikeV1(), bytes_received=16)
PARTIAL_V2 = _result("v2", Outcome.PARTIAL, version=VERSION, error=TIMEOUT, bytes_received=200)
OK_V1 = _result("v1", Outcome.OK, version=VERSION)
PARTIAL_V1 = _result("v1", Outcome.PARTIAL, version=VERSION, error=TIMEOUT, bytes_received=200)
FAILED_V1 = _result("v1", Outcome.FAILED, error=CLOSED)
UNREACHED_V1 = _result(None, Outcome.FAILED)


@pytest.mark.parametrize(
    ("v2", "v1", "winner"),
    [
        (OK_V2, OK_V1, "v2"),
        (OK_V2, PARTIAL_V1, "v2"),
        (PARTIAL_V2, OK_V1, "v1"),
        (PARTIAL_V2, PARTIAL_V1, "v2"),
        (SILENT_V2, OK_V1, "v1"),
        (SILENT_V2, PARTIAL_V1, "v1"),
        (SILENT_V2, FAILED_V1, "v1"),
        (STUCK_V2, FAILED_V1, "v2"),
        (ANSWERED_IN_V1, FAILED_V1, "v1"),
        (SILENT_V2, UNREACHED_V1, "v2"),
        (PARTIAL_V2, UNREACHED_V1, "v2"),
    ],
)
def test_the_better_one_is_the_node_s(v2: ProbeResult, v1: ProbeResult, winner: str) -> None:
    chosen = node_result(v2, v1)
    assert chosen is (v2 if winner == "v2" else v1)
    assert chosen.other is (v1 if winner == "v2" else v2)


def test_keys_are_fresh_and_belong_together() -> None:
    keys = [fresh_keys() for _ in range(8)]
    assert {(len(private), len(encoded)) for private, encoded in keys} == {(32, 64)}
    assert len({private for private, _ in keys}) == len({encoded for _, encoded in keys}) == 8
    (first, first_encoded), (second, second_encoded) = keys[:2]
    shared = ellswift.xdh(first_encoded, second_encoded, first, initiating=True)
    assert shared == ellswift.xdh(second_encoded, first_encoded, second, initiating=False)


def test_garbage_has_any_length_up_to_the_limit() -> None:
    source = GarbageSource()
    lengths = [len(source.draw()) for _ in range(300)]
    assert max(lengths) <= MAX_GARBAGE_SENT
    assert len(set(lengths)) > 100
    assert MAX_GARBAGE_SENT + 414 + 16 < 4111
