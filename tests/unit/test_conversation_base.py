"""The shortest conversation, and what a session does with one."""

from __future__ import annotations

from bitcoin_handshake.conversation.base import HANG_UP
from bitcoin_handshake.records import Features
from bitcoin_handshake.transport.base import ReceivedMessage


def test_hang_up_says_nothing_and_is_finished() -> None:
    assert (HANG_UP.finished, HANG_UP.deadline, HANG_UP.error, HANG_UP.result) == (True, None, None, None)
    assert not HANG_UP.start(Features(), common_version=70016, now=0.0)
    assert not HANG_UP.receive(ReceivedMessage("ping", bytes(8), 8), now=0.0)
    assert not HANG_UP.handle_timeout(now=0.0)
    HANG_UP.close(None)
