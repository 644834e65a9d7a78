"""Walks the network: frontier, executor and store joined.

Owns the loop and its limits. It hands batches of addresses to an executor, takes reports back, tells the
frontier what was heard and the store what was learned, until nothing is left, a limit is reached, or it is
stopped. Whatever was reported is handed to the store before the run ends, however it ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic, time
from typing import Any, Protocol

from bitcoin_handshake.crawl.executor import Executor, VisitReport
from bitcoin_handshake.crawl.frontier import Frontier, KnownNode
from bitcoin_handshake.crawl.gossip import GossipRules, TellEntry, read_answer

__all__ = ["Crawl", "CrawlCounts", "CrawlLimits", "CrawlStore", "Heard"]

TICK_S = 0.5
"""How often limits are looked at and the counts are shown, seconds."""
BATCH = 256
"""Addresses handed out at once."""

_log = logging.getLogger(__name__)

Heard = tuple[bytes, Sequence[TellEntry]]
"""A source (the name of a seed, or `user`) and what it gave."""


class CrawlStore(Protocol):
    """What keeps the results; nodes are numbered from 0 in the order of `add_nodes` and `known`."""

    def known(self) -> Iterable[tuple[bytes, int, int, int, bool]]:
        """Return the nodes that are there, by number: key, told time, failures, tried (Unix s), finished."""

    def add_nodes(self, entries: Sequence[TellEntry], told_by: int | None) -> None:
        """Keep new addresses, and who told them."""

    def add_visit(self, node: int, record: dict[str, Any], addresses: int | None) -> None:
        """Keep a record, and how many entries the node told."""

    def add_gossip(self, node: int, told: Sequence[int]) -> None:
        """Keep whom a node told of: numbers in ascending order."""

    @property
    def has_failed(self) -> bool:
        """Whether nothing can be kept any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlLimits:
    """When a crawl ends before everything is visited.

    Attributes:
        max_nodes: Addresses visited at most, or None.
        max_time_s: Seconds at most, or None.
        getaddr_rounds: How often each node that answers is asked, on connections of its own.
        keeps_gossip: Whether the store gets who told whom of whom.
    """

    max_nodes: int | None = None
    max_time_s: float | None = None
    getaddr_rounds: int = 1
    keeps_gossip: bool = False


@dataclass(slots=True)
class CrawlCounts:
    """Where a crawl stands.

    Attributes:
        known: Addresses known.
        waiting: Addresses that wait for their visit.
        in_flight: Addresses being visited.
        visited: Addresses visited in this run.
        reachable: Nodes that completed the handshake in this run, by network.
        entries: Entries told.
        malformed: Address messages that could not be read.
        codes: How many visits ended in each failure code.
        elapsed_s: Seconds since the run began.
        is_complete: Whether nothing was left to visit.
    """

    known: int = 0
    waiting: int = 0
    in_flight: int = 0
    visited: int = 0
    reachable: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    malformed: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    elapsed_s: float = 0.0
    is_complete: bool = False

    @property
    def rate(self) -> float:
        """Visits a second."""
        return self.visited / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that the known addresses will take at this rate, or None."""
        return (self.waiting + self.in_flight) / self.rate if self.rate else None

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON has them."""
        return {
            "known": self.known,
            "waiting": self.waiting,
            "visited": self.visited,
            "reachable": dict(sorted(self.reachable.items())),
            "reachable_total": self.reachable.total(),
            "entries": self.entries,
            "malformed": self.malformed,
            "codes": dict(self.codes.most_common()),
            "elapsed_s": round(self.elapsed_s, 3),
            "complete": self.is_complete,
        }


class Crawl:
    """One run.

    Args:
        frontier: What decides who is next.
        executor: What visits.
        store: What keeps the results.
        rules: Which told addresses are taken.
        limits: When to end early.
        on_tick: Called about twice a second with the counts.

    Attributes:
        counts: Where it stands.
    """

    def __init__(
        self,
        frontier: Frontier,
        executor: Executor,
        store: CrawlStore,
        *,
        rules: GossipRules,
        limits: CrawlLimits,
        on_tick: Callable[[CrawlCounts], None] | None = None,
    ) -> None:
        self._frontier = frontier
        self._executor = executor
        self._store = store
        self._rules = rules
        self._limits = limits
        self._on_tick = on_tick
        self._handed_out = 0
        self._rounds: Counter[bytes] = Counter()
        self._again: list[bytes] = []
        self._is_stopped = False
        self._began = monotonic()
        self.counts = CrawlCounts()

    def stop(self) -> None:
        """End soon: nothing more is handed out."""
        self._is_stopped = True

    async def run(self, start: Iterable[Heard]) -> CrawlCounts:
        """Walk, to the end or to a limit.

        Args:
            start: Where it begins, besides what the store knows.

        Raises:
            EnvironmentFailure: No more visits can be run; what is known is kept.
        """
        self._began = monotonic()
        self._load(start)
        try:
            await self._walk()
        finally:
            self._take_reports(await self._executor.close())
            self._update()
        return self.counts

    def _load(self, start: Iterable[Heard]) -> None:
        now_unix = int(time())
        frontier = self._frontier
        frontier.load(
            (
                KnownNode(key=key, time=told, failures=failures, tried_unix=tried, is_finished=is_finished)
                for key, told, failures, tried, is_finished in self._store.known()
            ),
            now_unix=now_unix,
        )
        for source, entries in start:
            self._store.add_nodes(frontier.hear(source, entries, now_unix=now_unix), None)

    async def _walk(self) -> None:
        executor = self._executor
        closed: set[int] = set()
        next_tick = 0.0
        while not self._is_over():
            self._hand_out()
            if not executor.in_flight:
                self.counts.is_complete = not self._frontier.waiting
                return
            self._take_reports(await executor.reports(timeout_s=TICK_S))
            for network_id in executor.unavailable.keys() - closed:
                closed.add(network_id)
                self._close_network(network_id, executor.unavailable[network_id])
            if (now := monotonic()) >= next_tick:
                next_tick = now + TICK_S
                self._update()
            # Reports may be there at once; connections and signals have their turn all the same.
            await asyncio.sleep(0)

    def _close_network(self, network_id: int, why: str) -> None:
        """Keep the addresses of a network that is not available from here, and say so once."""
        self._frontier.close_network(network_id)
        _log.warning("%s; addresses of that network are kept and not visited", why)

    def _is_over(self) -> bool:
        max_time_s = self._limits.max_time_s
        return (
            self._is_stopped
            or self._store.has_failed
            or (max_time_s is not None and monotonic() - self._began >= max_time_s)
        )

    def _hand_out(self) -> None:
        executor = self._executor
        max_nodes = self._limits.max_nodes
        if self._again:
            executor.submit(self._again)
            self._again = []
        while room := min(executor.room, BATCH):
            if max_nodes is not None:
                room = min(room, max_nodes - self._handed_out)
            keys = self._frontier.take(room, full=executor.full) if room > 0 else []
            if not keys:
                return
            self._handed_out += len(keys)
            executor.submit(keys)

    def _take_reports(self, reports: Iterable[VisitReport]) -> None:
        now_unix = int(time())
        for report in reports:
            self._take_report(report, now_unix)

    def _take_report(self, report: VisitReport, now_unix: int) -> None:
        frontier = self._frontier
        counts = self.counts
        key = report.key
        if report.record is None:
            frontier.leave(key)
            return
        node = frontier.finish(key)
        addresses = None
        if report.messages is not None:
            answer = read_answer(report.messages, partial(frontier.fresh, key))
            addresses = answer.entries
            counts.entries += answer.entries
            counts.malformed += answer.malformed
            if answer.fresh:
                usable = self._rules.usable(answer.fresh, now_unix=now_unix)
                self._store.add_nodes(frontier.hear(key, usable, now_unix=now_unix), node)
            if self._limits.keeps_gossip and answer.keys:
                self._store.add_gossip(node, frontier.indexes(answer.keys))
        self._count(key, report.record)
        self._store.add_visit(node, report.record, addresses)

    def _count(self, key: bytes, record: dict[str, Any]) -> None:
        counts = self.counts
        is_ok = record["outcome"] == "ok"
        rounds = self._rounds.pop(key, 0)
        if is_ok and rounds + 1 < self._limits.getaddr_rounds and not self._is_stopped:
            self._rounds[key] = rounds + 1
            self._again.append(key)
        if rounds:
            return  # counted when it was visited first
        counts.visited += 1
        if is_ok:
            counts.reachable[record["network"]] += 1
        elif record["code"] is not None:
            counts.codes[record["code"]] += 1

    def _update(self) -> None:
        counts = self.counts
        counts.known = len(self._frontier)
        counts.waiting = self._frontier.waiting
        counts.in_flight = self._executor.in_flight
        counts.elapsed_s = monotonic() - self._began
        if self._on_tick is not None:
            self._on_tick(counts)
