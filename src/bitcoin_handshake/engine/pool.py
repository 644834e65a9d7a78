"""Which connection is dialled next, and when.

Owns the limits on connections at once, in total and for each network, and the one back-off after
this machine ran out of descriptors or ports. What is dialled comes from the owner's source; a second
connection of the same node goes before it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from types import MappingProxyType

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.dialer import Dialer
from bitcoin_handshake.engine.limits import SHORTAGE_LIMIT_S
from bitcoin_handshake.engine.rate import RateLimits, is_loopback
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.netaddr import Network

__all__ = ["DialPool", "Source"]

DIALS_PER_TURN = 32
"""Connections begun before the sockets that are ready have their turn again: about 2 ms. A
machine that is busy starts fewer, and so never lets a peer wait for us."""
MAX_PARKED = 4096
"""Connections that were taken from the source and wait for the turn of their neighbourhood."""
RETRY_S = 0.05
"""How soon a dial is tried again, where this machine had no room for it."""

Source = Callable[[Collection[Network]], Connection | None]
"""Returns the next connection to dial, or None if there is none now.

Its argument holds the networks that have no room: a connection of another network is wanted.
"""

_NO_LIMITS: Mapping[Network, int] = MappingProxyType({})
_NONE_FULL: frozenset[Network] = frozenset()


def _empty(_full: Collection[Network]) -> None:
    return None


class DialPool:
    """Dials what a source gives, as many at once as there is room for.

    Args:
        concurrency: Connections at once, at most, without those of limited networks.
        source: Where the next connection comes from; asked again after every turn of the dialer.
        network_limits: Connections at once of one network, at most, beside the others, which share
            `concurrency`.
        rate: How many connections of the source may begin in a second; None for no limit.
        on_turn: Called after every attempt to start more.
        on_shortage: Called where this machine could open no connection for SHORTAGE_LIMIT_S, while
            none was in flight. Nothing more of the source is dialled then.

    Raises:
        EnvironmentFailure: There is no descriptor left to begin with.

    Attributes:
        dialer: Where the connections live.
        dialled: Connections of the source that were begun.
    """

    def __init__(
        self,
        *,
        concurrency: int = 1,
        source: Source = _empty,
        network_limits: Mapping[Network, int] = _NO_LIMITS,
        rate: RateLimits | None = None,
        on_turn: Callable[[], None] | None = None,
        on_shortage: Callable[[OutOfResources], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._concurrency = concurrency
        self._source = source
        self._limits = network_limits
        self._on_turn = on_turn
        self._on_shortage = on_shortage
        self._open: Counter[Network] = Counter()  # of limited networks
        self._open_limited = 0
        self._full: frozenset[Network] = _NONE_FULL
        self._unlimited = frozenset(Network) - network_limits.keys()
        self._rate = rate
        self._parked: list[tuple[float, int, Connection]] = []  # by the time of their turn
        self._wake_handle: asyncio.TimerHandle | None = None
        self._serials = count()
        self._refused: Connection | None = None
        self._again: deque[tuple[Connection, float, Callable[[], None]]] = deque()
        self._retry_handle: asyncio.TimerHandle | None = None
        self._next_round: asyncio.Handle | None = None
        self._short_since: float | None = None
        self._is_stopped = False
        self.dialled = 0
        self.dialer = Dialer(on_turn=self.start_more, on_end=self._count_end if network_limits else None)

    @property
    def in_flight(self) -> int:
        """Connections that are open, under way, or wait for their second dial."""
        return self.dialer.in_flight + len(self._again)

    @property
    def is_short(self) -> bool:
        """Whether this machine had no room for a connection a moment ago."""
        return self._retry_handle is not None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight, and nothing that the source gave is left to dial."""
        return self._refused is None and not self._parked and not self.in_flight

    @property
    def waiting(self) -> list[Connection]:
        """Second connections that are not dialled yet, for lack of room."""
        return [connection for connection, _, _ in self._again]

    def dial(self, connection: Connection) -> None:
        """Dial one connection now, beyond what the source gives.

        Raises:
            OutOfResources: Not now; nothing was begun.
        """
        if not self._limits:
            self.dialer.dial(connection)
            return
        network = connection.netaddr.network
        self._count(network, 1)
        try:
            self.dialer.dial(connection)
        except OutOfResources:
            self._count(network, -1)
            raise

    def dial_again(self, connection: Connection, give_up: Callable[[], None]) -> None:
        """Dial the second connection of a node whose first one is over: now, or before all others.

        Args:
            connection: The second one.
            give_up: Called instead, where this machine had no room for it for SHORTAGE_LIMIT_S.
        """
        if self._rate is not None:  # it waits for nothing, and what follows waits longer
            self._rate.take(connection.netaddr, monotonic())
        self._try_again(connection, monotonic() + SHORTAGE_LIMIT_S, give_up)

    def start_more(self) -> None:
        """Dial what the source gives, as far as there is room; the rest follows in later rounds."""
        if self._is_stopped:
            return
        if not self.is_short and self._take_from_source():
            self._schedule()
        if self._on_turn is not None:
            self._on_turn()

    def stop(self) -> None:
        """Dial nothing more of the source."""
        self._is_stopped = True

    def close(self) -> None:
        """Close every connection without telling its owner, and stop."""
        self._is_stopped = True
        for handle in (self._retry_handle, self._next_round, self._wake_handle):
            if handle is not None:
                handle.cancel()
        self._again.clear()
        self.dialer.close()

    def _take_from_source(self) -> bool:
        """Dial up to DIALS_PER_TURN connections; tell whether there may be more."""
        for _ in range(DIALS_PER_TURN):
            has_room = self.in_flight - self._open_limited < self._concurrency
            if not has_room and len(self._full) == len(self._limits):
                return False
            connection = self._refused
            if connection is None:
                connection = self._next_in_turn(self._full if has_room else self._full | self._unlimited)
            elif not has_room and connection.netaddr.network in self._unlimited:
                return False
            if connection is None:
                return False
            if self._rate is not None and not self._may_begin(connection, self._rate):
                return False
            self._refused = None
            try:
                self.dial(connection)
            except OutOfResources as shortage:
                self._refused = connection
                self._note_shortage(shortage)
                return False
            self.dialled += 1
            self._short_since = None
        return True

    # --- limits of rate ----------------------------------------------------------------------

    def _next_in_turn(self, full: Collection[Network]) -> Connection | None:
        """Return a connection whose neighbourhood has its turn; park the others until then."""
        rate = self._rate
        if rate is None:
            return self._source(full)
        now = monotonic()
        has_room = full is self._full
        while not (has_room and self._parked and self._parked[0][0] <= now):
            connection = self._source(full) if len(self._parked) < MAX_PARKED else None
            if connection is None:
                if self._parked and has_room:
                    self._wake_in(self._parked[0][0] - now)
                return None
            wait_s = rate.group_wait_s(connection.netaddr, now)
            if not wait_s:
                return connection
            heappush(self._parked, (now + wait_s, next(self._serials), connection))
        return heappop(self._parked)[2]

    def _may_begin(self, connection: Connection, rate: RateLimits) -> bool:
        """Take a turn of the overall limit; keep the connection for later where there is none now."""
        now = monotonic()
        wait_s = 0.0 if is_loopback(connection.netaddr) else rate.wait_s(now)
        if wait_s:
            self._refused = connection
            self._wake_in(wait_s)
            return False
        rate.take(connection.netaddr, now)
        return True

    def _wake_in(self, seconds: float) -> None:
        if self._wake_handle is not None:
            self._wake_handle.cancel()
        self._wake_handle = self._loop.call_later(max(seconds, 0.0), self.start_more)

    def _schedule(self) -> None:
        """Go on dialling in the loop's next round, after the sockets that are ready by then."""
        if self._next_round is None:
            self._next_round = self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._next_round = None
        self.start_more()

    # --- lack of descriptors or ports --------------------------------------------------------

    def _note_shortage(self, shortage: OutOfResources) -> None:
        """Back off; report a shortage that lasts while nothing is in flight that could end it."""
        now = monotonic()
        if self._short_since is None:
            self._short_since = now
        elif not self.in_flight and now - self._short_since > SHORTAGE_LIMIT_S:
            self.stop()
            if self._on_shortage is not None:
                self._on_shortage(shortage)
            return
        self._back_off()

    def _back_off(self) -> None:
        """Dial nothing for a while; what is open goes on, and its end makes room."""
        if self._retry_handle is None:
            self._retry_handle = self._loop.call_later(RETRY_S, self._retry)

    def _retry(self) -> None:
        self._retry_handle = None
        for _ in range(len(self._again)):
            connection, until, give_up = self._again.popleft()
            self._count(connection.netaddr.network, -1)
            self._try_again(connection, until, give_up)
        self.start_more()

    def _try_again(self, connection: Connection, until: float, give_up: Callable[[], None]) -> None:
        try:
            self.dial(connection)
        except OutOfResources:
            if monotonic() >= until:
                give_up()
                return
            # Ours, not the peer's: neither what it did before nor the time that it has left is lost.
            self._again.append((connection, until, give_up))
            self._count(connection.netaddr.network, 1)
            self._back_off()

    # --- limits of networks ------------------------------------------------------------------

    def _count_end(self, connection: Connection) -> None:
        self._count(connection.netaddr.network, -1)

    def _count(self, network: Network, change: int) -> None:
        if network not in self._limits:
            return
        self._open[network] += change
        self._open_limited += change
        self._full = frozenset(name for name, limit in self._limits.items() if self._open[name] >= limit)
