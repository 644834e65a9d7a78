"""Hex and raw bytes into messages; where and why they end."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import AnomalyCode
from bitcoin_handshake.transcript.stream import (
    Damage,
    HexText,
    StreamMessage,
    chain_name,
    detect_magic,
    read_hex,
    read_stream,
)
from bitcoin_handshake.transport.v1 import serialize_message
from tests.transcripts import V1_SESSIONS

MAGIC = bytes.fromhex("fabfb5da")
PING = serialize_message(MAGIC, "ping", bytes(8))  # 24 + 8 = 32
VERACK = serialize_message(MAGIC, "verack", b"")  # 24


def _seen(data: bytes) -> list[tuple[int, str] | Damage]:
    return [
        (item.offset, item.message.msg_type) if isinstance(item, StreamMessage) else item
        for item in read_stream(data, MAGIC)
    ]


def test_a_captured_stream_is_cut_into_its_messages() -> None:
    messages = V1_SESSIONS[0]["messages"]
    data = b"".join(bytes.fromhex(message["message_hex"]) for message in messages)
    items = list(read_stream(data, MAGIC))
    assert [item.message.msg_type for item in items if isinstance(item, StreamMessage)] == [
        message["command"] for message in messages
    ]
    assert len(items) == len(messages)


@pytest.mark.parametrize(
    ("rest", "damage"),
    [
        (b"", None),
        (PING[:1], Damage(56, "ends inside a header: 1 of 24 bytes")),
        (PING[:23], Damage(56, "ends inside a header: 23 of 24 bytes")),
        (PING[:24], Damage(56, "ends inside the payload of 'ping': 0 of 8 bytes")),
        (PING[:31], Damage(56, "ends inside the payload of 'ping': 7 of 8 bytes")),
        (b"HTTP/1.1 400", Damage(56, "answers in HTTP: a web server, not a Bitcoin node")),
        (
            MAGIC + b"tx".ljust(12, b"\0") + (4_000_001).to_bytes(4, "little") + bytes(4),
            Damage(56, "announces a message of 4000001 bytes, over the limit of 4000000"),
        ),
    ],
)
def test_all_before_the_damage_is_there(rest: bytes, damage: Damage | None) -> None:
    expected: list[object] = [(0, "ping"), (32, "verack")]
    assert _seen(PING + VERACK + rest) == (expected if damage is None else [*expected, damage])


def test_a_bad_checksum_costs_its_message_only() -> None:
    items = list(read_stream(PING[:-1] + b"\1" + VERACK, MAGIC))
    assert all(isinstance(item, StreamMessage) for item in items)
    first = items[0]
    assert isinstance(first, StreamMessage)
    assert first.message.anomaly is AnomalyCode.BAD_CHECKSUM


def test_payloads_are_kept_however_long() -> None:
    [item] = read_stream(serialize_message(MAGIC, "block", bytes(1_000_000)), MAGIC)
    assert isinstance(item, StreamMessage)
    assert item.message.payload == bytes(1_000_000)


@pytest.mark.parametrize(
    ("data", "magic"),
    [
        (PING, MAGIC),
        (PING[:4], MAGIC),  # a known magic needs no more
        (serialize_message(b"abcd", "ping", bytes(8)), b"abcd"),
        (serialize_message(b"abcd", "ping", bytes(8))[:-1], b"abcd"),
        (serialize_message(b"abcd", "ping", bytes(8))[:-1] + b"\1", None),
        (b"abcd", None),
        (b"", None),
        (bytes(64), None),
        (b"abcd" + b"ping\0\0\0\0x\0\0\0" + bytes(8), None),
    ],
)
def test_magic_is_recognised(data: bytes, magic: bytes | None) -> None:
    assert detect_magic(data) == magic


@pytest.mark.parametrize(
    ("magic", "name"),
    [("f9beb4d9", "mainnet"), ("fbc0b6db", "Litecoin"), ("00000001", "custom (00000001)")],
)
def test_chains_have_names(magic: str, name: str) -> None:
    assert chain_name(bytes.fromhex(magic)) == name


@pytest.mark.parametrize(
    ("text", "data", "why"),
    [
        (b"", b"", None),
        (b" 0 1\n\tfF\r\n", b"\x01\xff", None),
        (b"012", b"\x01", "an odd number of hex digits: half a byte is left"),
        (b"01 0x02", b"\x01", "'x' at line 1, column 5 is no hex digit"),
        (b"01\n02\n 3g", b"\x01\x02", "'g' at line 3, column 3 is no hex digit"),
        (b"\xff", b"", r"'\xff' at line 1, column 1 is no hex digit"),
    ],
)
def test_hex_is_read_up_to_what_is_none(text: bytes, data: bytes, why: str | None) -> None:
    damage = None if why is None else Damage(len(data), why)
    assert read_hex(text) == HexText(data, damage)
