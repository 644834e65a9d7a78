"""Sentences of broken streams."""

from __future__ import annotations

import pytest

from bitcoin_handshake import errors
from bitcoin_handshake.errors import BitcoinHandshakeError


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            errors.BadMagic(received=b"\x01\x02\x03\x04", expected=b"\xfa\xbf\xb5\xda"),
            "not the magic of this chain: 01020304 instead of fabfb5da",
        ),
        (
            errors.NoGarbageTerminator(received=4111),
            "no garbage terminator in 4111 bytes: not a v2 node, or one of another chain",
        ),
        (errors.SpeaksTls(received=b"", expected=b""), "answers in TLS, not a Bitcoin node"),
    ],
)
def test_sentences_for_people(error: BitcoinHandshakeError, sentence: str) -> None:
    assert str(error) == sentence
