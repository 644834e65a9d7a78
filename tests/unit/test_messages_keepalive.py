"""ping and pong."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import Truncated
from bitcoin_handshake.messages import Message, Ping, Pong
from tests.message_literals import KEEPALIVE, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), KEEPALIVE, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize("length", range(1, 8))
def test_a_short_ping_is_malformed(length: int) -> None:
    with pytest.raises(Truncated):
        Ping.deserialize(bytes(length))


@pytest.mark.parametrize("length", range(8))
def test_a_short_pong_is_malformed(length: int) -> None:
    with pytest.raises(Truncated):
        Pong.deserialize(bytes(length))


@pytest.mark.parametrize("cls", [Ping, Pong])
def test_excess_bytes_are_kept(cls: type[Message]) -> None:
    message = cls.deserialize(bytes(9))
    assert message.serialize() == bytes(9)
    assert message.to_json() == {"nonce": "0000000000000000", "trailing": "00"}


def test_an_absent_nonce_is_none() -> None:
    assert Ping.deserialize(b"").to_json() == {"nonce": None, "trailing": ""}
