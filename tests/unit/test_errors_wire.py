"""Sentences of bytes that cannot be read."""

from __future__ import annotations

import pytest

from bitcoin_handshake import errors
from bitcoin_handshake.errors import BitcoinHandshakeError


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (errors.Truncated(needed=8, available=3, field="nonce"), "nonce: 8 bytes needed, 3 left"),
        (errors.Truncated(needed=1, available=0), "1 bytes needed, 0 left"),
        (
            errors.NonMinimalCompactSize(value=252, length=3, field="count"),
            "count: CompactSize 252 written in 3 bytes",
        ),
        (errors.FieldTooLong(length=257, limit=256), "field: 257 is over the limit of 256"),
    ],
)
def test_sentences_for_people(error: BitcoinHandshakeError, sentence: str) -> None:
    assert str(error) == sentence
