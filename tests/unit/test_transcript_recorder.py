"""The decoded fields of a line, and its bounds."""

from __future__ import annotations

from bitcoin_handshake.messages import REGISTRY
from bitcoin_handshake.transcript.recorder import MAX_FIELDS_CHARACTERS, decoded_fields
from tests.message_literals import ALL
from tests.transcripts import behaviour_transcript


def test_every_message_shows_its_fields() -> None:
    for message, payload in ALL:
        if message.msg_type in REGISTRY:
            assert decoded_fields(message.msg_type, payload) == {"fields": message.to_json()}


def test_a_payload_that_does_not_parse_names_its_error() -> None:
    assert decoded_fields("ping", b"\1\2") == {
        "fields": None,
        "error": {"code": "wire.truncated", "reason": "nonce: 8 bytes needed, 2 left"},
    }


def test_what_is_not_known_or_not_there_has_no_fields() -> None:
    assert decoded_fields("xversion", b"\1") == {"fields": None}
    assert decoded_fields("ping", None) == {"fields": None}


def test_fields_that_take_too_much_text_are_left_out() -> None:
    count = 60_000
    payload = b"\xfe" + count.to_bytes(4, "little") + bytes(count)
    many = decoded_fields("getblocktxn", bytes(32) + payload)
    inventory = b"\xfd" + (50_000).to_bytes(2, "little") + bytes(36 * 50_000)
    assert decoded_fields("inv", inventory) == {"fields": None}
    assert len(str(many)) < MAX_FIELDS_CHARACTERS or many == {"fields": None}


def test_a_nonce_of_ours_is_marked_where_it_came_back() -> None:
    [version] = [record for record in behaviour_transcript("echo").records if record.get("own_nonce")]
    assert version["msg_type"] == "version"
