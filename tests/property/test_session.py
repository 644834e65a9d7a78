"""Sessions under any bytes, any segmentation, any interleaving of two sides."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.session import HandshakeCompleted, MessageReceived, MessageSent, PeerFailed, Session
from tests.helpers import chunked
from tests.sessions import (
    OUR_NONCE,
    PEER_NONCE,
    START,
    TIMEOUT_S,
    VERACK,
    VERSION,
    captured_sessions,
    drain_events,
    message,
    new_session,
    peer_version,
    received_bytes,
)

TYPES = st.sampled_from([each.value for each in MsgType] + ["nonsense"])
PAYLOADS = st.one_of(st.just(b""), st.binary(max_size=16), st.binary(max_size=120))
VERSIONS = st.builds(
    lambda number, nonce, cut: message("version", peer_version(number, nonce=nonce)[:cut]),
    st.sampled_from([70016, 70015, 60000, 31800, 31799, -1, 2**31 - 1]),
    st.sampled_from([PEER_NONCE, PEER_NONCE, PEER_NONCE, OUR_NONCE]),
    st.sampled_from([200, 200, 200, 89, 85, 84, 80, 60, 46, 45, 0]),
)
MESSAGES = st.one_of(st.just(VERSION), st.just(VERACK), VERSIONS, st.builds(message, TYPES, PAYLOADS))
CAPTURED = st.sampled_from([b"".join(received_bytes(each)) for each in captured_sessions()])
STREAMS = st.one_of(
    CAPTURED,
    st.lists(st.one_of(MESSAGES, MESSAGES, MESSAGES, st.binary(max_size=30)), max_size=12).map(b"".join),
)
CUTS = st.lists(st.integers(0, 3000), max_size=20)
LINGER = st.sampled_from([0.0, 5.0])


def _outcome(session: Session, sent: bytes) -> dict[str, Any]:
    """Everything that can be seen of a session from outside."""
    handshake = session.handshake
    events: list[tuple[object, ...]] = []
    for event in drain_events(session):
        match event:
            case MessageReceived(at, received, action):
                events.append((at, received.msg_type, received.payload, received.anomaly, action))
            case MessageSent(at, msg_type, payload):
                events.append((at, msg_type, payload))
            case HandshakeCompleted(at):
                events.append((at,))
            case PeerFailed(at, error):
                events.append((at, str(error)))
    return {
        "events": events,
        "sent": sent,
        "finished": session.finished,
        "deadline": session.deadline,
        "error": None
        if session.error is None
        else (session.error.code, session.error.phase, str(session.error)),
        "bytes_received": session.bytes_received if session.finished else None,
        "phase": session.phase,
        "version": handshake.peer_version,
        "features": handshake.features,
        "anomalies": handshake.anomalies,
        "times": (session.version_at, session.verack_at, session.ping_ms),
        "counts": (session.messages_received, handshake.messages_after_version),
    }


def _run(pieces: list[bytes], *, initiating: bool, linger_s: float, end: str) -> dict[str, Any]:
    session = new_session(initiating=initiating, linger_s=linger_s)
    sent = session.data_to_send()
    for piece in pieces:
        session.receive_data(piece, now=START)
        sent += session.data_to_send()
    if end == "timeout":
        session.handle_timeout(now=START + TIMEOUT_S)
    elif end:
        session.receive_eof(now=START, reset=end == "reset")
    return _outcome(session, sent + session.data_to_send())


@given(STREAMS, CUTS, st.booleans(), LINGER, st.sampled_from(["", "eof", "reset", "timeout"]))
def test_segmentation_does_not_matter(
    stream: bytes, cuts: list[int], initiating: bool, linger_s: float, end: str
) -> None:
    whole = _run([stream], initiating=initiating, linger_s=linger_s, end=end)
    assert _run(chunked(stream, cuts), initiating=initiating, linger_s=linger_s, end=end) == whole
    single = [stream[index : index + 1] for index in range(len(stream))]
    assert _run(single, initiating=initiating, linger_s=linger_s, end=end) == whole


@given(STREAMS, st.booleans(), LINGER, st.sampled_from(["eof", "reset", "timeout"]))
def test_every_stream_ends_in_a_verdict(stream: bytes, initiating: bool, linger_s: float, end: str) -> None:
    session = new_session(initiating=initiating, linger_s=linger_s)
    session.receive_data(stream, now=START)
    if end == "timeout":
        session.handle_timeout(now=START + TIMEOUT_S)
    else:
        session.receive_eof(now=START, reset=end == "reset")
    assert session.finished
    assert (session.error is None) == session.is_complete
    assert session.bytes_received <= len(stream)
    events = drain_events(session)
    verdicts = [each for each in events if isinstance(each, HandshakeCompleted | PeerFailed)]
    assert len(verdicts) == 1
    if session.error is not None:
        assert isinstance(session.error, PeerError)
        assert session.error.phase is not None
        assert events[-1] is verdicts[0]
    if session.is_complete:
        assert session.handshake.peer_version is not None
    assert len(session.handshake.anomalies) == len(set(session.handshake.anomalies))


@given(st.binary(max_size=2000), CUTS)
def test_no_bytes_make_it_raise(stream: bytes, cuts: list[int]) -> None:
    for piece_list in (chunked(stream, cuts), chunked(VERSION + stream, cuts)):
        _run(piece_list, initiating=True, linger_s=5.0, end="eof")


class _Pair:
    """An initiator and a responder in memory, whose bytes wait between them until they are let go."""

    def __init__(self, versions: tuple[int, int], linger_s: float) -> None:
        self.sides = (
            new_session(protocol_version=versions[0], linger_s=linger_s),
            new_session(
                initiating=False,
                protocol_version=versions[1],
                nonce=PEER_NONCE,
                own_nonces={PEER_NONCE},
                linger_s=linger_s,
            ),
        )
        self.on_the_way = [b"", b""]

    def move(self, sender: int, count: int) -> int:
        """Let at most `count` bytes of a side arrive at the other; give how many there were."""
        self.on_the_way[sender] += self.sides[sender].data_to_send()
        data, self.on_the_way[sender] = self.on_the_way[sender][:count], self.on_the_way[sender][count:]
        if data:
            self.sides[1 - sender].receive_data(data, now=START)
        return len(data)


PROTOCOL_VERSIONS = st.sampled_from([70016, 70015, 60001, 60000, 31800])


@given(
    st.tuples(PROTOCOL_VERSIONS, PROTOCOL_VERSIONS),
    LINGER,
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 150)), max_size=60),
)
@example((70016, 70016), 5.0, [])
def test_two_sessions_agree_under_any_interleaving(
    versions: tuple[int, int], linger_s: float, moves: list[tuple[int, int]]
) -> None:
    pair = _Pair(versions, linger_s)
    for sender, count in moves:
        pair.move(sender, count)
    while pair.move(0, 10_000) + pair.move(1, 10_000):
        pass
    for side in pair.sides:
        assert side.is_complete
        assert side.error is None
        assert side.handshake.anomalies == []
        assert side.handshake.common_version == min(versions)
        has_features = min(versions) >= 70016
        features = side.handshake.features
        assert (features.wtxidrelay, features.sendaddrv2) == (has_features, has_features)
        assert (side.ping_ms is not None) == (linger_s > 0 and min(versions) > 60000)
        assert side.finished == (linger_s == 0)
