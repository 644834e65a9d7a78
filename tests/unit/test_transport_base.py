"""The value that passes through every transport, and the interface that both have."""

from __future__ import annotations

import inspect

from bitcoin_handshake.errors import AnomalyCode
from bitcoin_handshake.transport.base import MAX_KEPT_PAYLOAD, ReceivedMessage, Transport
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import V2Transport


def test_a_message_says_what_it_is() -> None:
    message = ReceivedMessage("ping", None, 70_000, AnomalyCode.BAD_CHECKSUM)
    assert repr(message) == "ReceivedMessage('ping', 70000 bytes, anomaly=v1.bad_checksum)"
    assert (ReceivedMessage("verack", b"", 0).anomaly, message.header) == (None, b"")


def test_64_kib_are_kept() -> None:
    assert MAX_KEPT_PAYLOAD == 65_536


def test_both_transports_have_the_whole_interface() -> None:
    names = {name for name in vars(Transport) if not name.startswith("_")} | set(
        inspect.get_annotations(Transport)
    )
    assert {"receive_data", "next_message", "send_message", "data_to_send", "buffered", "phase"} <= names
    for transport in (V1Transport, V2Transport):
        assert not {name for name in names if not hasattr(transport, name)}
