"""What every message shares: forms for machines, messages without fields, unknown ones."""

from __future__ import annotations

import json

from bitcoin_handshake.messages import EmptyMessage, Message, TxOutput, UnknownMessage
from bitcoin_handshake.messages.base import BITS, HASH, HASHES, NONCE, TEXT, hash_text, json_value


def test_hashes_are_shown_byte_reversed() -> None:
    assert hash_text(b"\x01\x02\xff") == "ff0201"


def test_json_values_are_what_json_has() -> None:
    value = (b"\x01", [1, None], TxOutput(5, b"\x51"))
    assert json_value(value) == ["01", [1, None], {"value": 5, "script_pubkey": "51"}]


def test_forms_of_fields() -> None:
    forms = {id(form): form["json"] for form in (HASH, HASHES, NONCE, BITS, TEXT)}
    hash_, hashes, nonce, bits, text = forms.values()
    assert callable(hash_)
    assert callable(hashes)
    assert callable(nonce)
    assert callable(bits)
    assert callable(text)
    assert hash_(b"\x01\x02") == "0201"
    assert hashes((b"\x01\x02",)) == ["0201"]
    assert nonce(0xAB) == "00000000000000ab"
    assert bits(0x1D00FFFF) == "1d00ffff"
    assert text(b"a\xff\x1b") == "a\\xff\x1b"


def test_a_message_without_fields_keeps_excess_bytes() -> None:
    assert EmptyMessage.deserialize(b"xy") == EmptyMessage(b"xy")
    assert EmptyMessage(b"xy").serialize() == b"xy"
    assert EmptyMessage(b"xy").to_json() == {"trailing": "7879"}


def test_an_unknown_message_keeps_its_bytes() -> None:
    message = UnknownMessage("what", b"\x00\xff")
    assert message.serialize() == b"\x00\xff"
    assert json.loads(json.dumps(message.to_json())) == {"type_": "what", "payload": "00ff"}
    assert UnknownMessage.deserialize(b"\x01") == UnknownMessage("", b"\x01")


def test_the_base_class_reads_and_writes_nothing() -> None:
    for call in (lambda: Message.deserialize(b""), lambda: Message().serialize()):
        try:
            call()
        except NotImplementedError:
            continue
        raise AssertionError("the base class did something")
