"""Connections that wait for their turn, so that slow networks hold up no others.

Owns one queue for the fast networks together and one for each slow network. The slow ones may grow far
longer: an input that mixes them is read past their targets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Generic, TypeVar

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.routes.limits import LIMITS, MAX_WAITING

__all__ = ["SLOW_NETWORKS", "Backlog"]

SLOW_NETWORKS = frozenset(network for network, limits in LIMITS.items() if limits.concurrency is not None)

C = TypeVar("C", bound=Connection)


class Backlog(Generic[C]):
    """See the module's docstring.

    Args:
        fast_limit: Connections of fast networks that wait at most before `is_full`.
        slow_limit: Likewise of each slow network.
    """

    def __init__(self, fast_limit: int, slow_limit: int = MAX_WAITING) -> None:
        self._fast: deque[C] = deque()
        self._slow: dict[Network, deque[C]] = {network: deque() for network in SLOW_NETWORKS}
        self._fast_limit = fast_limit
        self._slow_limit = slow_limit

    def __len__(self) -> int:
        return len(self._fast) + sum(map(len, self._slow.values()))

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be added now."""
        if len(self._fast) >= self._fast_limit:
            return True
        return any(len(queue) >= self._slow_limit for queue in self._slow.values())

    def add(self, connection: C) -> None:
        """Put a connection at the end."""
        self._slow.get(connection.netaddr.network, self._fast).append(connection)

    def put_back(self, connection: C) -> None:
        """Put a connection that was taken back to the front."""
        self._slow.get(connection.netaddr.network, self._fast).appendleft(connection)

    def take(self, full: Collection[Network]) -> C | None:
        """Take the oldest connection of a network that has room, slow networks first.

        Args:
            full: Networks without room.

        Returns:
            None where there is none.
        """
        for network, queue in self._slow.items():
            if queue and network not in full:
                return queue.popleft()
        if not self._fast or Network.IPV4 in full:  # the fast networks are full together
            return None
        return self._fast.popleft()
