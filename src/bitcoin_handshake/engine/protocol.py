"""The interface between the engine and what it carries: bytes and the time in, bytes and a deadline out.

A connection is a chain of byte protocols on one socket. When one of them finishes well and names a
next one, the next one takes over with the bytes that are not read yet. A proxy client is such a
protocol in front of a session.

The engine drives a protocol always in this order:

    protocol.receive_data(data, now=now)    # or receive_eof, or handle_timeout at `deadline`
    write(protocol.data_to_send())
    connection.take_events()                # where the owner wants them; what it queues is written
    arm a timer for protocol.deadline

Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["ByteProtocol"]


class ByteProtocol(Protocol):
    """One participant of a connection; it touches no socket and no clock.

    Nothing that a peer sends makes it raise: an exception is an internal error.
    """

    @property
    def deadline(self) -> float | None:
        """When to call `handle_timeout`; None only when it is finished."""

    @property
    def finished(self) -> bool:
        """Whether it reads no more; what it has to send is still written."""

    @property
    def error(self) -> Exception | None:
        """Why it failed; None while it runs and when it finished well."""

    @property
    def buffered(self) -> int:
        """Bytes of the peer that it holds now."""

    @property
    def is_flooding(self) -> bool:
        """Whether the peer sent so much that no more is read before its deadline is judged."""

    @property
    def unread(self) -> bytes:
        """Bytes after its own end: those that the next protocol reads first."""

    @property
    def next_protocol(self) -> Callable[[float], ByteProtocol] | None:
        """Makes the protocol that takes over, given the time; None where this one is the last.

        Called once, and only when this one is finished without error.
        """

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the peer, in any segmentation."""

    def receive_eof(self, *, now: float, reset: bool) -> None:
        """Take the end of the peer's bytes: it closed the connection, or reset it."""

    def handle_timeout(self, *, now: float) -> None:
        """Act on the deadline: it has passed."""

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
