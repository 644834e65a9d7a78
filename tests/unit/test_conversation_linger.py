"""Listening on after the handshake: the ping, the end, a peer that ends it first."""

from __future__ import annotations

from bitcoin_handshake.conversation.base import HANG_UP
from bitcoin_handshake.conversation.linger import Linger, linger_or_hang_up
from bitcoin_handshake.errors import AnomalyCode, PeerClosed
from bitcoin_handshake.records import Features
from bitcoin_handshake.transport.base import ReceivedMessage
from tests.sessions import START, VERACK, VERSION, new_session

NONCE = 0x0807060504030201
PONG = ReceivedMessage("pong", bytes.fromhex("0102030405060708"), 8)


def _started(common_version: int = 70016) -> Linger:
    linger = Linger(5.0, ping_nonce=NONCE)
    said = linger.start(Features(), common_version=common_version, now=10.0)
    pings = (("ping", bytes.fromhex("0102030405060708")),)
    assert tuple(said) == (pings if common_version > 60000 else ())
    return linger


def test_the_first_right_pong_is_measured() -> None:
    linger = _started()
    linger.receive(PONG, now=10.25)
    linger.receive(PONG, now=10.5)
    assert (linger.ping_ms, linger.progress, linger.anomalies, linger.finished) == (250.0, 1, (), False)


def test_a_wrong_pong_is_an_anomaly() -> None:
    linger = _started()
    linger.receive(ReceivedMessage("pong", bytes(8), 8), now=10.25)
    assert (linger.ping_ms, linger.anomalies) == (None, (AnomalyCode.WRONG_PONG,))


def test_a_peer_that_answers_no_ping_is_sent_none() -> None:
    assert _started(60000).deadline == 15.0


def test_it_ends_well_when_the_time_is_over() -> None:
    linger = _started()
    linger.handle_timeout(now=15.0)
    assert (linger.finished, linger.deadline, linger.error) == (True, None, None)


def test_zero_seconds_are_the_conversation_that_hangs_up() -> None:
    assert linger_or_hang_up(0.0, ping_nonce=1) is HANG_UP


def test_a_peer_that_hangs_up_first_is_kept_and_the_handshake_stays_complete() -> None:
    session = new_session(linger_s=5.0)
    session.receive_data(VERSION + VERACK, now=START)
    session.receive_eof(now=START + 1)
    assert (session.finished, session.error, session.is_complete) == (True, None, True)
    assert isinstance(session.conversation.error, PeerClosed)
