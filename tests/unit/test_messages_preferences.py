"""sendheaders, sendcmpct, feefilter."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import Truncated
from bitcoin_handshake.messages import FeeFilter, Message, SendCmpct
from tests.message_literals import PREFERENCES, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), PREFERENCES, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("cls", "length"), [(SendCmpct, 9), (FeeFilter, 8)])
def test_needs_its_whole_length(cls: type[Message], length: int) -> None:
    assert cls.deserialize(bytes(length)).serialize() == bytes(length)
    with pytest.raises(Truncated):
        cls.deserialize(bytes(length - 1))


def test_a_boolean_keeps_its_raw_byte() -> None:
    assert SendCmpct.deserialize(b"\x07" + bytes(8)).high_bandwidth == 7
