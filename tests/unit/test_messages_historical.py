"""reject, alert, checkorder, submitorder, reply; names without a layout."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.errors import FieldTooLong, Truncated, WireError
from bitcoin_handshake.messages import (
    NAMES_WITHOUT_LAYOUT,
    REGISTRY,
    Alert,
    Message,
    Reject,
    UnknownMessage,
    decode,
)
from bitcoin_handshake.protocol import MSG_TYPE_LEN
from tests.helpers import own_vectors, shared_vectors
from tests.message_literals import HASH_A, HISTORICAL, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), HISTORICAL, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), HISTORICAL, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


def official(command: str) -> tuple[bytes, dict[str, object]]:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    (case,) = (case for case in cases if case["command"] == command)
    return bytes.fromhex(case["payload_hex"]), case["fields"]


def test_the_final_alert() -> None:
    payload, fields = official("alert")
    message = Alert.deserialize(payload)
    assert message.serialize() == payload
    shown = message.body.to_json()
    assert {**fields, "set_sub_ver": [], "trailing": ""} == shown
    assert len(payload) == 168


def test_alerts_as_core_sent_them() -> None:
    sessions = json.loads(own_vectors("observed_v1_sessions.json").read_text())["sessions"]
    alerts = [
        bytes.fromhex(message["message_hex"])[24:]
        for session in sessions
        for message in session["messages"]
        if message["command"] == "alert"
    ]
    assert len(alerts) == 2
    for payload in alerts:
        message = Alert.deserialize(payload)
        assert message.serialize() == payload
        assert message.body.status_bar == b"URGENT: Alert key compromised, upgrade required"


def test_official_reject() -> None:
    payload, fields = official("reject")
    message = Reject.deserialize(payload)
    assert message.serialize() == payload
    assert message.to_json() == {
        "message": fields["message"],
        "ccode": fields["ccode"],
        "reason": fields["reason"],
        "data": None,
        "trailing": "",
        "ccode_name": "obsolete",
    }


def test_only_a_rejected_transaction_or_block_has_a_hash() -> None:
    block = Reject.deserialize(b"\x05block\x10\x00" + HASH_A)
    assert block.data == HASH_A
    assert block.to_json()["data"] == HASH_A[::-1].hex()
    other = Reject.deserialize(b"\x03inv\x10\x00" + HASH_A)
    assert other.data is None
    assert other.trailing == HASH_A
    with pytest.raises(Truncated):
        Reject.deserialize(b"\x02tx\x10\x00" + HASH_A[:31])


def test_reject_at_its_limits() -> None:
    longest = b"\x0c" + b"a" * 12 + b"\xff\x6f" + b"b" * 111
    assert Reject.deserialize(longest).serialize() == longest
    assert Reject.deserialize(longest).to_json()["ccode_name"] is None
    with pytest.raises(FieldTooLong):
        Reject.deserialize(b"\x0d" + b"a" * 13 + b"\x10\x00")
    with pytest.raises(FieldTooLong):
        Reject.deserialize(b"\x02tx\x10\x70" + b"b" * 112)


def alert(*, set_cancel: str = "00", set_sub_ver: str = "00", texts: bytes = bytes(3)) -> bytes:
    body = bytes(28) + bytes.fromhex(set_cancel) + bytes(8) + bytes.fromhex(set_sub_ver) + bytes(4) + texts
    return b"\xfe" + len(body).to_bytes(4, "little") + body + b"\x00"


def test_counts_in_an_alert_are_not_believed() -> None:
    padding = bytes(0x10000)
    for raw in (
        alert(set_cancel="fe00000002", texts=padding),
        alert(set_sub_ver="fe00000002", texts=padding),
    ):
        with pytest.raises(Truncated):
            Alert.deserialize(raw)


@pytest.mark.parametrize(
    "texts",
    [
        b"\xfe\x01\x00\x01\x00" + bytes(65_537) + bytes(2),
        b"\x00\xfd\x01\x01" + bytes(257) + bytes(65_537),
        b"\x00\x00\xfd\x01\x01" + bytes(257) + bytes(65_537),
    ],
    ids=["comment", "status_bar", "reserved"],
)
def test_texts_of_an_alert_have_limits(texts: bytes) -> None:
    with pytest.raises(FieldTooLong):
        Alert.deserialize(alert(texts=texts))


def test_names_without_layout_are_kept_as_bytes() -> None:
    assert not NAMES_WITHOUT_LAYOUT & REGISTRY.keys()
    for name in NAMES_WITHOUT_LAYOUT:
        assert name.isascii()
        assert len(name) <= MSG_TYPE_LEN
        assert decode(name, b"\x01\x02") == UnknownMessage(name, b"\x01\x02")
