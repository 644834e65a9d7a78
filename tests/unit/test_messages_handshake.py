"""version, verack and what may stand between them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bitcoin_handshake.errors import BadEncoding, FieldTooLong, TrailingBytes, Truncated
from bitcoin_handshake.messages import Feature, Message, SendTxRcncl, V1Address, Version
from bitcoin_handshake.wire import serialize_compact_size
from tests.helpers import shared_vectors
from tests.message_literals import HANDSHAKE, assert_both_ways, name_of

WHOLE = HANDSHAKE[0][1]
END_OF_FIELDS = (46, 80, 86, 90, 91)


@pytest.mark.parametrize(("message", "data"), HANDSHAKE, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize("length", END_OF_FIELDS)
def test_version_may_end_behind_these_fields(length: int) -> None:
    message = Version.deserialize(WHOLE[:length])
    assert message.serialize() == WHOLE[:length]
    present = [message.nonce, message.user_agent, message.start_height, message.relay]
    assert sum(value is not None for value in present) == END_OF_FIELDS.index(length)


@pytest.mark.parametrize("length", sorted(set(range(91)) - set(END_OF_FIELDS)))
def test_version_may_not_end_anywhere_else(length: int) -> None:
    with pytest.raises(Truncated):
        Version.deserialize(WHOLE[:length])


def test_version_keeps_bytes_behind_the_last_field() -> None:
    message = Version.deserialize(WHOLE + b"\xde\xad")
    assert message.trailing == b"\xde\xad"
    assert message.serialize() == WHOLE + b"\xde\xad"


@pytest.mark.parametrize("length", [0, 1, 252, 253, 256])
def test_the_short_way_and_the_general_way_agree(length: int) -> None:
    user_agent = bytes(range(256))[:length]
    whole = WHOLE[:80] + serialize_compact_size(length) + user_agent + WHOLE[-5:]
    message, general = Version.deserialize(whole), Version.deserialize(whole + b"x")
    assert message.user_agent == user_agent
    assert message.serialize() == whole
    assert replace(general, trailing=b"") == message


@pytest.mark.parametrize(("raw", "wants"), [(0, False), (1, True), (2, True), (255, True)])
def test_relay_keeps_its_raw_byte(raw: int, wants: bool) -> None:
    message = Version.deserialize(WHOLE[:-1] + bytes((raw,)))
    assert message.relay == raw
    assert message.wants_relay is wants
    assert message.serialize()[-1] == raw


def test_an_absent_relay_means_true() -> None:
    assert Version.deserialize(WHOLE[:90]).wants_relay


def test_user_agent_of_256_bytes_is_the_longest() -> None:
    longest = WHOLE[:80] + b"\xfd\x00\x01" + b"a" * 256
    assert Version.deserialize(longest).user_agent == b"a" * 256
    with pytest.raises(FieldTooLong):
        Version.deserialize(WHOLE[:80] + b"\xfd\x01\x01" + b"a" * 257)


def test_version_vectors() -> None:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    for case in (case for case in cases if case["command"] == "version"):
        payload = bytes.fromhex(case["payload_hex"])
        if "not accepted" in case.get("note", ""):
            with pytest.raises((Truncated, FieldTooLong)):
                Version.deserialize(payload)
            continue
        message = Version.deserialize(payload)
        assert message.serialize() == payload
        if "fields" not in case:
            assert message.trailing
            continue
        fields = case["fields"]
        assert (message.protocol_version, message.services, message.timestamp) == (
            fields["version"],
            fields["services"],
            fields["time"],
        )
        assert message.nonce == fields.get("nonce")
        assert message.user_agent == (fields["user_agent"].encode() if "user_agent" in fields else None)
        assert message.start_height == fields.get("start_height")


def test_version_in_the_form_for_machines() -> None:
    assert Version.deserialize(WHOLE).to_json() == {
        "protocol_version": 70016,
        "services": "0102030405060708",
        "timestamp": 1_700_000_000,
        "addr_recv": {"services": "0000000000000009", "address": "1.2.3.4:8333"},
        "addr_from": {"services": "0000000000000001", "address": "[::1]:258"},
        "nonce": "1112131415161718",
        "user_agent": "/x:1/",
        "start_height": -1,
        "relay": 1,
        "trailing": "",
    }


def test_v1_address_is_26_bytes() -> None:
    address = V1Address(9, bytes(10) + b"\xff\xff\x01\x02\x03\x04", 8333)
    assert address.serialize().hex() == "090000000000000000000000000000000000ffff01020304208d"
    assert address.netaddr.to_text() == "1.2.3.4:8333"


def test_feature_has_an_exact_length() -> None:
    with pytest.raises(TrailingBytes):
        Feature.deserialize(b"\x04abcd\x00\x00")


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"\x03abc\x00", BadEncoding),
        (b"\x51" + b"a" * 81 + b"\x00", FieldTooLong),
        (b"\x04abcd\xfd\x01\x02" + bytes(513), FieldTooLong),
        (b"\x04abcd", Truncated),
        (b"\x04abc", Truncated),
    ],
)
def test_feature_rejects(payload: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        Feature.deserialize(payload)


def test_feature_at_its_limits() -> None:
    assert_both_ways(Feature(b"a" * 80, bytes(512)), b"\x50" + b"a" * 80 + b"\xfd\x00\x02" + bytes(512))


def test_sendtxrcncl_needs_12_bytes() -> None:
    with pytest.raises(Truncated):
        SendTxRcncl.deserialize(bytes(11))
    assert SendTxRcncl(1, 0xAB).to_json() == {"version": 1, "salt": "00000000000000ab", "trailing": ""}
