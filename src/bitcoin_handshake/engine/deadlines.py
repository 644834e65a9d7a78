"""Deadlines of thousands of connections behind one timer.

Deadlines are kept in sets, one for each tick of 20 ms, and one timer of the loop serves them all.
No deadline is judged early, and none later than two ticks while the loop is not busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from bitcoin_handshake.engine.connection import Connection

__all__ = ["TICK_S", "Deadlines"]

TICKS_PER_S = 50
TICK_S = 1 / TICKS_PER_S


class Deadlines:
    """Calls back for each connection whose deadline has passed.

    A connection has one deadline at most. Of two, the nearer one is armed; one that receded is armed
    again when it is judged, by `expire`.

    Args:
        expire: Called with each connection whose deadline has passed. It is not armed then. Must
            not raise.
        after_expiry: Called when all of one round were judged.
    """

    def __init__(self, expire: Callable[[Connection], None], after_expiry: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._expire = expire
        self._after_expiry = after_expiry
        self._ticks: dict[int, set[Connection]] = {}
        self._next_tick = int(monotonic() * TICKS_PER_S)
        self._timer: asyncio.TimerHandle | None = None

    def arm(self, connection: Connection, deadline: float) -> None:
        """Set the deadline of a connection that has none."""
        tick = int(deadline * TICKS_PER_S) + 1
        connection.tick = tick
        at_tick = self._ticks.get(tick)
        if at_tick is None:
            self._ticks[tick] = {connection}
            self._next_tick = min(self._next_tick, tick)
        else:
            at_tick.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(TICK_S, self._judge)

    def disarm(self, connection: Connection) -> None:
        """Remove the deadline of a connection, if it has one."""
        at_tick = self._ticks.get(connection.tick)
        if at_tick is not None:
            at_tick.discard(connection)
            if not at_tick:
                del self._ticks[connection.tick]

    def rearm(self, connection: Connection, deadline: float) -> None:
        """Set the deadline of a connection that may have another one."""
        self.disarm(connection)
        self.arm(connection, deadline)

    def bring_forward(self, connection: Connection, deadline: float | None) -> None:
        """Arm a deadline that has come nearer than the one that is armed."""
        if deadline is not None and int(deadline * TICKS_PER_S) + 1 < connection.tick:
            self.disarm(connection)
            self.arm(connection, deadline)

    def close(self) -> None:
        """Forget all of them, and stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._ticks.clear()

    def _judge(self) -> None:
        self._timer = None
        current = int(monotonic() * TICKS_PER_S)
        # After a long silence there may be fewer armed ticks than ticks that went by.
        if current - self._next_tick > len(self._ticks):
            due = sorted(tick for tick in self._ticks if tick <= current)
        else:
            due = list(range(self._next_tick, current + 1))
        # What is armed meanwhile, even for a time that has passed, is judged in the next round.
        self._next_tick = current + 1
        for tick in due:
            for connection in self._ticks.pop(tick, ()):
                self._expire(connection)
        if self._ticks and self._timer is None:
            self._timer = self._loop.call_later(TICK_S, self._judge)
        if due:
            self._after_expiry()
