"""Both tables of one-byte ids and both forms of a message type."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.errors import LocalProtocolError
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.transport.bip324.short_ids import (
    MSG_TYPES,
    SHORT_IDS,
    deserialize_msg_type,
    serialize_msg_type,
)
from tests.helpers import own_vectors

TABLE = json.loads(own_vectors("bip324_short_ids.json").read_text())


def test_assigned_ids_are_those_of_the_table() -> None:
    assert {row["command"]: row["id"] for row in TABLE["assigned"]} == SHORT_IDS
    assert len(SHORT_IDS) == 28


def test_drafts_are_read_and_never_sent() -> None:
    both = TABLE["assigned"] + TABLE["draft"]
    assert {row["id"]: row["command"] for row in both} == MSG_TYPES
    for row in TABLE["draft"]:
        assert len(serialize_msg_type(row["command"])) == 13


@pytest.mark.parametrize("msg_type", TABLE["long_form_only"])
def test_types_without_an_id_take_the_long_form(msg_type: str) -> None:
    expected = b"\0" + msg_type.encode().ljust(12, b"\0")
    assert serialize_msg_type(msg_type) == expected
    assert deserialize_msg_type(expected + b"payload") == (msg_type, 13)


def test_literal_bytes() -> None:
    assert serialize_msg_type("ping") == b"\x12"
    assert serialize_msg_type("addrv2") == b"\x1c"
    assert serialize_msg_type("version") == bytes.fromhex("0076657273696f6e0000000000")
    assert serialize_msg_type("feature") == b"\0feature\0\0\0\0\0"
    assert serialize_msg_type("twelve_chars") == b"\0twelve_chars"
    assert deserialize_msg_type(b"\x25") == ("feature", 1)
    assert deserialize_msg_type(b"H\x12abc", 1) == ("ping", 2)


@pytest.mark.parametrize("msg_type", [*MsgType, "", "x", "not known", "a\x7fb"])
def test_every_type_survives_both_forms(msg_type: str) -> None:
    written = serialize_msg_type(msg_type)
    assert deserialize_msg_type(written) == (msg_type, len(written))
    long_form = b"\0" + msg_type.encode().ljust(12, b"\0")
    assert deserialize_msg_type(long_form + b"\0\0") == (msg_type, 13)


@pytest.mark.parametrize(
    ("contents", "start", "payload_at"),
    [
        pytest.param(b"", 0, 0, id="empty"),
        pytest.param(b"H", 1, 1, id="empty behind a header"),
        pytest.param(b"\x26payload", 0, 1, id="first unknown id"),
        pytest.param(b"\xff", 0, 1, id="last unknown id"),
        pytest.param(b"\0", 0, 1, id="long form of nothing"),
        pytest.param(b"\0version\0\0\0\0", 0, 12, id="long form cut"),
        pytest.param(b"\0twelve_char", 0, 12, id="long form cut without NUL"),
        pytest.param(b"\0ver\0ion\0\0\0\0\0payload", 0, 13, id="text behind a NUL"),
        pytest.param(b"\0ver\x1fion\0\0\0\0\0payload", 0, 13, id="control character"),
        pytest.param(b"\0ver\x80ion\0\0\0\0\0payload", 0, 13, id="not ASCII"),
    ],
)
def test_what_is_no_type(contents: bytes, start: int, payload_at: int) -> None:
    assert deserialize_msg_type(contents, start) == (None, payload_at)


@pytest.mark.parametrize("msg_type", ["thirteen_char", "\x1f", "\x80", "a\0b"])
def test_writing_what_is_no_type_is_a_bug_of_ours(msg_type: str) -> None:
    with pytest.raises(LocalProtocolError):
        serialize_msg_type(msg_type)
