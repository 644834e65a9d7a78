"""The registry of messages: complete, lazy, and closed to what is too long."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bitcoin_handshake import messages
from bitcoin_handshake.errors import FieldTooLong, WireError
from bitcoin_handshake.messages import REGISTRY, Message, UnknownMessage, decode
from bitcoin_handshake.protocol import MSG_TYPE_LEN, MsgType
from tests.helpers import SOURCE, own_vectors, shared_vectors
from tests.message_literals import ALL, name_of


def test_every_named_type_has_a_class() -> None:
    assert sorted(REGISTRY) == sorted(MsgType)
    for msg_type, cls in REGISTRY.items():
        assert cls.msg_type == msg_type
        assert len(msg_type) <= MSG_TYPE_LEN


def test_every_class_has_a_literal() -> None:
    assert {message.msg_type for message, _ in ALL} == set(REGISTRY)


def test_every_class_is_exported() -> None:
    assert {cls.__name__ for cls in REGISTRY.values()} < set(messages.__all__)
    assert all(hasattr(messages, name) for name in messages.__all__)
    assert not hasattr(messages, "Nonsense")


@pytest.mark.parametrize(("message", "data"), ALL, ids=name_of)
def test_decode_finds_the_class(message: Message, data: bytes) -> None:
    assert decode(message.msg_type, data) == message
    json.dumps(message.to_json())


def test_what_is_unknown_is_kept() -> None:
    assert decode("_MySampleSvc", b"\x00\xff") == UnknownMessage("_MySampleSvc", b"\x00\xff")
    assert decode("", b"") == UnknownMessage("", b"")


def test_a_payload_over_4000000_bytes_is_refused() -> None:
    assert decode("verack", bytes(4_000_000)).serialize() == bytes(4_000_000)
    for msg_type in ("verack", "unknown"):
        with pytest.raises(FieldTooLong):
            decode(msg_type, bytes(4_000_001))


def test_official_messages_go_both_ways() -> None:
    for case in json.loads(shared_vectors("messages.json").read_text())["messages"]:
        payload = bytes.fromhex(case["payload_hex"])
        note = case.get("note", "")
        if "not accepted" in note or "parse error" in note:
            with pytest.raises(WireError):
                decode(case["command"], payload)
        else:
            assert decode(case["command"], payload).serialize() == payload


def test_observed_messages_go_both_ways() -> None:
    sessions = json.loads(own_vectors("observed_v1_sessions.json").read_text())["sessions"]
    count = 0
    for session in sessions:
        for message in session["messages"]:
            payload = bytes.fromhex(message["message_hex"])[24:]
            decoded = decode(message["command"], payload)
            assert not isinstance(decoded, UnknownMessage)
            assert decoded.serialize() == payload
            count += 1
    assert count > 30


def test_a_probe_imports_three_families_only() -> None:
    program = (
        "import sys\n"
        "import bitcoin_handshake.messages.handshake, bitcoin_handshake.messages.keepalive\n"
        "import bitcoin_handshake.messages.preferences\n"
        "prefix = 'bitcoin_handshake.messages.'\n"
        "print(*sorted(name[len(prefix):] for name in sys.modules if name.startswith(prefix)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.stdout.split() == ["base", "handshake", "keepalive", "preferences"]
