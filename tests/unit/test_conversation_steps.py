"""The inbox that a script reads from."""

from __future__ import annotations

import pytest

from bitcoin_handshake.conversation.steps import MAX_INBOX_COUNT, WAIT, Inbox
from bitcoin_handshake.errors import AnomalyCode
from bitcoin_handshake.transport.base import ReceivedMessage


def test_expect_skips_other_messages_and_bad_ones() -> None:
    inbox = Inbox()
    steps = inbox.expect("pong")
    assert next(steps) is WAIT
    inbox.add(ReceivedMessage("inv", b"", 0))
    inbox.add(ReceivedMessage("pong", b"bad", 3, AnomalyCode.BAD_CHECKSUM))
    assert next(steps) is WAIT
    inbox.add(ReceivedMessage("pong", b"good", 4))
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value.payload == b"good"


def test_what_nobody_reads_is_bounded() -> None:
    inbox = Inbox()
    for _ in range(MAX_INBOX_COUNT + 1):
        inbox.add(ReceivedMessage("inv", b"", 0))
    assert len(inbox.inbox) == 64
