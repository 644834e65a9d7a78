"""Bytes beside their fields: nothing lost, nothing twice, and the fields that `messages` reads."""

from __future__ import annotations

import pytest
from hypothesis import given

from bitcoin_handshake.messages import Alert, EmptyMessage, Message
from bitcoin_handshake.transcript.layout import Span, header_spans, payload_spans
from bitcoin_handshake.transport.v1 import serialize_message
from tests.message_literals import ALL
from tests.strategies import messages


@pytest.mark.parametrize(("message", "payload"), ALL)
def test_spans_are_the_payload(message: Message, payload: bytes) -> None:
    position = 7
    for span in payload_spans(message.msg_type, payload, 7):
        assert span.offset == position
        position += len(span.data)
    assert position == 7 + len(payload)


@pytest.mark.parametrize(("message", "payload"), ALL)
@pytest.mark.parametrize("cut", [1, 3])
def test_what_is_cut_off_is_still_there(message: Message, payload: bytes, cut: int) -> None:
    data = payload[:-cut] + b""
    assert b"".join(span.data for span in payload_spans(message.msg_type, data)) == data


@pytest.mark.parametrize(("message", "payload"), ALL)
def test_every_byte_of_a_message_with_fields_has_a_name(message: Message, payload: bytes) -> None:
    names = [span.name for span in payload_spans(message.msg_type, payload)]
    assert all(names) or isinstance(message, EmptyMessage)
    assert not any(name.startswith("(") and name != "(trailing)" for name in names)


@given(messages)
def test_what_is_trailing_is_what_messages_call_so(message: Message) -> None:
    spans = list(payload_spans(message.msg_type, message.serialize()))
    assert b"".join(span.data for span in spans) == message.serialize()
    if not isinstance(message, (EmptyMessage, Alert)):  # an alert has bytes behind its body too
        trailing = b"".join(span.data for span in spans if span.name.startswith("("))
        assert trailing == getattr(message, "trailing", b"")


def test_meanings_are_the_values_that_messages_have() -> None:
    compared = 0
    for message, payload in ALL:
        fields = message.to_json()
        for span in payload_spans(message.msg_type, payload):
            if isinstance(fields.get(span.name), (int, str)) and span.meaning and span.name != "services":
                assert span.meaning == str(fields[span.name])
                compared += 1
    assert compared > 40


def test_a_ping_and_its_header() -> None:
    data = serialize_message(bytes.fromhex("f9beb4d9"), "ping", bytes(range(8)))
    assert list(header_spans(data[:24])) == [
        Span(0, bytes.fromhex("f9beb4d9"), "magic", ""),
        Span(4, b"ping".ljust(12, b"\0"), "msg_type", "ping"),
        Span(16, b"\x08\0\0\0", "length", "8"),
        Span(20, data[20:24], "checksum", ""),
    ]
    assert list(payload_spans("ping", data[24:], 24)) == [
        Span(24, bytes(range(8)), "nonce", "0706050403020100")
    ]


def test_unknown_types_and_trailing_bytes() -> None:
    assert list(payload_spans("xyz", b"ab")) == [Span(0, b"ab", "", "")]
    assert list(payload_spans("xyz", b"")) == []
    assert list(payload_spans("pong", bytes(9)))[1] == Span(8, b"\0", "(trailing)", "")


@pytest.mark.parametrize("payload", ["fd", "fdff", "fd0100", "fe00000100ff"])
def test_a_count_that_is_none_is_not_lost(payload: str) -> None:
    data = bytes(4) + bytes.fromhex(payload)
    assert b"".join(span.data for span in payload_spans("getheaders", data)) == data


def test_a_count_that_lies_takes_no_time() -> None:
    spans = list(payload_spans("inv", b"\xfe\xff\xff\xff\x7f" + bytes(36)))
    assert b"".join(span.data for span in spans) == b"\xfe\xff\xff\xff\x7f" + bytes(36)
