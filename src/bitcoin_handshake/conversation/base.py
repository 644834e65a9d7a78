"""The interface of a conversation, and the shortest one.

A session calls `start` when the handshake completes, `receive` for each message after that,
`handle_timeout` at `deadline`, and `close` when the connection ends for another reason. What the
first three return is sent in that order.

The session itself answers `ping`, records anomalies of the framing, and limits the bytes and the
messages that are read.

Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from bitcoin_handshake.errors import AnomalyCode, PeerError, Phase
from bitcoin_handshake.records import Features
from bitcoin_handshake.transport.base import ReceivedMessage

__all__ = ["HANG_UP", "NOTHING", "Conversation", "ConversationFactory", "HangUp", "Messages"]

Messages = Sequence[tuple[str, bytes]]
"""Messages to send: type and payload of each."""
NOTHING: Messages = ()


class Conversation(Protocol):
    """One participant's part in what follows the handshake; used for one connection only."""

    @property
    def phase(self) -> Phase:
        """What the conversation waits for, for the errors of the connection."""

    @property
    def deadline(self) -> float | None:
        """When to call `handle_timeout`; None only when it is finished."""

    @property
    def finished(self) -> bool:
        """Whether it reads no more. The connection is closed when its messages are written."""

    @property
    def error(self) -> PeerError | None:
        """Why it failed; None while it runs, and when it finished well."""

    @property
    def anomalies(self) -> Sequence[AnomalyCode]:
        """What the peer did wrong in it."""

    @property
    def progress(self) -> int:
        """A number that grows with each message that changes the result."""

    @property
    def buffered(self) -> int:
        """Bytes of the peer that it holds."""

    @property
    def result(self) -> object:
        """What it learned, in a form that outlives the connection; None where it learns nothing."""

    def start(self, features: Features, *, common_version: int, now: float) -> Messages:
        """Begin: the handshake is complete.

        Args:
            features: What the peer announced so far.
            common_version: The lower of both protocol versions.
            now: Monotonic seconds.
        """

    def receive(self, message: ReceivedMessage, *, now: float) -> Messages:
        """Take a message that passed framing; its payload is None where the transport did not keep it."""

    def handle_timeout(self, *, now: float) -> Messages:
        """Act on the deadline: it has passed."""

    def close(self, error: PeerError | None) -> None:
        """Take the end of the connection; `finished` is true after it.

        Args:
            error: What the peer did to end it; None where we end it.
        """


ConversationFactory = Callable[[], Conversation]
"""Makes the conversation of one connection."""


class HangUp:
    """Close the connection when the handshake completes. It has no state: one object serves all."""

    __slots__ = ()

    phase = Phase.VERACK
    deadline: None = None
    finished = True
    error: None = None
    anomalies: tuple[AnomalyCode, ...] = ()
    progress = 0
    buffered = 0
    result: None = None

    def start(self, features: Features, *, common_version: int, now: float) -> Messages:
        """Say nothing."""
        return NOTHING

    def receive(self, message: ReceivedMessage, *, now: float) -> Messages:
        """Ignore the message."""
        return NOTHING

    def handle_timeout(self, *, now: float) -> Messages:
        """Say nothing."""
        return NOTHING

    def close(self, error: PeerError | None) -> None:
        """Do nothing: it is finished already."""


HANG_UP = HangUp()
