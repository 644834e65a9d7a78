"""What a transport delivers that is fed from lines."""

from __future__ import annotations

from typing import Any

import pytest

from bitcoin_handshake.errors import AnomalyCode, AuthenticationFailed, PeerError, Phase, V2TransportError
from bitcoin_handshake.transcript.reader import TranscriptLine
from bitcoin_handshake.transcript.scripted import Feed, ScriptedTransport
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from tests.simulated import REGTEST
from tests.transcripts import ListSink

MAGIC = REGTEST.magic


def _line(event: str, **facts: Any) -> TranscriptLine:
    return TranscriptLine(2, event, {"event": event, "connection": 1, "at_ms": 1.0, **facts})


def _received(**facts: Any) -> TranscriptLine:
    message = {"direction": "received", "msg_type": "tx", "size": 0, "header": None, "payload": ""}
    return _line("message", **(message | {"skipped": None, "offset": 0} | facts))


def _fed(transport: ScriptedTransport, *lines: TranscriptLine) -> bytes:
    feed = Feed(transport)
    for line in lines:
        feed.add(line)
    transport.receive_data(feed.data())
    return feed.data()


def test_v1_bytes_go_through_the_real_transport() -> None:
    transport = ScriptedTransport("v1", V1Transport(MAGIC), ListSink())
    data = serialize_message(MAGIC, "ping", bytes(8))
    assert _fed(transport, _received(header=data[:24].hex(), payload=data[24:].hex(), size=8)) == data
    message = transport.next_message()
    assert message is not None
    assert (message.msg_type, message.payload, transport.consumed) == ("ping", bytes(8), 32)
    assert transport.next_message() is None


def test_a_payload_that_is_not_there_is_so_many_bytes() -> None:
    transport = ScriptedTransport("v1", V1Transport(MAGIC), ListSink())
    header = serialize_message(MAGIC, "tx", bytes(70_000))[:24].hex()
    assert len(_fed(transport, _received(header=header, payload=None, size=70_000))) == 70_024
    message = transport.next_message()
    assert message is not None
    assert (message.payload, message.size, transport.consumed) == (None, 70_000, 70_024)


def test_v2_phases_follow_the_events() -> None:
    transport = ScriptedTransport("v2", None, ListSink())
    assert transport.phase is Phase.KEY
    phases = []
    for kind, offset in (("key", 64), ("garbage", 100), ("decoy", 130), ("version_packet", 150)):
        _fed(transport, _line("transport", kind=kind, offset=offset, size=1))
        phases.append(transport.phase)
        assert transport.consumed == offset
    assert phases == [Phase.GARBAGE, Phase.VERSION_PACKET, Phase.VERSION_PACKET, None]
    _fed(transport, _line("bytes", offset=170, size=20, data=None))
    assert transport.buffered == 20


def test_a_failure_is_raised_again_and_again() -> None:
    transport = ScriptedTransport("v2", None, ListSink())
    failed = _line("failed", code="v2.authentication_failed", offset=90, facts={"packet_index": 3})
    _fed(transport, _line("transport", kind="key", offset=64, size=64), failed)
    for _ in range(2):
        with pytest.raises(AuthenticationFailed, match="packet 3") as caught:
            transport.next_message()
        assert caught.value.phase is Phase.GARBAGE
    assert transport.consumed == 90


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("v2.no_garbage_terminator", {"received": 4111}),
        ("v2.packet_too_large", {"length": 9, "limit": 8}),
        ("v2.looks_like_v1", {}),
        ("handshake.self_connection", {}),
        ("v1.other_chain", {"received": "f9beb4d9", "expected": "fabfb5da", "chain": "Bitcoin mainnet"}),
        ("v1.bad_magic", {"received": "00000000", "expected": "fabfb5da"}),
        ("foreign.http", {"received": "48545450", "expected": "fabfb5da"}),
    ],
)
def test_every_failure_of_v2_can_be_made_again(code: str, facts: dict[str, object]) -> None:
    transport = ScriptedTransport("v2", None, ListSink())
    _fed(transport, _line("failed", code=code, offset=0, facts=facts))
    with pytest.raises(PeerError) as caught:
        transport.next_message()
    assert caught.value.code == code


@pytest.mark.parametrize(
    "facts", [{}, {"packet_index": "x"}, {"packet_index": None}, {"packet_index": 1e999}]
)
def test_facts_that_do_not_belong_are_refused(facts: dict[str, object]) -> None:
    transport = ScriptedTransport("v2", None, ListSink())
    with pytest.raises(ValueError, match="'facts' do not belong to the 'code'"):
        _fed(transport, _line("failed", code="v2.authentication_failed", offset=0, facts=facts))
    assert issubclass(AuthenticationFailed, V2TransportError)


def test_counted_messages_are_what_they_were_not() -> None:
    sink = ListSink()
    transport = ScriptedTransport("v2", None, sink)
    _fed(transport, _received(offset=30, skipped="v2.bad_msg_type"))
    transport.next_message()
    _fed(transport, _line("omitted", offset=500, messages=2, bad_versions=1, skipped=1, decoys=3))
    seen = []
    while (message := transport.next_message()) is not None:
        seen.append((message.msg_type, message.anomaly))
    assert seen == [("", AnomalyCode.V2_BAD_MSG_TYPE), ("version", None), ("", None), ("", None)]
    assert not sink.has_room
    assert [transport.next_transport_event() is None for _ in range(4)] == [False, False, False, True]
    assert transport.consumed == 500


def test_an_offset_that_goes_back_is_refused() -> None:
    transport = ScriptedTransport("v2", None, ListSink())
    with pytest.raises(ValueError, match="'offset' 9 lies before 10"):
        _fed(transport, _received(offset=10), _received(offset=9))


def test_nobody_reads_what_is_sent() -> None:
    transport = ScriptedTransport("v2", None, ListSink())
    transport.send_message("ping", b"")
    assert transport.data_to_send() == b""
