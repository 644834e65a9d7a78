"""Sessions over v2, in both roles: whatever a peer with real keys says, and however it is cut."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.handshake import Handshake
from bitcoin_handshake.session import MessageReceived, Session
from bitcoin_handshake.transport.bip324.short_ids import serialize_msg_type
from bitcoin_handshake.transport.v2 import V2Transport
from tests.helpers import chunked
from tests.sessions import OUR_NONCE, START, TIMEOUT_S, drain_events, our_version, peer_version
from tests.v2_peers import ManualPeer, initiator, responder

VERSION = serialize_msg_type("version") + peer_version()
VERACK = serialize_msg_type("verack")
CONTENTS = st.one_of(
    st.just(VERSION),
    st.just(VERACK),
    st.just(serialize_msg_type("ping") + bytes(8)),
    st.just(b""),
    st.binary(max_size=40),
)
# Contents and whether they are a decoy; a healthy peer's two are most likely there.
PACKETS = st.lists(st.tuples(CONTENTS, st.booleans()), max_size=6).map(
    lambda packets: [(b"", False), (VERSION, False), *packets, (VERACK, False)]
)
DAMAGE = st.one_of(st.none(), st.tuples(st.integers(0, 10_000), st.integers(1, 255)))
ENDS = st.sampled_from(["eof", "reset", "timeout"])
CUTS = st.lists(st.integers(0, 5000), max_size=20)


def _transport(*, initiating: bool) -> V2Transport:
    return initiator(garbage=b"ours") if initiating else responder(garbage=b"ours")


def _stream(packets: list[tuple[bytes, bool]], garbage: bytes, *, initiating: bool) -> bytes:
    """What the peer of a session in this role writes, from its key on."""
    ours = _transport(initiating=initiating)
    key = ours.data_to_send()[:64] if initiating else _key_of_responder()
    peer = ManualPeer(initiating=not initiating, ours=key)
    stream = peer.key + garbage + peer.terminator
    aad = garbage
    for contents, ignore in packets:
        stream += peer.cipher.encrypt(contents, aad=aad, ignore=ignore)
        aad = b""
    return stream


def _key_of_responder() -> bytes:
    transport = _transport(initiating=False)
    transport.receive_data(bytes([255]) * 64)
    return transport.data_to_send()[:64]


def _run(pieces: list[bytes], *, initiating: bool, end: str) -> tuple[Session, dict[str, Any]]:
    transport = _transport(initiating=initiating)
    session = Session(
        transport,
        Handshake(our_version(), initiating=initiating, own_nonces={OUR_NONCE}),
        now=START,
        deadline=START + TIMEOUT_S,
    )
    sent = session.data_to_send()
    for piece in pieces:
        session.receive_data(piece, now=START)
        sent += session.data_to_send()
    if end == "timeout":
        session.handle_timeout(now=START + TIMEOUT_S)
    else:
        session.receive_eof(now=START, reset=end == "reset")
    events = [
        (event.message.msg_type, event.message.payload, event.message.anomaly, event.action)
        if isinstance(event, MessageReceived)
        else str(event)
        for event in drain_events(session)
    ]
    error = session.error
    return session, {
        "events": events,
        "sent": sent,
        "error": None if error is None else (error.code, error.phase, str(error)),
        "bytes_received": session.bytes_received,
        "anomalies": session.handshake.anomalies,
        "facts": (transport.garbage_received, transport.decoys_received),
        "stages": (session.key_at, session.garbage_at, session.version_packet_at, session.version_at),
    }


@settings(max_examples=60)
@given(PACKETS, st.binary(max_size=80), DAMAGE, CUTS, st.booleans(), ENDS)
@example([(b"", False), (VERSION, False), (VERACK, False)], b"", None, [], True, "eof")
@example([(b"", True), (b"", False), (VERSION, False), (VERACK, False)], bytes(4095), None, [], False, "eof")
def test_one_verdict_and_segmentation_does_not_matter(
    packets: list[tuple[bytes, bool]],
    garbage: bytes,
    damage: tuple[int, int] | None,
    cuts: list[int],
    initiating: bool,
    end: str,
) -> None:
    stream = bytearray(_stream(packets, garbage, initiating=initiating))
    if damage is not None:
        stream[damage[0] % len(stream)] ^= damage[1]
    session, whole = _run([bytes(stream)], initiating=initiating, end=end)
    assert _run(chunked(bytes(stream), cuts), initiating=initiating, end=end)[1] == whole
    single = [bytes(stream[index : index + 1]) for index in range(len(stream))]
    assert _run(single, initiating=initiating, end=end)[1] == whole
    assert session.finished
    assert session.is_complete == (session.error is None)
    assert session.error is None or isinstance(session.error, PeerError)
    assert session.bytes_received <= len(stream)
    # A healthy stream is `ok` whatever stands in it; behind the verdict nothing is read.
    if damage is None and all(not ignore for contents, ignore in packets if contents in (VERSION, VERACK)):
        assert session.is_complete


@given(st.binary(max_size=6000), st.booleans(), ENDS)
def test_no_bytes_make_it_raise(stream: bytes, initiating: bool, end: str) -> None:
    session, _ = _run([stream], initiating=initiating, end=end)
    assert session.error is not None
