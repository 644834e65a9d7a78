"""The memory that unfinished messages of all connections may take together.

Above the limit, reading pauses on every connection that holds more than SMALL_BUFFER; the others go
on. It resumes when half of the limit is free again.
"""

from __future__ import annotations

from collections.abc import Callable

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.limits import SMALL_BUFFER
from bitcoin_handshake.engine.poller import READ

__all__ = ["MemoryBudget"]


class MemoryBudget:
    """Counts what all connections hold, and decides which of them are read.

    Args:
        limit: Bytes that all connections together may hold.
        watch: Called with a descriptor and what to wait for on it, as `Poller.modify`.

    Attributes:
        used: Bytes that are held now.
    """

    def __init__(self, limit: int, watch: Callable[[int, int], None]) -> None:
        self._limit = limit
        self._watch = watch
        self._paused: set[Connection] = set()
        self.used = 0

    def account(self, connection: Connection, held: int) -> None:
        """Take note of how many bytes a connection holds now."""
        self.used += held - connection.held
        connection.held = held
        if self.used > self._limit:
            if held > SMALL_BUFFER and not connection.is_paused and not connection.pending:
                connection.is_paused = True
                self._paused.add(connection)
                self._watch(connection.fd, 0)
        elif self._paused and self.used < self._limit // 2:
            self._resume()

    def release(self, connection: Connection) -> None:
        """Forget a connection that is over."""
        if connection.held:
            self.account(connection, 0)
        if connection.is_paused:
            self._paused.discard(connection)

    def _resume(self) -> None:
        for connection in self._paused:
            connection.is_paused = False
            if not connection.pending:
                self._watch(connection.fd, READ)
        self._paused.clear()
