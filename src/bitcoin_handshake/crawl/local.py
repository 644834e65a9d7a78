"""The executor that runs visits in this process, over one `DialPool`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import strerror

from bitcoin_handshake.admission import Admission, fit_networks, rate_limits
from bitcoin_handshake.backlog import Backlog
from bitcoin_handshake.conversation import AddressAnswer
from bitcoin_handshake.crawl.executor import VisitReport
from bitcoin_handshake.engine.pool import DialPool
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.errors import BitcoinHandshakeError, EnvironmentFailure, Phase
from bitcoin_handshake.messages.addresses import netaddr_from_key
from bitcoin_handshake.netaddr import Network, NetworkId
from bitcoin_handshake.policy import IP_NETWORKS
from bitcoin_handshake.prober import ProbeOptions, Prober, skipped_result
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.routes.options import DIRECT, RouteOptions
from bitcoin_handshake.routes.router import Router
from bitcoin_handshake.visit import Visit

__all__ = ["DEFAULT_CRAWL_CONCURRENCY", "NETWORK_IDS", "LocalExecutor", "Manners"]

DEFAULT_CRAWL_CONCURRENCY = 4096
"""Most addresses of the network never answer: how long a crawl takes is their number times the timeout,
divided by this."""
AHEAD = 64
"""Addresses that wait here for a connection, so that the pool never waits for the frontier. Few, because
what is heard later may go before them."""
NETWORK_IDS = {
    Network.IPV4: NetworkId.IPV4.value,
    Network.IPV6: NetworkId.IPV6.value,
    Network.ONION: NetworkId.TORV3.value,
    Network.I2P: NetworkId.I2P.value,
    Network.CJDNS: NetworkId.CJDNS.value,
}
"""BIP155 id of each network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """By which way nodes are visited, whom not to visit, and how fast.

    Attributes:
        routes: By which way each network is reached.
        rate, rate_per_group: New connections a second; see `SurveyOptions`.
        exclude: Whom not to dial; see `optout.OptOut`.
    """

    routes: RouteOptions = DIRECT
    rate: float | None = None
    rate_per_group: float | None = None
    exclude: Sequence[str] = ()


class LocalExecutor:
    """Runs visits on the running loop; see `executor.Executor`.

    Args:
        options: How to visit; their conversation asks for addresses.
        concurrency: Connections at once to fast networks; None for DEFAULT_CRAWL_CONCURRENCY. Slow ones
            have their own, see `routes.limits`.
        manners: Ways, limits of rate, exclusions.

    Raises:
        InputError, EnvironmentFailure: See `optout.OptOut`.
    """

    def __init__(
        self, options: ProbeOptions, *, concurrency: int | None = None, manners: Manners | None = None
    ) -> None:
        manners = manners or Manners()
        self._chain = options.chain
        self._keys: dict[str, bytes] = {}  # of what is in flight, by its text
        self._reports: list[VisitReport] = []
        self._ready = asyncio.Event()
        self._failure: EnvironmentFailure | None = None
        self._fast, self._slow = fit_networks(concurrency or DEFAULT_CRAWL_CONCURRENCY)
        self._queue: Backlog[Visit] = Backlog(self._fast + AHEAD)
        self._open: Counter[Network] = Counter()  # handed out and not reported, of each slow network
        self._open_fast = 0
        self._admission = Admission(families=IP_NETWORKS, exclude=manners.exclude)
        self._unavailable: dict[int, str] = {}
        self._pool = DialPool(
            concurrency=self._fast,
            source=self._next_visit,
            network_limits=self._slow,
            rate=rate_limits(manners.rate, manners.rate_per_group),
            on_shortage=self._give_up,
        )
        self._router = Router(manners.routes, self._pool.start_more)
        self._prober = Prober(self._pool, options, self._take)
        self._prober.on_retry = self._retry
        self._prober.on_lost_session = self._router.lose_session

    @property
    def room(self) -> int:
        """Addresses for the connections that are free, and AHEAD more of each kind of network."""
        slow = sum(max(0, limit + AHEAD - self._open[name]) for name, limit in self._slow.items())
        return max(0, self._fast + AHEAD - self._open_fast) + slow

    @property
    def full(self) -> Collection[int]:
        """The slow networks without room; all fast ones, where those have none."""
        full = [NETWORK_IDS[name] for name, limit in self._slow.items() if self._open[name] >= limit + AHEAD]
        if self._open_fast >= self._fast + AHEAD:
            full += [number for name, number in NETWORK_IDS.items() if name not in self._slow]
        return full

    @property
    def unavailable(self) -> Mapping[int, str]:
        """Networks for which no way was found."""
        return self._unavailable

    @property
    def in_flight(self) -> int:
        """Addresses that were handed out and not reported yet."""
        return self._open_fast + self._open.total()

    def submit(self, keys: Sequence[bytes]) -> None:
        """Take addresses to visit."""
        for key in keys:
            netaddr = netaddr_from_key(key)
            text = netaddr.to_text()
            self._keys[text] = key
            if netaddr.network in self._slow:
                self._open[netaddr.network] += 1
            else:
                self._open_fast += 1
            self._queue.add(self._prober.visit(text, netaddr))
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
        self._router.close()
        self._pool.close()
        reports, self._reports = self._reports, []
        return reports

    def _next_visit(self, full: Collection[Network]) -> Visit | None:
        router = self._router
        while (visit := self._queue.take({*full, *router.pending} if router.pending else full)) is not None:
            excluded = self._admission.refusal(visit, router)
            if excluded is not None:
                self._take(skipped_result(visit.target, self._chain, excluded, visit.netaddr))
                continue
            way = router.choose(visit.netaddr)
            if isinstance(way, BitcoinHandshakeError):
                self._leave(visit.target, visit.netaddr.network, way)
            elif way is None and visit.netaddr.network in router.pending:
                self._queue.put_back(visit)
            else:
                if way is not None:
                    visit.take_way(way, router.fresh_isolation() if way.is_isolated else b"")
                return visit
        return None

    def _leave(self, text: str, network: Network, why: BitcoinHandshakeError) -> None:
        """Give back an address whose network is not available from here."""
        self._unavailable.setdefault(NETWORK_IDS[network], f"{network}: {why}")
        self._reports.append(VisitReport(self._closed(text, network), None, None))
        self._ready.set()

    def _retry(self, visit: Visit) -> None:
        self._queue.put_back(visit)
        self._pool.start_more()

    def _take(self, result: ProbeResult) -> None:
        assert result.netaddr is not None
        if result.outcome is Outcome.SKIPPED and result.phase is Phase.PROXY and result.error is not None:
            self._leave(result.target, result.netaddr.network, result.error)  # the proxy is not there
            return
        key = self._closed(result.target, result.netaddr.network)
        self._reports.append(VisitReport(key, result.to_json(), _told(result)))
        self._ready.set()

    def _closed(self, text: str, network: Network) -> bytes:
        """Count an address out; return its key."""
        if network in self._slow:
            self._open[network] -= 1
        else:
            self._open_fast -= 1
        return self._keys.pop(text)

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
