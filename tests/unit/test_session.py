"""One connection without a socket: verdicts, counts, events, deadlines."""

from __future__ import annotations

from typing import Any

import pytest

from bitcoin_handshake import session as session_module
from bitcoin_handshake.errors import AnomalyCode, FailureCode, PeerClosed, PeerTimeout, Phase
from bitcoin_handshake.handshake import Action, Handshake
from bitcoin_handshake.session import (
    FLOOD_BYTES,
    FLOOD_MESSAGES,
    HANG_S,
    MAX_HANDSHAKE_BYTES,
    HandshakeCompleted,
    MessageReceived,
    MessageSent,
    PeerFailed,
    Session,
)
from tests.helpers import FakeClock
from tests.sessions import (
    MAGIC,
    OUR_NONCE,
    PING_NONCE,
    START,
    TIMEOUT_S,
    VERACK,
    VERSION,
    captured_protocol_version,
    captured_sessions,
    drain_events,
    message,
    new_session,
    our_version,
    peer_version,
    received_bytes,
)
from tests.v2_peers import ManualPeer, key_pair
from tests.v2_peers import initiator as v2_initiator
from tests.v2_peers import responder as v2_responder

NEGOTIATION = message("wtxidrelay") + message("sendaddrv2") + VERACK
DEADLINE = START + TIMEOUT_S


def _failure(session: Session) -> tuple[str, str | None]:
    assert session.finished
    assert session.deadline is None
    assert session.error is not None
    return session.error.code.value, session.error.phase


@pytest.mark.parametrize("captured", captured_sessions(), ids=lambda each: each["label"])
def test_captured_sessions_end_in_ok(captured: dict[str, Any]) -> None:
    session = new_session(protocol_version=captured_protocol_version(captured))
    messages = received_bytes(captured)
    types = [each["command"] for each in captured["messages"] if each["dir"] == "received"]
    session.receive_data(b"".join(messages), now=START)
    assert session.is_complete
    assert (session.error, session.finished, session.handshake.anomalies) == (None, True, [])
    until_verack = types.index("verack") + 1
    assert session.messages_received == until_verack
    assert session.bytes_received == sum(map(len, messages[:until_verack]))
    version = session.handshake.peer_version
    assert version is not None
    assert version.user_agent == b"/Satoshi:28.1.0(inquisition)/"
    features = session.handshake.features
    assert (features.wtxidrelay, features.sendaddrv2) == ("wtxidrelay" in types, "sendaddrv2" in types)


@pytest.mark.parametrize("captured", captured_sessions(), ids=lambda each: each["label"])
def test_captured_sessions_go_on_while_we_linger(captured: dict[str, Any]) -> None:
    session = new_session(protocol_version=captured_protocol_version(captured), linger_s=5.0)
    for each in received_bytes(captured):
        session.receive_data(each, now=START)
    assert not session.finished
    session.handle_timeout(now=START + 5.0)
    assert (session.finished, session.error, session.is_complete) == (True, None, True)
    types = [each["command"] for each in captured["messages"] if each["dir"] == "received"]
    features = session.handshake.features
    assert bool(features.sendcmpct) == ("sendcmpct" in types)
    assert (features.feefilter is not None) == ("feefilter" in types)
    pings = [each for each in received_bytes(captured) if each[4:9] == b"ping\0" and len(each) == 32]
    sent = session.data_to_send()
    if captured_protocol_version(captured) > 60000:
        assert all(message("pong", ping[24:]) in sent for ping in pings)
    assert session.bytes_received == sum(map(len, received_bytes(captured)))


def test_the_initiator_sends_version_and_then_answers() -> None:
    session = new_session()
    assert session.data_to_send() == message("version", our_version())
    session.receive_data(VERSION, now=START + 1)
    assert session.data_to_send() == NEGOTIATION
    assert session.data_to_send() == b""
    assert (session.phase, session.version_at, session.verack_at) == (Phase.VERACK, START + 1, None)
    session.receive_data(VERACK, now=START + 2)
    assert (session.is_complete, session.finished, session.deadline) == (True, True, None)
    assert (session.version_at, session.verack_at, session.error) == (START + 1, START + 2, None)


def test_the_responder_waits() -> None:
    session = new_session(initiating=False, nonce=7, own_nonces=())
    assert session.data_to_send() == b""
    session.receive_data(VERSION, now=START)
    assert session.data_to_send() == message("version", our_version(nonce=7)) + NEGOTIATION
    session.receive_data(VERACK, now=START)
    assert session.is_complete


def test_events_come_in_the_order_of_things() -> None:
    session = new_session()
    bad_checksum = bytearray(message("ping", bytes(8)))
    bad_checksum[20] ^= 1
    session.receive_data(VERSION + message("ping", bytes(8)) + bad_checksum + VERACK + VERSION, now=START + 1)
    seen: list[object] = []
    for event in drain_events(session):
        match event:
            case MessageSent(at, msg_type, payload):
                seen.append(("sent", at, msg_type, len(payload)))
            case MessageReceived(at, received, action):
                seen.append(("received", at, received.msg_type, action))
            case HandshakeCompleted(at):
                seen.append(("completed", at))
            case PeerFailed():
                pytest.fail("the handshake completed")
    later = START + 1
    assert seen == [
        ("sent", START, "version", 94),
        ("received", later, "version", Action.TAKE_VERSION),
        ("sent", later, "wtxidrelay", 0),
        ("sent", later, "sendaddrv2", 0),
        ("sent", later, "verack", 0),
        ("received", later, "ping", Action.ANSWER_PING),
        ("sent", later, "pong", 8),
        ("received", later, "ping", None),
        ("received", later, "verack", Action.COMPLETE),
        ("completed", later),
    ]
    assert session.handshake.anomalies == [AnomalyCode.BAD_CHECKSUM]


def test_the_failure_is_the_last_event() -> None:
    session = new_session()
    session.receive_data(VERSION + b"HTTP/1.1", now=START + 1)
    last = drain_events(session)[-1]
    assert isinstance(last, PeerFailed)
    assert (last.at, last.error) == (START + 1, session.error)


def test_without_trace_there_are_no_events() -> None:
    session = new_session(linger_s=1.0, trace=False)
    session.receive_data(VERSION + VERACK + message("ping", bytes(8)), now=START)
    session.send_message("getaddr", b"", now=START)
    session.receive_eof(now=START)
    assert session.next_event() is None
    failed = new_session(trace=False)
    failed.receive_data(b"HTTP" + message("ping"), now=START)
    assert failed.next_event() is None
    skipped = new_session(trace=False)
    skipped.receive_data(message("ping")[:20] + bytes(4), now=START)
    assert skipped.handshake.anomalies == [AnomalyCode.BAD_CHECKSUM]


def test_own_messages_are_queued_behind_the_rest() -> None:
    session = new_session(linger_s=1.0)
    session.receive_data(VERSION + VERACK, now=START)
    session.data_to_send()
    session.send_message("getaddr", b"", now=START + 0.5)
    assert session.data_to_send() == message("getaddr")
    assert drain_events(session)[-1] == MessageSent(START + 0.5, "getaddr", b"")


ENDS = ["eof", "reset", "timeout"]


def _end(session: Session, how: str) -> None:
    if how == "timeout":
        session.handle_timeout(now=DEADLINE)
    else:
        session.receive_eof(now=DEADLINE, reset=how == "reset")


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize(
    ("received", "phase"),
    [
        (b"", "version"),
        (VERSION[:-1], "version"),
        (message("ping", bytes(8)), "version"),
        (VERACK, "version"),
        (VERSION, "verack"),
        (VERSION + VERACK[:-1], "verack"),
        (VERSION + message("ping", bytes(8)), "verack"),
    ],
)
def test_an_end_before_the_verdict(received: bytes, phase: str, how: str) -> None:
    session = new_session()
    if received:
        session.receive_data(received, now=START)
    _end(session, how)
    codes = {"eof": "peer.closed", "reset": "peer.reset", "timeout": "peer.timeout"}
    assert _failure(session) == (codes[how], phase)
    assert session.bytes_received == len(received)
    error = session.error
    assert isinstance(error, PeerClosed | PeerTimeout)
    assert error.bytes_received == len(received)
    assert not error.retry_v1, "v1 has nothing to fall back to"
    if isinstance(error, PeerTimeout):
        assert error.waited_s == TIMEOUT_S


@pytest.mark.parametrize("how", ENDS)
def test_a_version_that_did_not_parse_speaks_for_the_end(how: str) -> None:
    session = new_session()
    session.receive_data(message("version", peer_version()[:60]) + VERSION[:9], now=START)
    assert (session.finished, session.version_at) == (False, None)
    _end(session, how)
    assert _failure(session) == ("handshake.bad_version_message", "version")
    assert session.bytes_received == 24 + 60 + 9


@pytest.mark.parametrize("how", ENDS)
def test_a_version_that_parsed_later_makes_it_good(how: str) -> None:
    session = new_session()
    session.receive_data(message("version", b"") + VERSION, now=START)
    _end(session, how)
    assert _failure(session)[1] == "verack"
    assert _failure(session)[0].startswith("peer.")
    assert session.handshake.anomalies == [AnomalyCode.BAD_VERSION_MESSAGE]


@pytest.mark.parametrize(
    ("received", "code", "phase", "counted"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "foreign.http", "version", 4),
        (VERSION + bytes.fromhex("f9beb4d9") + bytes(20), "v1.other_chain", "verack", len(VERSION) + 4),
        (MAGIC + b"block".ljust(12, b"\0") + b"\xff" * 30, "v1.message_too_large", "version", 24),
        (message("version", peer_version(31799)) + VERACK, "handshake.version_too_old", "version", 24 + 89),
        (message("version", peer_version(nonce=OUR_NONCE)), "handshake.self_connection", "version", 24 + 89),
        (
            message("ping") + message("version", our_version()),
            "handshake.self_connection",
            "version",
            48 + 94,
        ),
    ],
)
def test_bytes_that_end_it(received: bytes, code: str, phase: str, counted: int) -> None:
    session = new_session()
    session.receive_data(received, now=START)
    assert _failure(session) == (code, phase)
    assert session.bytes_received == counted, "what the same read still held is not counted"


def test_counts_end_at_the_byte_that_completes_the_verdict() -> None:
    session = new_session()
    session.receive_data(VERSION + VERACK + VERACK + b"HTTP", now=START)
    assert session.bytes_received == len(VERSION + VERACK)
    assert (session.messages_received, session.handshake.anomalies) == (2, [])
    assert session.buffered == len(VERACK) + 4


def test_after_the_end_nothing_changes() -> None:
    ok, failed = new_session(), new_session()
    ok.receive_data(VERSION + VERACK, now=START)
    failed.receive_data(VERSION + b"SSH-", now=START)
    for session in (ok, failed):
        drain_events(session)
        session.data_to_send()
        error, counted, messages = session.error, session.bytes_received, session.messages_received
        session.receive_data(VERSION + message("ping", bytes(8)) + VERACK, now=START + 1)
        session.receive_eof(now=START + 2)
        session.receive_eof(now=START + 2, reset=True)
        session.handle_timeout(now=START + 3)
        assert session.error is error
        assert (session.bytes_received, session.messages_received) == (counted, messages)
        assert (session.data_to_send(), session.next_event(), session.deadline) == (b"", None, None)


def test_more_messages_than_any_handshake_needs_are_a_flood() -> None:
    for count, code in ((FLOOD_MESSAGES, "peer.timeout"), (FLOOD_MESSAGES + 1, "peer.flood")):
        session = new_session()
        session.receive_data(VERSION + message("alert") * (count - 1), now=START)
        session.handle_timeout(now=DEADLINE)
        assert _failure(session) == (code, "verack")


def test_more_bytes_than_any_handshake_needs_are_a_flood() -> None:
    for size, code in ((FLOOD_BYTES - 24, "peer.timeout"), (FLOOD_BYTES - 23, "peer.flood")):
        session = new_session()
        session.receive_data(message("block", bytes(size)), now=START)
        session.handle_timeout(now=DEADLINE)
        assert _failure(session) == (code, "version")


def test_a_flood_without_end_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_HANDSHAKE_BYTES == 64 * 1024 * 1024
    monkeypatch.setattr(session_module, "MAX_HANDSHAKE_BYTES", 10_000)
    session = new_session()
    session.receive_data(VERSION + bytes(0), now=START)
    flood = message("block", bytes(10_000 - 24 - len(VERSION)))
    session.receive_data(flood, now=START)
    assert not session.finished
    session.receive_data(b"\xfa", now=START + 1)
    assert _failure(session) == ("peer.flood", "verack")
    assert session.bytes_received == 10_001


def test_a_verdict_within_a_flood_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_HANDSHAKE_BYTES", 1000)
    session = new_session()
    session.receive_data(VERSION + VERACK + bytes(2000), now=START)
    assert (session.is_complete, session.error) == (True, None)


def test_lingering_measures_a_ping(clock: FakeClock) -> None:
    session = new_session(linger_s=3.0)
    session.receive_data(VERSION + VERACK, now=clock.now)
    ping = message("ping", PING_NONCE.to_bytes(8, "little"))
    assert session.data_to_send().endswith(NEGOTIATION + ping)
    assert (session.finished, session.deadline) == (False, START + 3.0)
    pong = message("pong", PING_NONCE.to_bytes(8, "little"))
    session.receive_data(pong, now=clock.advance(0.25))
    assert session.ping_ms == 250.0
    session.receive_data(pong, now=clock.advance(1))
    assert session.ping_ms == 250.0
    assert session.handshake.anomalies == []


@pytest.mark.parametrize("payload", [b"", bytes(8), PING_NONCE.to_bytes(8, "big"), bytes(70_000)], ids=len)
def test_a_wrong_pong_is_noted(payload: bytes) -> None:
    session = new_session(linger_s=3.0)
    session.receive_data(VERSION + VERACK + message("pong", payload), now=START)
    assert session.handshake.anomalies == [AnomalyCode.WRONG_PONG]
    assert session.ping_ms is None
    assert not session.finished


def test_a_pong_before_our_ping_means_nothing() -> None:
    session = new_session(linger_s=3.0)
    session.receive_data(VERSION + message("pong", PING_NONCE.to_bytes(8, "little")), now=START)
    assert (session.ping_ms, session.handshake.anomalies) == (None, [])


@pytest.mark.parametrize(("protocol_version", "pings"), [(60000, False), (60001, True)])
def test_old_peers_are_not_pinged(protocol_version: int, pings: bool) -> None:
    session = new_session(linger_s=3.0)
    session.receive_data(message("version", peer_version(protocol_version)) + VERACK, now=START)
    assert (b"ping" in session.data_to_send()) is pings


@pytest.mark.parametrize("how", [*ENDS, "bad bytes", "too large"])
def test_no_end_of_lingering_spoils_the_verdict(how: str) -> None:
    session = new_session(linger_s=60.0)
    session.receive_data(VERSION + VERACK, now=START)
    drain_events(session)
    if how == "bad bytes":
        session.receive_data(b"HTTP", now=START)
    elif how == "too large":
        session.receive_data(MAGIC + b"\xff" * 20, now=START)
    else:
        _end(session, how)
    assert (session.finished, session.is_complete, session.error) == (True, True, None)
    assert (session.deadline, session.next_event()) == (None, None)


def test_lingering_is_not_limited_by_the_flood_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_HANDSHAKE_BYTES", 1000)
    session = new_session(linger_s=60.0)
    session.receive_data(VERSION + VERACK, now=START)
    session.receive_data(message("block", bytes(5000)), now=START)
    assert not session.finished


def test_a_timeout_counts_from_the_start_of_the_dial() -> None:
    session = new_session()
    assert session.deadline == DEADLINE
    session = Session(
        session.transport, session.handshake, now=START, started=START - 2.0, deadline=START + 3.0
    )
    session.handle_timeout(now=START + 3.0)
    assert isinstance(session.error, PeerTimeout)
    assert session.error.waited_s == 5.0
    assert session.error.code is FailureCode.PEER_TIMEOUT


def test_large_messages_leave_nothing_behind() -> None:
    session = new_session()
    session.receive_data(message("block", bytes(1_000_000))[:-1], now=START)
    assert session.buffered == 0
    assert session.bytes_received == 1_000_023
    session.receive_data(b"\0" + VERSION + VERACK, now=START)
    assert session.is_complete
    assert session.handshake.anomalies == [AnomalyCode.BEFORE_VERSION]


# v2: what the key exchange adds

V2_REPLIES = (("version", peer_version()), ("wtxidrelay", b""), ("sendaddrv2", b""), ("verack", b""))


def _v2_session(*, first_byte_by: float | None = None) -> Session:
    return Session(
        v2_initiator(magic=MAGIC, garbage=b"g" * 20),
        Handshake(our_version(), initiating=True, own_nonces=(OUR_NONCE,)),
        now=START,
        deadline=DEADLINE,
        first_byte_by=first_byte_by,
    )


def _v2_answer(session: Session) -> tuple[bytes, bytes]:
    """Key, garbage, terminator and version packet of a peer, and its messages."""
    peer = v2_responder(magic=MAGIC, garbage=b"G" * 30)
    peer.receive_data(session.data_to_send())
    opening = peer.data_to_send()
    for msg_type, payload in V2_REPLIES:
        peer.send_message(msg_type, payload)
    return opening, peer.data_to_send()


def test_stages_of_the_key_exchange_are_noted() -> None:
    session = _v2_session()
    opening, messages = _v2_answer(session)
    assert session.phase is Phase.KEY
    at = START
    for cut, phase in (
        (opening[:63], Phase.KEY),
        (opening[63:64], Phase.GARBAGE),
        (opening[64:109], Phase.GARBAGE),
        (opening[109:110], Phase.VERSION_PACKET),
        (opening[110:129], Phase.VERSION_PACKET),
        (opening[129:], Phase.VERSION),
        (messages[:-1], Phase.VERACK),
        (messages[-1:], Phase.VERACK),
    ):
        at += 1
        session.receive_data(cut, now=at)
        assert session.phase is phase
    assert (session.key_at, session.garbage_at, session.version_packet_at) == (
        START + 2,
        START + 4,
        START + 6,
    )
    assert (session.version_at, session.verack_at, session.error) == (START + 7, START + 8, None)


def test_stages_in_one_read_have_one_time() -> None:
    session = _v2_session()
    session.receive_data(b"".join(_v2_answer(session)), now=START + 1)
    assert session.is_complete
    assert {session.key_at, session.garbage_at, session.version_packet_at} == {START + 1}


def test_v1_has_no_stages() -> None:
    session = new_session()
    session.receive_data(VERSION + VERACK, now=START)
    assert session.key_at is session.garbage_at is session.version_packet_at is None


def test_a_responder_whose_peer_speaks_v1_has_no_stages() -> None:
    handshake = Handshake(our_version(), initiating=False)
    session = Session(v2_responder(magic=MAGIC), handshake, now=START, deadline=DEADLINE)
    session.receive_data(VERSION[:16], now=START + 1)
    session.receive_data(VERSION[16:] + VERACK, now=START + 2)
    assert (session.is_complete, session.transport.name) == (True, "v1")
    assert session.key_at is session.garbage_at is session.version_packet_at is None


def test_without_a_first_byte_the_end_comes_early_and_suggests_v1() -> None:
    session = _v2_session(first_byte_by=START + 4)
    assert session.deadline == START + 4
    session.handle_timeout(now=START + 4.01)
    assert _failure(session) == ("peer.timeout", Phase.KEY)
    assert session.error is not None
    assert session.error.retry_v1
    assert str(session.error) == "no key in 4 s (nothing received)"


def test_with_a_first_byte_all_the_time_is_left() -> None:
    session = _v2_session(first_byte_by=START + 4)
    session.receive_data(b"k", now=START + 3)
    assert session.deadline == DEADLINE
    session.handle_timeout(now=DEADLINE)
    assert _failure(session) == ("peer.timeout", Phase.KEY)
    assert session.error is not None
    assert not session.error.retry_v1


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("received", [b"", b"k", b"\x80" * 64])
def test_an_end_suggests_v1_only_where_nothing_came(received: bytes, reset: bool) -> None:
    session = _v2_session()
    if received:
        session.receive_data(received, now=START)
    session.receive_eof(now=START, reset=reset)
    assert isinstance(session.error, PeerClosed)
    assert session.error.retry_v1 == (not received)


def test_garbage_without_end_is_another_chain_s_and_a_key_alone_is_a_stall() -> None:
    for garbage, code in ((b"", "peer.timeout"), (b"g", "v2.other_chain"), (b"g" * 4000, "v2.other_chain")):
        session = _v2_session()
        session.receive_data(key_pair(1)[1] + garbage, now=START)
        session.handle_timeout(now=DEADLINE)
        assert _failure(session) == (code, Phase.GARBAGE)
        assert session.bytes_received == 64 + len(garbage), "no byte decided it, so all of them count"


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    ("garbage", "later_s", "code"),
    [
        (b"g" * 500, HANG_S, "v2.other_chain"),
        (b"g" * 500, HANG_S - 0.1, None),
        (b"", HANG_S, None),
    ],
)
def test_another_chain_s_node_may_lose_patience_before_we_do(
    garbage: bytes, later_s: float, code: str | None, reset: bool
) -> None:
    """btcd hangs up after 30 s, Core after 60."""
    session = _v2_session()
    session.receive_data(key_pair(1)[1], now=START + 1)
    session.receive_data(garbage, now=START + 2)
    session.receive_eof(now=START + 1 + later_s, reset=reset)
    ended = "peer.reset" if reset else "peer.closed"
    assert _failure(session) == (code or ended, Phase.GARBAGE)
    assert session.bytes_received == 64 + len(garbage)


def test_an_answer_in_v1_suggests_v1() -> None:
    session = _v2_session()
    session.receive_data(VERSION, now=START)
    assert _failure(session) == ("v2.looks_like_v1", Phase.KEY)
    assert session.error is not None
    assert session.error.retry_v1


def test_our_own_key_sent_back_is_an_echo() -> None:
    session = _v2_session()
    session.receive_data(session.data_to_send(), now=START)
    assert _failure(session) == ("handshake.self_connection", Phase.KEY)
    assert str(session.error) == "sent back our own v2 key: an echo or a reflector"


def _waiting_for_key() -> Session:
    return Session(
        v2_initiator(garbage=b"ours"),
        Handshake(our_version(), initiating=True),
        now=START,
        deadline=START + TIMEOUT_S,
    )


def test_in_v2_a_message_is_said_when_the_peer_s_key_is_there() -> None:
    session = _waiting_for_key()
    assert session.next_event() is None
    peer = ManualPeer(initiating=False, ours=session.data_to_send()[:64])
    session.receive_data(peer.key[:63], now=START + 1)
    assert session.next_event() is None
    session.receive_data(peer.key[63:], now=START + 2)
    event = session.next_event()
    assert isinstance(event, MessageSent)
    assert (event.at, event.msg_type) == (START + 2, "version")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n"])
def test_in_v2_nothing_is_said_to_a_peer_that_sends_no_key(answer: bytes) -> None:
    session = _waiting_for_key()
    if answer:
        session.receive_data(answer, now=START)
    session.receive_eof(now=START)
    assert [type(event) for event in drain_events(session)] == [PeerFailed]


@pytest.mark.parametrize("is_eof", [True, False])
def test_a_reject_is_the_reason(is_eof: bool) -> None:
    payload = b"\x07version\x11" + b"\x1fVersion must be 70001 or \x1b[31m\xff"
    session = new_session()
    session.receive_data(message("reject", payload), now=START)
    assert not session.finished
    if is_eof:
        session.receive_eof(now=START)
    else:
        session.handle_timeout(now=START + TIMEOUT_S)
    assert session.error is not None
    assert (session.error.code.value, session.error.phase) == ("peer.rejected", Phase.VERSION)
    assert str(session.error) == (
        "rejected our version: Version must be 70001 or \\x1b[31m\\xff (code 0x11, obsolete)"
    )
    assert session.handshake.anomalies == []
    assert session.bytes_received == 24 + len(payload)


def test_a_reject_does_not_change_the_verdict_of_a_healthy_node() -> None:
    session = new_session()
    session.receive_data(VERSION + message("reject", b"\x02tx\x10\x00") + VERACK, now=START)
    assert session.is_complete
    assert session.error is None
    assert session.handshake.reject is not None
    assert session.handshake.reject.message == b"tx"


def test_only_the_first_reject_is_kept_and_a_malformed_one_is_an_anomaly() -> None:
    session = new_session()
    session.receive_data(message("reject", b"\x07ver") + message("reject", b"\x00\x12\x00"), now=START)
    session.receive_data(message("reject", b"\x02tx\x10\x00"), now=START)
    session.receive_eof(now=START)
    assert str(session.error) == "rejected a message of ours: no reason given (code 0x12, duplicate)"
    assert session.handshake.anomalies == [AnomalyCode.MALFORMED]


def test_a_foreign_service_that_is_silent_after_a_few_letters_is_named_at_the_deadline() -> None:
    for session in (new_session(), _v2_session()):
        session.receive_data(b"login: ", now=START)
        session.handle_timeout(now=DEADLINE)
        assert session.error is not None
        assert session.error.code.value == "foreign.text"
        assert session.bytes_received == 7
