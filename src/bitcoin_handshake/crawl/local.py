"""The executor that runs visits in this process, over one `DialPool`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from os import strerror
from types import MappingProxyType

from bitcoin_handshake.conversation import AddressAnswer
from bitcoin_handshake.crawl.executor import VisitReport
from bitcoin_handshake.engine.limits import fit_concurrency
from bitcoin_handshake.engine.pool import DialPool
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.messages.addresses import netaddr_from_key
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.prober import ProbeOptions, Prober
from bitcoin_handshake.records import ProbeResult
from bitcoin_handshake.visit import Visit

__all__ = ["DEFAULT_CRAWL_CONCURRENCY", "LocalExecutor"]

DEFAULT_CRAWL_CONCURRENCY = 4096
"""Most addresses of the network never answer: how long a crawl takes is their number times the timeout,
divided by this."""
AHEAD = 64
"""Addresses that wait here for a connection, so that the pool never waits for the frontier. Few, because
what is heard later may go before them."""


class LocalExecutor:
    """Runs visits on the running loop; see `executor.Executor`.

    Args:
        options: How to visit; their conversation asks for addresses.
        concurrency: Connections at once; None for DEFAULT_CRAWL_CONCURRENCY.
        network_limits: Connections at once of one network, at most.
    """

    def __init__(
        self,
        options: ProbeOptions,
        *,
        concurrency: int | None = None,
        network_limits: Mapping[Network, int] = MappingProxyType({}),
    ) -> None:
        self._queue: deque[bytes] = deque()
        self._keys: dict[str, bytes] = {}  # of what is in flight, by its text
        self._reports: list[VisitReport] = []
        self._ready = asyncio.Event()
        self._failure: EnvironmentFailure | None = None
        self._concurrency = fit_concurrency(concurrency or DEFAULT_CRAWL_CONCURRENCY)
        self._submitted = 0
        self._reported = 0
        self._pool = DialPool(
            concurrency=self._concurrency,
            source=self._next_visit,
            network_limits=network_limits,
            on_shortage=self._give_up,
        )
        self._prober = Prober(self._pool, options, self._take)

    @property
    def room(self) -> int:
        """Addresses for the connections that are free, and AHEAD more."""
        return max(0, self._concurrency + AHEAD - self.in_flight)

    @property
    def full(self) -> Collection[int]:
        """None: networks share the connections."""
        return ()

    @property
    def in_flight(self) -> int:
        """Addresses that were handed out and not reported yet."""
        return self._submitted - self._reported

    def submit(self, keys: Sequence[bytes]) -> None:
        """Take addresses to visit."""
        self._queue.extend(keys)
        self._submitted += len(keys)
        self._pool.start_more()

    async def reports(self, *, timeout_s: float) -> Sequence[VisitReport]:
        """Wait for reports; see `executor.Executor`."""
        if not self._reports and self._failure is None:
            self._ready.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._ready.wait()
        if self._failure is not None and not self._reports:
            raise self._failure
        reports, self._reports = self._reports, []
        return reports

    async def close(self) -> Sequence[VisitReport]:
        """Report the nodes that completed the handshake, and drop the other connections."""
        self._pool.stop()
        self._prober.stop()
        self._pool.close()
        reports, self._reports = self._reports, []
        return reports

    def _next_visit(self, full: Collection[Network]) -> Visit | None:
        queue = self._queue
        for _ in range(len(queue)):
            key = queue.popleft()
            netaddr = netaddr_from_key(key)
            if netaddr.network not in full:
                text = netaddr.to_text()
                self._keys[text] = key
                return self._prober.visit(text, netaddr)
            queue.append(key)
        return None

    def _take(self, result: ProbeResult) -> None:
        self._reported += 1
        key = self._keys.pop(result.target)
        self._reports.append(VisitReport(key, result.to_json(), _told(result)))
        self._ready.set()

    def _give_up(self, shortage: OutOfResources) -> None:
        self._failure = EnvironmentFailure(f"cannot open any connection: {strerror(shortage.errno)}")
        self._ready.set()


def _told(result: ProbeResult) -> list[tuple[str, bytes]] | None:
    """Collect the address messages of all connections of a node; None where none was asked."""
    told: list[tuple[str, bytes]] | None = None
    for each in (result, result.other):
        answer = None if each is None else each.conversation
        if isinstance(answer, AddressAnswer):
            told = (told or []) + answer.messages
    return told
