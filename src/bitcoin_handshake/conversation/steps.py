"""The steps that a script is made of: one language for simulated peers and for what we play ourselves.

A script is a generator. It yields steps (`Say`, `Send`, `Delay`, `WAIT`, `CLOSE`, `RESET`) and reads
messages with `yield from inbox.message()` or `yield from inbox.expect("pong")`. Whoever runs it has
the bytes and the time: `conversation.scripted` after a handshake, `simulate.script` for simulated
peers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum, auto

from bitcoin_handshake.transport.base import ReceivedMessage

__all__ = [
    "CLOSE",
    "MAX_INBOX_COUNT",
    "RESET",
    "WAIT",
    "Delay",
    "Inbox",
    "Pause",
    "Say",
    "Send",
    "Step",
    "Steps",
]

MAX_INBOX_COUNT = 64
"""Messages that wait for a script; further ones are dropped."""


@dataclass(frozen=True, slots=True)
class Say:
    """A step: send a message."""

    msg_type: str
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Send:
    """A step: write these bytes, in one segment with what the steps beside it write.

    Simulated peers only: they may break the framing.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Delay:
    """A step: go on after this many seconds; 0 only ends the segment."""

    seconds: float


class Pause(Enum):
    """The steps without a value."""

    WAIT = auto()  # go on when more has arrived
    CLOSE = auto()
    RESET = auto()  # simulated peers only


WAIT = Pause.WAIT
CLOSE = Pause.CLOSE
RESET = Pause.RESET

Step = Say | Send | Delay | Pause
Steps = Generator[Step, None, None]
"""A script without a result, as simulated peers have them."""


class Inbox:
    """The messages that a script has not read yet.

    Attributes:
        inbox: They, oldest first.
    """

    __slots__ = ("inbox",)

    def __init__(self) -> None:
        self.inbox: deque[ReceivedMessage] = deque()

    @property
    def idle_step(self) -> Step:
        """What to do where no message waits."""
        return WAIT

    def add(self, message: ReceivedMessage) -> None:
        """Take a message; it is dropped where MAX_INBOX_COUNT (64) wait already."""
        if len(self.inbox) < MAX_INBOX_COUNT:
            self.inbox.append(message)

    def message(self) -> Generator[Step, None, ReceivedMessage]:
        """Wait for the next message that passes framing."""
        while True:
            while not self.inbox:
                yield self.idle_step
            message = self.inbox.popleft()
            if message.anomaly is None:
                return message

    def expect(self, *msg_types: str) -> Generator[Step, None, ReceivedMessage]:
        """Wait for a message of one of these types; others are skipped."""
        while True:
            message = yield from self.message()
            if message.msg_type in msg_types:
                return message
