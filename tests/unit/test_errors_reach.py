"""Sentences of addresses that were not reached."""

from __future__ import annotations

import pytest

from bitcoin_handshake import errors
from bitcoin_handshake.errors import BitcoinHandshakeError


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            errors.NameNotFound(name="seed.example", server="127.0.0.1:53", why="asked twice"),
            "no such name (NXDOMAIN) (from 127.0.0.1:53): asked twice",
        ),
        (errors.ConnectRefused(), "connection refused: nothing listens there"),
        (errors.NoProxy(network="onion"), "no proxy is configured for onion"),
    ],
)
def test_sentences_for_people(error: BitcoinHandshakeError, sentence: str) -> None:
    assert str(error) == sentence
