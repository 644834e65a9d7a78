"""Sentences of what peers do."""

from __future__ import annotations

import pytest

from bitcoin_handshake import errors
from bitcoin_handshake.codes import Phase
from bitcoin_handshake.errors import BitcoinHandshakeError


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            errors.PeerClosed(phase=Phase.VERSION, bytes_received=0),
            "closed the connection without sending a byte (full, banned us, or another chain)",
        ),
        (
            errors.PeerReset(phase=Phase.VERACK, bytes_received=126),
            "reset the connection after 126 bytes, waiting for verack",
        ),
        (
            errors.PeerTimeout(phase=Phase.VERSION, waited_s=10.0, bytes_received=0),
            "no version in 10 s (nothing received)",
        ),
        (
            errors.PeerTimeout(phase=Phase.GARBAGE, waited_s=1.0, bytes_received=64),
            "no garbage terminator in 1 s (64 bytes received)",
        ),
        (
            errors.PeerTimeout(phase=Phase.VERSION_PACKET, waited_s=1.0, bytes_received=80),
            "no version packet in 1 s (80 bytes received)",
        ),
        (
            errors.PeerClosed(phase=Phase.GARBAGE, bytes_received=2953),
            "closed the connection after 2953 bytes, waiting for garbage terminator",
        ),
        (
            errors.PeerReset(phase=Phase.VERSION_PACKET, bytes_received=80),
            "reset the connection after 80 bytes, waiting for version packet",
        ),
        (
            errors.PeerFlood(phase=Phase.VERSION_PACKET, messages=0, bytes_received=1 << 26),
            "flooded us: 0 messages, 67108864 bytes and no version packet",
        ),
    ],
)
def test_sentences_for_people(error: BitcoinHandshakeError, sentence: str) -> None:
    assert str(error) == sentence
