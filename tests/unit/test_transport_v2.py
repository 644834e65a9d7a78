"""The v2 transport: the captured session byte for byte, each state, each way to end."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from bitcoin_handshake.errors import (
    AnomalyCode,
    AuthenticationFailed,
    BadMagic,
    FailureCode,
    LocalProtocolError,
    LooksLikeV1,
    NoGarbageTerminator,
    OtherChain,
    PacketTooLarge,
    PeerError,
    Phase,
)
from bitcoin_handshake.handshake import Handshake, LocalVersion
from bitcoin_handshake.protocol import MAX_PROTOCOL_MESSAGE_LENGTH
from bitcoin_handshake.session import Session
from bitcoin_handshake.transport.base import MAX_KEPT_PAYLOAD, Transport
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.bip324.packets import MAX_GARBAGE_LEN
from bitcoin_handshake.transport.events import MAX_TRANSPORT_EVENTS
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import MAX_CONTENTS_LEN, RecvState, V2Transport
from tests.helpers import chunked, own_vectors
from tests.v2_peers import (
    MAGIC,
    OTHER_MAGIC,
    ManualPeer,
    drain,
    failure,
    initiator,
    key_pair,
    messages,
    pump,
    responder,
)

CAPTURE: dict[str, Any] = json.loads(own_vectors("observed_v2_session.json").read_text())
INITIATOR_STREAM = bytes.fromhex(CAPTURE["initiator_stream_hex"])
RESPONDER_STREAM = bytes.fromhex(CAPTURE["responder_stream_hex"])

CONVERSATION = [
    "version",
    "wtxidrelay",
    "sendaddrv2",
    "verack",
    "sendcmpct",
    "ping",
    "getheaders",
    "feefilter",
    "pong",
]

SIZES = [0, 1, 100, MAX_KEPT_PAYLOAD - 1, MAX_KEPT_PAYLOAD]


def connected(**options: Any) -> tuple[V2Transport, V2Transport]:
    a, b = initiator(**options), responder()
    pump(a, b)
    assert a.phase is None
    assert b.phase is None
    return a, b


def manual_responder(**options: Any) -> tuple[V2Transport, ManualPeer]:
    """A manual peer that answers an initiator under test."""
    return initiator(**options), ManualPeer(initiating=False, ours=key_pair(0)[1])


# The captured session


def captured_initiator(**options: Any) -> V2Transport:
    return V2Transport(
        magic=bytes.fromhex(CAPTURE["magic"]),
        initiating=True,
        keys=(bytes.fromhex(CAPTURE["initiator_privkey"]), bytes.fromhex(CAPTURE["initiator_ellswift"])),
        garbage=bytes.fromhex(CAPTURE["initiator_garbage"]),
        decoys=[bytes.fromhex(CAPTURE["initiator_packets"][0]["contents_hex"])],
        **options,
    )


def captured_responder() -> V2Transport:
    """The node's end: its private key is not in the capture, so a stand-in takes its place."""
    return V2Transport(
        magic=bytes.fromhex(CAPTURE["magic"]),
        initiating=False,
        keys=(b"\1" * 32, bytes.fromhex(CAPTURE["responder_ellswift"])),
        garbage=bytes.fromhex(CAPTURE["responder_garbage"]),
    )


def say(transport: V2Transport, packets: list[dict[str, Any]]) -> None:
    """Send the messages of the captured packets, through the interface that takes type and payload."""
    for packet in packets:
        contents = bytes.fromhex(packet["contents_hex"])
        if contents[0]:
            names = {0x05: "feefilter", 0x0C: "getheaders", 0x12: "ping", 0x13: "pong", 0x14: "sendcmpct"}
            transport.send_message(names[contents[0]], contents[1:])
        else:
            transport.send_message(contents[1:13].rstrip(b"\0").decode(), contents[13:])


def test_capture_is_whole() -> None:
    assert len(INITIATOR_STREAM) == 413
    assert len(RESPONDER_STREAM) == 3558


def test_our_side_of_the_capture_is_reproduced() -> None:
    transport = captured_initiator()
    sent = transport.data_to_send()
    say(transport, CAPTURE["initiator_packets"][2:4])  # queued before the node's key is there
    assert transport.data_to_send() == b""
    transport.receive_data(RESPONDER_STREAM[:64])
    assert sent == INITIATOR_STREAM[:64]
    sent += transport.data_to_send()
    assert sent == INITIATOR_STREAM[: len(sent)]
    transport.receive_data(RESPONDER_STREAM[64:])
    say(transport, CAPTURE["initiator_packets"][4:])
    sent += transport.data_to_send()
    assert sent == INITIATOR_STREAM
    assert transport.packets_sent == 7


def test_the_nodes_side_of_the_capture_is_reproduced(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = bytes.fromhex(CAPTURE["ecdh_shared_secret"])
    monkeypatch.setattr(ellswift, "xdh", lambda *_, **__: secret)
    transport = captured_responder()
    transport.receive_data(INITIATOR_STREAM)
    say(transport, CAPTURE["responder_packets"][1:])
    assert transport.data_to_send() == RESPONDER_STREAM
    expected = ["version", "wtxidrelay", "sendaddrv2", "verack", "ping"]
    assert [name for name, _ in messages(transport)] == expected
    assert transport.garbage_received == 30
    assert transport.decoys_received == 1
    assert transport.packets_received == 7


@pytest.mark.parametrize("step", [1, 2, 15, 64, 1000, 5000])
def test_the_nodes_stream_yields_its_messages(step: int) -> None:
    transport = captured_initiator()
    received = []
    for piece in chunked(RESPONDER_STREAM, range(0, len(RESPONDER_STREAM), step)):
        transport.receive_data(piece)
        received += drain(transport)
    assert [message.msg_type for message in received] == CONVERSATION
    for message, packet in zip(received, CAPTURE["responder_packets"][1:], strict=True):
        contents = bytes.fromhex(packet["contents_hex"])
        assert message.payload == contents[1 if contents[0] else 13 :]
        assert message.size == len(message.payload or b"")
        assert message.anomaly is None
    assert transport.session_id is not None
    assert transport.session_id.hex() == CAPTURE["session_id"]
    assert transport.garbage_received == len(CAPTURE["responder_garbage"]) // 2
    assert transport.decoys_received == 0
    assert transport.version_contents_received == 0
    assert transport.packets_received == 10
    assert (transport.consumed, transport.buffered) == (len(RESPONDER_STREAM), 0)


@pytest.mark.parametrize("step", [1, 100, 5000])
def test_a_session_over_the_nodes_stream_completes(step: int) -> None:
    """The capture's `version` holds what that client said; what the session says is its own."""
    local = LocalVersion(user_agent=b"/test:0.1/")
    version = local.serialize(nonce=1, time_unix=0, ip=bytes(16), port=0)
    session = Session(captured_initiator(), Handshake(version, initiating=True), now=0.0, deadline=10.0)
    assert session.phase is Phase.KEY
    phases = [session.phase]
    for piece in chunked(RESPONDER_STREAM, range(0, len(RESPONDER_STREAM), step)):
        session.receive_data(piece, now=1.0)
        if session.phase is not phases[-1]:
            phases.append(session.phase)
    assert session.is_complete
    assert session.error is None
    assert session.handshake.peer_version is not None
    assert session.handshake.peer_version.user_agent == b"/Satoshi:28.1.0(inquisition)/"
    if step == 1:
        assert phases == [Phase.KEY, Phase.GARBAGE, Phase.VERSION_PACKET, Phase.VERSION, Phase.VERACK]


# The handshake


def test_is_a_transport() -> None:
    transport: Transport = initiator()
    assert transport.name == "v2"


def test_initiator_speaks_first_and_responder_waits() -> None:
    a, b = initiator(garbage=b"garbage"), responder()
    a.send_message("version", b"waits for the peer's key")
    assert a.data_to_send() == key_pair(0)[1]
    assert a.data_to_send() == b""
    assert b.data_to_send() == b""
    assert (a.recv_state, b.recv_state) == (RecvState.KEY, RecvState.KEY_MAYBE_V1)
    assert a.phase is b.phase is Phase.KEY


def test_phases_and_facts_advance_with_the_bytes() -> None:
    a, peer = manual_responder()
    stream = peer.opening(b"g" * 20, version_contents=b"future")
    a.data_to_send()
    a.receive_data(stream[:63])
    assert (a.phase, a.key_received, a.session_id) == (Phase.KEY, False, None)
    assert (a.consumed, a.buffered) == (0, 63)
    a.receive_data(stream[63:64])
    assert (a.phase, a.key_received, a.garbage_received) == (Phase.GARBAGE, True, None)
    assert a.session_id is not None
    assert a.data_to_send() != b""
    a.receive_data(stream[64:99])
    assert (a.phase, a.consumed, a.buffered) == (Phase.GARBAGE, 64, 35)
    a.receive_data(stream[99:100])
    assert (a.phase, a.garbage_received) == (Phase.VERSION_PACKET, 20)
    a.receive_data(stream[100:-1])
    assert (a.phase, a.version_contents_received) == (Phase.VERSION_PACKET, None)
    assert a.next_message() is None
    a.receive_data(stream[-1:])
    assert (a.phase, a.recv_state, a.version_contents_received) == (None, RecvState.APP, 6)
    assert a.next_message() is None
    assert (a.consumed, a.buffered) == (len(stream), 0)


def test_both_sides_have_one_session_id() -> None:
    a, b = connected()
    assert a.session_id == b.session_id is not None
    assert a.session_id is not None
    assert len(a.session_id) == 32


def test_messages_flow_both_ways_and_wait_for_the_keys() -> None:
    a, b = initiator(garbage=b"x"), responder(garbage=b"yy")
    a.send_message("version", b"from a")
    b.send_message("version", b"from b")
    pump(a, b)
    a.send_message("ping", b"12345678")
    pump(a, b)
    assert messages(b) == [("version", b"from a"), ("ping", b"12345678")]
    assert messages(a) == [("version", b"from b")]
    assert (a.garbage_received, b.garbage_received) == (2, 1)
    assert (a.packets_sent, b.packets_received) == (3, 3)


def test_initiator_does_not_wait_for_anything_but_the_key() -> None:
    a, peer = manual_responder()
    a.send_message("version", b"")
    a.data_to_send()
    a.receive_data(peer.key)
    # Terminator, version packet and the message, in one go.
    assert len(a.data_to_send()) == 16 + 20 + 33


@pytest.mark.parametrize("length", [0, 1, 15, 16, 100, MAX_GARBAGE_LEN])
@pytest.mark.parametrize("decoys", [(), (b"", b"long" * 100, b"x")])
@pytest.mark.parametrize("version_contents", [b"", b"something of the future"])
def test_any_garbage_decoys_and_version_contents(
    length: int, decoys: tuple[bytes, ...], version_contents: bytes
) -> None:
    options: dict[str, Any] = {"decoys": decoys, "version_contents": version_contents}
    a, b = initiator(garbage=b"g" * length, **options), responder(garbage=bytes(length), **options)
    a.send_message("ping", b"1")
    b.send_message("pong", b"2")
    pump(a, b)
    assert (messages(a), messages(b)) == ([("pong", b"2")], [("ping", b"1")])
    for side in (a, b):
        assert side.garbage_received == length
        assert side.decoys_received == len(decoys)
        assert side.version_contents_received == len(version_contents)


def test_decoys_after_the_version_packet_are_counted_and_skipped() -> None:
    a, b = connected()
    for _ in range(500):  # more than two changes of keys
        a.send_decoy(b"nothing")
    a.send_message("ping", b"1")
    a.send_decoy(b"")
    pump(a, b)
    assert messages(b) == [("ping", b"1")]
    assert b.decoys_received == 501
    assert b.packets_received == a.packets_sent == 503


def test_decoys_alone_deliver_nothing() -> None:
    a, b = connected()
    a.send_decoy(b"x")
    pump(a, b)
    assert b.next_message() is None
    assert b.buffered == 0


@pytest.mark.parametrize("count", [222, 223, 224, 225, 448, 1000])
def test_messages_cross_the_changes_of_keys(count: int) -> None:
    a, b = connected()
    for number in range(count):
        a.send_message("ping", number.to_bytes(8, "little"))
        b.send_message("pong", number.to_bytes(8, "big"))
    pump(a, b)
    assert messages(b) == [("ping", number.to_bytes(8, "little")) for number in range(count)]
    assert messages(a) == [("pong", number.to_bytes(8, "big")) for number in range(count)]


# Messages


@pytest.mark.parametrize("size", SIZES)
def test_payload_up_to_the_limit_is_kept(size: int) -> None:
    a, b = connected()
    a.send_message("block", b"p" * size)
    pump(a, b)
    (message,) = drain(b)
    assert (message.msg_type, message.payload, message.size) == ("block", b"p" * size, size)


@pytest.mark.parametrize("size", [MAX_KEPT_PAYLOAD + 1, MAX_PROTOCOL_MESSAGE_LENGTH])
@pytest.mark.parametrize("msg_type", ["block", "longtype"])
def test_longer_payload_is_counted_and_not_kept(size: int, msg_type: str) -> None:
    a, b = connected()
    a.send_message(msg_type, bytes(size))
    a.send_message("ping", b"next")
    pump(a, b)
    long, short = drain(b)
    assert (long.msg_type, long.payload, long.size, long.anomaly) == (msg_type, None, size, None)
    assert (short.msg_type, short.payload) == ("ping", b"next")
    assert b.buffered == 0


@pytest.mark.parametrize(
    ("contents", "shown", "size"),
    [
        pytest.param(b"", "", 0, id="empty"),
        pytest.param(b"\xc8payload", "\\xc8", 7, id="unknown id"),
        pytest.param(b"\0ver", "\\x00ver", 0, id="cut long form"),
        pytest.param(
            b"\0ver\x1bion\0\0\0\0\0payload", "\\x00ver\\x1bion" + "\\x00" * 5, 7, id="bad long form"
        ),
    ],
)
def test_unreadable_type_costs_the_message_only(contents: bytes, shown: str, size: int) -> None:
    a, peer = manual_responder()
    a.receive_data(peer.opening() + peer.cipher.encrypt(contents) + peer.cipher.encrypt(b"\x12next"))
    bad, good = drain(a)
    assert (bad.msg_type, bad.size, bad.anomaly) == (shown, size, AnomalyCode.V2_BAD_MSG_TYPE)
    assert bad.payload == b"payload"[:size]
    assert (good.msg_type, good.payload, good.anomaly) == ("ping", b"next", None)


def test_reserved_header_bits_are_ignored() -> None:
    a, peer = manual_responder()
    a.receive_data(peer.opening())
    length = (5 ^ peer.cipher._next_send_mask()).to_bytes(3, "little")
    a.receive_data(length + peer.cipher._send_packet.encrypt(b"\x7f\x12ping", b""))
    assert messages(a) == [("ping", b"ping")]


def test_long_form_of_a_type_with_an_id_is_accepted() -> None:
    a, peer = manual_responder()
    a.receive_data(peer.opening() + peer.cipher.encrypt(b"\0ping\0\0\0\0\0\0\0\0payload"))
    assert messages(a) == [("ping", b"payload")]


# Events


def test_events_say_what_happened_and_where() -> None:
    a, peer = manual_responder()
    decoy = peer.cipher.encrypt(b"decoy", aad=b"garbage", ignore=True)
    version_packet = peer.cipher.encrypt(b"v" * 3)
    late_decoy = peer.cipher.encrypt(b"late", ignore=True)
    a.receive_data(peer.key + b"garbage" + peer.terminator + decoy + version_packet + late_decoy)
    assert a.next_message() is None
    events = iter(a.next_transport_event, None)
    assert [(event.kind, event.offset, event.size) for event in events] == [
        ("key", 64, 64),
        ("garbage", 87, 7),
        ("decoy", 112, 5),
        ("version_packet", 135, 3),
        ("decoy", 159, 4),
    ]
    assert a.next_transport_event() is None


def test_events_are_kept_only_where_asked_for() -> None:
    transport = captured_initiator()
    transport.receive_data(RESPONDER_STREAM)
    assert transport.phase is None
    assert transport.next_transport_event() is None


def test_events_nobody_fetches_are_bounded() -> None:
    a, peer = manual_responder()
    a.receive_data(peer.opening())
    for _ in range(MAX_TRANSPORT_EVENTS + 10):
        a.receive_data(peer.cipher.encrypt(b"", ignore=True))
    assert a.next_message() is None
    assert len(list(iter(a.next_transport_event, None))) == MAX_TRANSPORT_EVENTS
    assert a.decoys_received == MAX_TRANSPORT_EVENTS + 10


# v1 at the other end


V1_START = MAGIC + b"version\0\0\0\0\0"


def test_responder_becomes_v1_at_the_sixteenth_byte() -> None:
    v1, b = V1Transport(MAGIC), responder(garbage=b"never sent")
    b.send_message("version", b"ours, queued")
    v1.send_message("version", b"hello")
    data = v1.data_to_send()
    for byte in data[:15]:
        b.receive_data(bytes([byte]))
        assert (b.name, b.recv_state, b.data_to_send()) == ("v2", RecvState.KEY_MAYBE_V1, b"")
    b.receive_data(data[15:16])
    assert (b.name, b.recv_state, b.phase) == ("v1", RecvState.V1, None)
    b.receive_data(data[16:] + b"\xf9")
    assert messages(b) == [("version", b"hello")]
    assert (b.consumed, b.buffered) == (len(data), 1)
    v1.receive_data(b.data_to_send())
    assert messages(v1) == [("version", b"ours, queued")]
    b.send_message("verack", b"")
    v1.receive_data(b.data_to_send())
    assert messages(v1) == [("verack", b"")]
    event = b.next_transport_event()
    assert event is not None
    assert (event.kind, event.offset) == ("v1", 16)
    assert not b.key_received


def test_what_v1_fails_with_comes_through() -> None:
    b = responder()
    b.receive_data(V1_START + b"\xff\xff\xff\xff" + bytes(4))
    error = failure(b)
    assert error is not None
    assert error.code is FailureCode.V1_MESSAGE_TOO_LARGE


@pytest.mark.parametrize("position", range(16))
def test_first_difference_makes_it_v2(position: int) -> None:
    b = responder(garbage=b"gg")
    b.receive_data(V1_START[:position])
    assert b.data_to_send() == b""
    b.receive_data(bytes([V1_START[position] ^ 1]))
    assert b.data_to_send() == key_pair(1)[1] + b"gg"
    assert b.recv_state is RecvState.KEY


def test_responder_without_v1_calls_it_that() -> None:
    b = responder(falls_back=False)
    b.receive_data(V1_START + b"behind")
    error = failure(b)
    assert isinstance(error, LooksLikeV1)
    assert (b.consumed, error.phase) == (16, Phase.KEY)


@pytest.mark.parametrize(
    ("magic", "kind"), [(OTHER_MAGIC, OtherChain), (bytes.fromhex("01020304"), BadMagic)]
)
def test_responder_hangs_up_on_v1_of_another_chain(magic: bytes, kind: type[BadMagic]) -> None:
    b = responder()
    b.receive_data(magic + b"version\0\0\0\0\0" + b"behind")
    error = failure(b)
    assert type(error) is kind
    assert isinstance(error, BadMagic)
    assert (error.received, error.expected, error.phase, error.offset) == (magic, MAGIC, Phase.KEY, 16)


@pytest.mark.parametrize("magic", [MAGIC, OTHER_MAGIC])
@pytest.mark.parametrize("step", [1, 16, 100])
def test_initiator_recognises_an_answer_in_v1(magic: bytes, step: int) -> None:
    a = initiator()
    v1 = V1Transport(magic)
    v1.send_message("version", bytes(100))
    for piece in chunked(v1.data_to_send(), range(0, 124, step)):
        a.receive_data(piece)
    error = failure(a)
    assert isinstance(error, LooksLikeV1)
    assert error.retry_v1
    assert (a.consumed, a.buffered, error.phase, error.offset) == (16, 0, Phase.KEY, 16)


# What is held


def test_memory_of_a_long_message_is_given_back_at_once() -> None:
    a, b = connected()
    a.send_message("block", bytes(1_000_000))
    pump(a, b)
    assert sys.getsizeof(b._buffer._data) > 1_000_000
    drain(b)
    assert sys.getsizeof(b._buffer._data) < 1000


def test_private_key_is_forgotten_once_used() -> None:
    a, b = connected()
    assert a._private_key == b._private_key == b""


# Failures


def test_failure_is_final_and_always_the_same() -> None:
    a, peer = manual_responder()
    a.receive_data(peer.opening())
    good, bad = peer.cipher.encrypt(b"\x12ok"), bytearray(peer.cipher.encrypt(b"\x12bad"))
    bad[5] ^= 1
    a.receive_data(good + bytes(bad) + peer.cipher.encrypt(b"\x12late"))
    assert a.next_message() is not None
    first = failure(a)
    assert isinstance(first, AuthenticationFailed)
    a.receive_data(peer.cipher.encrypt(b"\x12later"))
    a.receive_data(bytes(100_000))
    assert failure(a) is first
    assert a.buffered == 0
    assert a.consumed == first.offset == 64 + 16 + 20 + 23 + 24
    assert first.packet_index == 2
    assert first.phase is None
    a.send_message("ping", b"")  # nobody reads it, nothing breaks
    assert len(a.data_to_send()) > 0


def test_sending_before_the_key_into_a_dead_stream_keeps_nothing() -> None:
    b = responder(falls_back=False)
    b.receive_data(V1_START)
    b.send_message("ping", b"")
    assert b.data_to_send() == b""
    assert b._pending == []


@pytest.mark.parametrize("step", [1, 100, 10_000])
def test_4096_bytes_of_garbage_are_too_many(step: int) -> None:
    a, peer = manual_responder()
    stream = peer.key + bytes(MAX_GARBAGE_LEN + 1) + peer.terminator
    for piece in chunked(stream, range(0, len(stream), step)):
        a.receive_data(piece)
    error = failure(a)
    assert isinstance(error, NoGarbageTerminator)
    assert (error.phase, error.received, a.consumed) == (Phase.GARBAGE, 4111, 64 + 4111)


def test_another_chain_sends_a_key_and_never_a_terminator() -> None:
    a, b = initiator(), responder(magic=OTHER_MAGIC, garbage=bytes(500))
    pump(a, b)
    assert (a.phase, b.phase) == (Phase.GARBAGE, Phase.GARBAGE)
    assert (a.key_received, a.garbage_received) == (True, None)
    assert a.buffered == 500 + 16 + 20
    assert a.session_id != b.session_id
    for _ in range(300):
        b.send_message("ping", b"12345678")
    pump(a, b)
    assert isinstance(failure(a), NoGarbageTerminator)


def test_first_packet_is_authenticated_over_the_garbage() -> None:
    a, peer = manual_responder()
    a.receive_data(peer.key + b"garbage" + peer.terminator + peer.cipher.encrypt(b"", aad=b"other"))
    error = failure(a)
    assert isinstance(error, AuthenticationFailed)
    assert (error.phase, error.packet_index) == (Phase.VERSION_PACKET, 0)


def test_second_packet_is_not_authenticated_over_the_garbage() -> None:
    a, peer = manual_responder()
    a.receive_data(peer.key + b"garbage" + peer.terminator)
    a.receive_data(peer.cipher.encrypt(b"", aad=b"garbage", ignore=True))
    a.receive_data(peer.cipher.encrypt(b"", aad=b"garbage"))
    error = failure(a)
    assert isinstance(error, AuthenticationFailed)
    assert error.packet_index == 1


def test_longest_packet_of_core_and_one_byte_more() -> None:
    assert MAX_CONTENTS_LEN == 4_000_013
    a, peer = manual_responder()
    a.receive_data(peer.opening() + peer.cipher.encrypt(b"\0block\0\0\0\0\0\0\0" + bytes(4_000_000)))
    (message,) = drain(a)
    assert message.size == 4_000_000
    a.receive_data(peer.cipher.encrypt(bytes(4_000_014))[:3])
    error = failure(a)
    assert isinstance(error, PacketTooLarge)
    assert (error.length, error.limit) == (4_000_014, 4_000_013)
    assert a.buffered == 0


def test_limit_of_a_packet_can_be_lowered() -> None:
    a, peer = manual_responder(max_packet_contents=100)
    a.receive_data(
        peer.opening() + peer.cipher.encrypt(b"\x12" + bytes(99)) + peer.cipher.encrypt(bytes(101))
    )
    assert a.next_message() is not None
    assert isinstance(failure(a), PacketTooLarge)


def test_limit_holds_for_the_version_packet_too() -> None:
    a, peer = manual_responder(max_packet_contents=100)
    a.receive_data(peer.key + peer.terminator + peer.cipher.encrypt(bytes(101), aad=b""))
    error = failure(a)
    assert isinstance(error, PacketTooLarge)
    assert error.phase is Phase.VERSION_PACKET


# Our own mistakes


@pytest.mark.parametrize(
    "options",
    [
        {"magic": b"abc"},
        {"keys": (bytes(31), bytes(64))},
        {"keys": (bytes(32), bytes(63))},
        {"garbage": bytes(MAX_GARBAGE_LEN + 1)},
    ],
)
def test_wrong_lengths_are_refused(options: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"magic": MAGIC, "initiating": True, "keys": key_pair(0), "garbage": b""}
    with pytest.raises(LocalProtocolError):
        V2Transport(**arguments | options)


def test_no_decoy_before_there_are_keys() -> None:
    with pytest.raises(LocalProtocolError):
        initiator().send_decoy(b"")


def test_what_is_no_message_type_is_refused_at_once() -> None:
    a = initiator()
    with pytest.raises(LocalProtocolError):
        a.send_message("thirteen_char", b"")


def test_errors_are_peer_errors() -> None:
    for kind in (NoGarbageTerminator, AuthenticationFailed, PacketTooLarge, LooksLikeV1, BadMagic):
        assert issubclass(kind, PeerError)
