"""The main job: targets in, one record for each address out.

Owns the flow: names are resolved, learned addresses are judged by policy and dialled once,
everything else is dialled as it comes, results stream to a `ResultSink`, and a `Summary` counts.
Memory is bounded however long the input is.

    batches of targets -> names: resolve -> policy -> once per run -+
                       -> addresses --------------------------------+-> queue -> Prober -> sink

Names that arrive in one batch are resolved together before the addresses that they give are
dialled, so that `seeds` of a record lists every one of them that gave the address.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Collection, Sequence
from dataclasses import dataclass
from os import strerror
from time import monotonic
from typing import TYPE_CHECKING

from bitcoin_handshake import arguments
from bitcoin_handshake.admission import Admission, fit_networks, rate_limits
from bitcoin_handshake.backlog import Backlog
from bitcoin_handshake.chain import ChainParams
from bitcoin_handshake.diagnosis import Diagnosis
from bitcoin_handshake.engine.limits import fit_lookups
from bitcoin_handshake.engine.pool import DialPool
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.errors import (
    AlreadyDialled,
    BadTarget,
    BitcoinHandshakeError,
    BlockedByHosts,
    EnvironmentFailure,
    InputError,
    Phase,
    ResolveFailed,
    Skipped,
)
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import IP_NETWORKS, refusal
from bitcoin_handshake.prober import (
    ProbeOptions,
    Prober,
    failed_result,
    skipped_result,
)
from bitcoin_handshake.records import ProbeResult, ResultSink
from bitcoin_handshake.routes.options import DIRECT, RouteOptions
from bitcoin_handshake.routes.router import Router
from bitcoin_handshake.summary import Summary
from bitcoin_handshake.targets import Target
from bitcoin_handshake.visit import Visit

if TYPE_CHECKING:
    from bitcoin_handshake.resolver import Resolution

__all__ = ["Survey", "SurveyOptions"]

MAX_NAMES_LOGGED = 64
"""Names of one batch that are logged one by one; of more, only their number is logged."""

_REPORTED: dict[str, None] = {}
"""Takes the place of the names that gave an address once its result is written: no name is added then."""

UNSPECIFIED = frozenset({"0.0.0.0", "::"})
"""Addresses that a hosts file gives to a name that it blocks."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyOptions:
    """How to run the main job.

    Attributes:
        probe: How to probe each node.
        port: Port of targets that name none; None for the chain's own.
        families: Networks to ask names for and to dial.
        resolver: `ADDR[:PORT]` of the DNS server to ask; None for the system's.
        concurrency: Connections at once at most; None for DEFAULT_CONCURRENCY.
        allow_private: Dial learned addresses that are not globally routable too.
        routes: By which way each network is reached.
        rate: New connections a second, over 0; None for no limit. Loopback has none.
        rate_per_group: Likewise for each /24 of IPv4 and each /48 of IPv6.
        exclude: Whom not to dial; see `optout.OptOut`.
        dry_run: Dial nothing, and record by which way each target would be reached.
        no_resolve: With `dry_run`, do not look up names either.

    Raises:
        InputError: A value is out of its range.
    """

    probe: ProbeOptions
    port: int | None = None
    families: frozenset[Network] = IP_NETWORKS
    resolver: str | None = None
    concurrency: int | None = None
    allow_private: bool = False
    routes: RouteOptions = DIRECT
    rate: float | None = None
    rate_per_group: float | None = None
    exclude: Sequence[str] = ()
    dry_run: bool = False
    no_resolve: bool = False

    def __post_init__(self) -> None:
        if self.port is not None:
            arguments.whole_number("port", self.port, low=1, high=65535)
        if self.concurrency is not None:
            arguments.whole_number("concurrency", self.concurrency, low=1)
        arguments.flag("allow_private", self.allow_private)
        object.__setattr__(self, "families", arguments.networks("families", self.families))
        if self.resolver is not None:
            self._check_resolver(self.resolver)
        for name in ("rate", "rate_per_group"):
            rate = getattr(self, name)
            if rate is not None and not arguments.seconds(name, rate):
                raise InputError(f"{name} must be over 0 connections a second")
        if self.no_resolve and not self.dry_run:
            raise InputError("names are left unresolved in a dry run only: --no-resolve needs --dry-run")
        if self.resolver is not None and self.routes.proxy is not None:
            raise InputError("a DNS server would be asked outside the proxy: leave out --resolver or --proxy")

    @staticmethod
    def _check_resolver(resolver: object) -> None:
        if not isinstance(resolver, str):
            raise InputError(f"resolver must be text, ADDR[:PORT], not {type(resolver).__name__}")
        # Imported where a server is named: other runs may do without.
        from bitcoin_handshake.resolver import parse_resolver

        try:
            parse_resolver(resolver)
        except InputError as error:
            raise InputError(f"resolver: {error}") from None


class Survey:
    """One run of the main job.

    Args:
        options: How to run it.
        sink: Where the records go as they come.

    Attributes:
        summary: What was found so far.
        diagnosis: What is probably wrong here.
    """

    def __init__(self, options: SurveyOptions, sink: ResultSink) -> None:
        self._options = options
        self._sink = sink
        self._chain: ChainParams = options.probe.chain
        self._port = options.port or self._chain.default_port
        self._queue: Backlog[Visit] = Backlog(1)
        self._learned: dict[NetAddr, dict[str, None]] = {}
        self._refused: set[NetAddr] = set()
        self._stopped = asyncio.Event()
        self._failure: BaseException | None = None
        self._names_under_way = 0
        self._is_fed = False
        self._is_debugging = _log.isEnabledFor(logging.DEBUG)
        self._concurrency = 0
        self._lookups = 0
        self._admission = Admission(
            families=options.families,
            exclude=options.exclude,
            dry_run=options.dry_run,
            no_resolve=options.no_resolve,
            proxy=options.routes.proxy,
        )
        self.summary = Summary()
        self.diagnosis = Diagnosis()

    async def run(self, batches: AsyncIterable[Sequence[Target | BadTarget]]) -> Summary:
        """Do it, to the end of the input and of the last connection.

        Args:
            batches: Targets as they come; see `targets.read_targets`.

        Returns:
            The summary, complete.

        Raises:
            EnvironmentFailure: This machine cannot go on.
            BrokenPipeError: The reader of the sink went away.
        """
        began = monotonic()
        self._concurrency, network_limits = fit_networks(self._options.concurrency)
        _log.debug("At most %d connections at once", self._concurrency)
        self._queue = Backlog(2 * self._concurrency)
        self._changed = asyncio.Event()
        self._lookups = fit_lookups(self._options.concurrency)
        self._may_look_up = asyncio.Semaphore(self._lookups)
        self._pool = DialPool(
            concurrency=self._concurrency,
            network_limits=network_limits,
            rate=rate_limits(self._options.rate, self._options.rate_per_group),
            source=self._next_visit,
            on_turn=self._after_dials,
            on_shortage=self._give_up,
        )
        self._router = Router(self._options.routes, self._pool.start_more)
        self._prober = Prober(self._pool, self._options.probe, self._record)
        self._prober.on_retry = self._retry
        self._prober.on_lost_session = self._router.lose_session
        feeding = asyncio.create_task(self._feed(batches))
        feeding.add_done_callback(self._end_of_feed)
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            await stopping
        finally:
            feeding.cancel()
            stopping.cancel()
            await asyncio.gather(feeding, stopping, return_exceptions=True)
            if self.summary.interrupted:
                self._prober.stop()
            self._router.close()
            self._pool.close()
            self.summary.elapsed_s = monotonic() - began
            self.summary.is_open = not self._is_fed
        if self._failure is not None:
            raise self._failure
        await self._sink.drain()
        return self.summary

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is dialled."""
        return self._options.dry_run

    def stop(self) -> None:
        """End the run now; `run` returns what is known."""
        self.summary.interrupted = True
        self._stopped.set()

    def _end_of_feed(self, feeding: asyncio.Task[None]) -> None:
        if feeding.cancelled():
            return
        error = feeding.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is not None:
            self._fail(error)
        self._is_fed = True
        self._pool.start_more()

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._stopped.set()

    # --- targets in -------------------------------------------------------------------------

    async def _feed(self, batches: AsyncIterable[Sequence[Target | BadTarget]]) -> None:
        async with asyncio.TaskGroup() as lookups:
            async for batch in batches:
                names: list[Target] = []
                for target in batch:
                    if isinstance(target, BadTarget):
                        self._record(failed_result(target.text, self._chain, target, None))
                    elif target.netaddr is None:
                        skipped = self._admission.name_refusal(target.host)
                        if skipped is None:
                            names.append(target)
                        else:
                            self._record(skipped_result(target.text, self._chain, skipped, None))
                    else:
                        self._queue.add(self._typed(target, target.netaddr))
                    if self._queue.is_full:
                        await self._room()
                if names:
                    await self._start_lookup(lookups, names)
                await self._room()
                await asyncio.sleep(0)  # targets that need no waiting leave the loop its turn

    async def _room(self) -> None:
        """Wait until the queue has room and the sink takes more."""
        self._pool.start_more()
        await self._sink.drain()
        while self._queue.is_full:
            self._changed.clear()
            await self._changed.wait()

    def _typed(self, target: Target, netaddr: NetAddr) -> Visit:
        if not netaddr.port and netaddr.network is not Network.I2P:
            netaddr = NetAddr(netaddr.network, netaddr.host, self._port)
        if self._options.routes.cjdnsreachable:
            netaddr = netaddr.as_cjdns()
        self.summary.addresses += 1
        return self._prober.visit(target.text, netaddr)

    async def _start_lookup(self, lookups: asyncio.TaskGroup, names: list[Target]) -> None:
        """Resolve names of one batch together; wait here where many are under way."""
        self._names_under_way += len(names)
        lookups.create_task(self._look_up(names))
        while self._names_under_way >= self._lookups:
            self._changed.clear()
            await self._changed.wait()

    async def _look_up(self, names: list[Target]) -> None:
        if len(names) <= MAX_NAMES_LOGGED:
            for target in names:
                _log.info("Resolving DNS seed %s ...", target.host)
        else:
            _log.info("Resolving %d names ...", len(names))
        answers = await asyncio.gather(*(self._resolve(target) for target in names))
        visits: dict[NetAddr, Visit] = {}
        found = 0
        for target, answer in zip(names, answers, strict=True):
            if answer is None:  # the proxy is given the name itself
                self._queue.add(self._by_name(target))
            elif isinstance(answer, ResolveFailed):
                _log.warning("%s: %s", target.host, answer)
                self._record(failed_result(target.text, self._chain, answer, Phase.RESOLVE))
            else:
                _log.debug(
                    "%s: %d addresses from %s in %.1f ms",
                    target.host,
                    len(answer.addresses),
                    answer.server,
                    answer.elapsed_ms,
                )
                if answer.dropped:
                    _log.warning(
                        "%s: %d addresses beyond the first %d were left out",
                        target.host,
                        answer.dropped,
                        len(answer.addresses),
                    )
                found += self._learn(target, answer, visits)
        if found:
            _log.info("Resolved %d addresses. Starting handshakes...", found)
        for netaddr, visit in visits.items():
            skipped = self._refusal(netaddr) if netaddr in self._refused else None
            if skipped is not None:
                self._skip(visit, skipped)
                continue
            self._queue.add(visit)
            if self._queue.is_full:
                await self._room()
        self._changed.set()
        self._pool.start_more()

    def _by_name(self, target: Target) -> Visit:
        self.summary.addresses += 1
        visit = self._prober.visit(target.text, NetAddr(Network.IPV4, "0.0.0.0", target.port or self._port))
        visit.name = target.host
        return visit

    async def _resolve(self, target: Target) -> Resolution | ResolveFailed | None:
        if self._options.routes.proxy is not None:
            from bitcoin_handshake.proxied_names import resolve_by_proxy

            async with self._may_look_up:
                answer = await resolve_by_proxy(
                    self._router, target.host, timeout_s=self._options.probe.timeout_s
                )
            self._names_under_way -= 1
            self._changed.set()
            return answer
        # Imported at the first name: a run with addresses only does not need it, and it takes a tenth
        # of the start.
        from bitcoin_handshake.resolver import resolve

        async with self._may_look_up:
            try:
                return await resolve(
                    target.host,
                    resolver=self._options.resolver,
                    families=self._options.families,
                    timeout_s=self._options.probe.timeout_s,
                )
            except ResolveFailed as error:
                return error
            finally:
                self._names_under_way -= 1
                self._changed.set()

    def _learn(self, target: Target, answer: Resolution, visits: dict[NetAddr, Visit]) -> int:
        """Take the addresses of one name; return how many are new in this run.

        What a name of this machine's own (hosts file, `localhost`) gives is dialled wherever it
        is, even where a DNS server gave it before and it was refused.
        """
        port = target.port or self._port
        new = 0
        refused = 0
        for address in answer.addresses:
            netaddr = NetAddr(address.network, address.host, port)
            if answer.local and address.host in UNSPECIFIED:
                self.summary.addresses += 1
                blocked = BlockedByHosts(host=address.host)
                self._record(skipped_result(target.text, self._chain, blocked, netaddr))
                continue
            if self._options.routes.cjdnsreachable:
                netaddr = netaddr.as_cjdns()
            seeds = self._learned.get(netaddr)
            is_refused = not answer.local and self._refusal(netaddr) is not None
            refused += is_refused
            if seeds is None:
                new += 1
                self.summary.addresses += 1
                seeds = self._learned[netaddr] = {}
                if is_refused:
                    self._refused.add(netaddr)
                visits[netaddr] = self._prober.visit(target.text, netaddr, seeds, answer.elapsed_ms)
            elif netaddr in self._refused and not is_refused:
                self._refused.discard(netaddr)
                if seeds is _REPORTED:
                    seeds = self._learned[netaddr] = {}
                visits[netaddr] = self._prober.visit(target.text, netaddr, seeds, answer.elapsed_ms)
            if seeds is not _REPORTED:
                seeds[target.host] = None
        if refused and refused == len(answer.addresses):
            _log.warning(
                "%s: all %d addresses are private or reserved and were skipped; --allow-private dials them",
                target.host,
                refused,
            )
        return new

    def _refusal(self, netaddr: NetAddr) -> Skipped | None:
        return None if self._options.allow_private else refusal(netaddr)

    # --- dials ------------------------------------------------------------------------------

    def _next_visit(self, full: Collection[Network]) -> Visit | None:
        """Give the pool the oldest visit to a network that has room; skip what cannot be reached."""
        router = self._router
        while not self._stopped.is_set():
            closed = {*full, *router.pending} if router.pending else full
            visit = self._queue.take(closed)
            if visit is None:
                return None
            netaddr = visit.netaddr
            excluded = self._admission.refusal(visit, router)
            if excluded is not None:
                self._skip(visit, excluded)
                continue
            way = router.choose(netaddr)
            if way is None and netaddr.network in router.pending:
                self._queue.put_back(visit)
            elif isinstance(way, BitcoinHandshakeError):
                self._skip(visit, way)
            elif self._admission.is_first(visit):
                if way is not None:
                    visit.take_way(way, router.fresh_isolation() if way.is_isolated else b"")
                return visit
            else:
                self._skip(visit, AlreadyDialled())
        return None

    def _retry(self, visit: Visit) -> None:
        self._queue.put_back(visit)
        self._pool.start_more()

    def _after_dials(self) -> None:
        self.summary.dialled = self._pool.dialled
        if not self._queue and self._is_fed and self._pool.is_idle and not self._prober.waiting_retries:
            self._stopped.set()
        if not self._queue.is_full:
            self._changed.set()

    def _give_up(self, shortage: OutOfResources) -> None:
        self._fail(EnvironmentFailure(f"cannot open any connection: {strerror(shortage.errno)}"))

    # --- records out ------------------------------------------------------------------------

    def _skip(self, visit: Visit, error: BitcoinHandshakeError) -> None:
        result = skipped_result(visit.target, self._chain, error, visit.netaddr)
        result.seeds = tuple(visit.seeds)
        result.resolve_ms = visit.resolve_ms
        self._record(result)

    def _record(self, result: ProbeResult) -> None:
        if result.seeds and result.netaddr is not None:
            self._learned[result.netaddr] = _REPORTED
        self.summary.count(result)
        self.diagnosis.count(result)
        if self._is_debugging:
            _log.debug(
                "%s: %s%s, %d bytes sent, %d received%s",
                result.netaddr or result.target,
                result.outcome,
                f" ({result.code})" if result.code else "",
                result.bytes_sent,
                result.bytes_received,
                "".join(f", {anomaly}" for anomaly in result.anomalies),
            )
        try:
            self._sink.write(result)
        except Exception as error:  # a sink that fails ends the run, not a callback of the loop
            self._fail(error)
