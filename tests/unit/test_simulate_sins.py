"""The bytes and the timing of the sins; what comes of them is in tests/adversarial."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import AnomalyCode
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from bitcoin_handshake.simulate.script import End, Script
from tests.simulated import START, converse, initiator, node_facts, script_of


@pytest.mark.parametrize(
    ("name", "anomalies"),
    [
        ("duplicate-version", {AnomalyCode.DUPLICATE_VERSION}),
        ("verack-twice", {AnomalyCode.BEFORE_VERSION}),
        ("bad-then-good-version", {AnomalyCode.BAD_VERSION_MESSAGE, AnomalyCode.BEFORE_VERSION}),
        ("bad-checksum", {AnomalyCode.BAD_CHECKSUM}),
        ("bad-msg-type", {AnomalyCode.BAD_MSG_TYPE}),
        ("unknown-messages", {AnomalyCode.MALFORMED}),
        ("late-features", set()),
        ("core", set()),
    ],
)
def test_anomalies_of_peers_that_complete(name: str, anomalies: set[AnomalyCode]) -> None:
    session = initiator()
    converse(session, script_of(name))
    assert session.is_complete
    assert set(session.handshake.anomalies) == anomalies


def test_drip_sends_one_byte_at_a_time_forever() -> None:
    script = script_of("drip", node_facts(drip_s=2.0))
    now, sent = START, b""
    for _ in range(250):
        piece = script.data_to_send()
        assert len(piece) == 1
        sent += piece
        assert script.deadline == now + 2.0
        now += 2.0
        script.handle_timeout(now=now)
    assert sent[4:11] == b"version"
    assert b"endless" in sent


def test_pongs_carry_another_nonce() -> None:
    session = initiator(linger_s=5.0)
    converse(session, script_of("wrong-pong"))
    assert session.is_complete
    assert session.ping_ms is None
    assert AnomalyCode.WRONG_PONG in session.handshake.anomalies


def test_slow_waits_before_every_segment() -> None:
    session = initiator()
    converse(session, script_of("slow", node_facts(delay_s=3.0)))
    assert session.verack_at == START + 3.0


@pytest.mark.parametrize("name", ["flood", "flood-after-version", "flood-of-largest"])
def test_floods_come_in_pieces_with_a_pause_between(name: str) -> None:
    script = script_of(name)
    script.receive_data(initiator().data_to_send(), now=START)
    for _ in range(10):
        assert 0 < len(script.data_to_send()) <= 4_000_200
        assert script.data_to_send() == b""
        assert script.deadline is not None
        script.handle_timeout(now=script.deadline)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_every_behaviour_survives_hostile_clients(name: str) -> None:
    """Nothing a client sends raises, and nothing makes a peer go on when it may not."""
    for data in (
        bytes(5000),
        b"\xff" * 5000,
        b"GET / HTTP/1.1\r\n\r\n" * 100,
        initiator().data_to_send()[:-1],
        initiator().data_to_send() * 200,
        initiator().data_to_send().replace(b"version", b"verxxxx"),
    ):
        script = script_of(name)
        for start in range(0, len(data), 977):
            script.receive_data(data[start : start + 977], now=START)
        script.data_to_send()
        _outlive(script)
        script.receive_eof(now=START)
        assert script.end is not None


def _outlive(script: Script) -> None:
    for _ in range(20):
        if script.end is not None or script.deadline is None:
            return
        script.handle_timeout(now=script.deadline)
        script.data_to_send()


def test_resets_are_resets() -> None:
    for name in ("resets", "reset-after-version", "no-verack-then-reset"):
        script = script_of(name)
        script.receive_data(initiator().data_to_send(), now=START)
        _outlive(script)
        assert script.end is End.RESET
