"""A network that exists only as a table, for crawls without sockets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bitcoin_handshake.crawl.executor import VisitReport
from bitcoin_handshake.messages import AddrV2, AddrV2Entry

NOW = 1_700_000_000


def ipv4(a: int, b: int, c: int = 0, d: int = 1, port: int = 8333) -> bytes:
    """Pack an address."""
    return bytes((1, 4, a, b, c, d)) + port.to_bytes(2)


def addrv2(keys: Iterable[bytes], *, time: int) -> tuple[str, bytes]:
    """Write a message that tells of these addresses."""
    entries = [AddrV2Entry(time, 9, key[0], key[2:-2], int.from_bytes(key[-2:])) for key in keys]
    return "addrv2", AddrV2.from_entries(entries).payload


def record(outcome: str = "ok", **values: Any) -> dict[str, Any]:
    """Make the record of an address; see schema/record.schema.json."""
    is_ok = outcome == "ok"
    return {
        "timestamp": "2023-11-14T22:13:20.125Z",
        "network": "ipv4",
        "outcome": outcome,
        "phase": None if is_ok else "connect",
        "code": None if is_ok else "connect.refused",
        "transport": "v1" if is_ok else None,
        "transports": {"v1": {"status": "completed"}, "v2": {"status": "not_tried"}},
        "version": {
            "protocol_version": 70016,
            "services": "0000000000000c09",
            "user_agent": "/Satoshi:28.1.0/",
            "start_height": 800_000,
            "relay": True,
            "time_offset_s": 0,
        }
        if is_ok
        else None,
        "features": {"wtxidrelay": True},
        "anomalies": [],
        "speaks_v2": None,
        "times_ms": dict.fromkeys(("connect", "version", "verack", "ping")),
        "bytes_sent": 1,
        "bytes_received": 2,
        **values,
    }


class TableExecutor:
    """Visits the nodes of a table; every other address refuses. See `crawl.executor.Executor`."""

    def __init__(self, nodes: dict[bytes, Sequence[tuple[str, bytes]]], *, at_once: int = 10) -> None:
        self.nodes = nodes
        self.visited: list[bytes] = []
        self.full: tuple[int, ...] = ()
        self.is_closed = False
        self._at_once = at_once
        self._queue: list[bytes] = []

    @property
    def room(self) -> int:
        return self._at_once - len(self._queue)

    @property
    def unavailable(self) -> dict[int, str]:
        return {}

    @property
    def in_flight(self) -> int:
        return len(self._queue)

    def submit(self, keys: Sequence[bytes]) -> None:
        self._queue += keys

    async def reports(self, *, timeout_s: float) -> Sequence[VisitReport]:
        queue, self._queue = self._queue, []
        self.visited += queue
        return [
            VisitReport(key, record("ok" if key in self.nodes else "failed"), self.nodes.get(key))
            for key in queue
        ]

    async def close(self) -> Sequence[VisitReport]:
        self.is_closed = True
        return []


class MemoryStore:
    """Keeps everything in lists. See `crawl.runner.CrawlStore`."""

    def __init__(self, known: Iterable[tuple[bytes, int, int, int, bool]] = ()) -> None:
        self._known = list(known)
        self.nodes: list[tuple[bytes, int | None]] = []
        self.visits: list[tuple[int, dict[str, Any], int | None]] = []
        self.gossip: dict[int, list[int]] = {}
        self.has_failed = False

    def known(self) -> Iterable[tuple[bytes, int, int, int, bool]]:
        return self._known

    def add_nodes(self, entries: Sequence[tuple[int, int, bytes]], told_by: int | None) -> None:
        self.nodes += [(key, told_by) for _, _, key in entries]

    def add_visit(self, node: int, record: dict[str, Any], addresses: int | None) -> None:
        self.visits.append((node, record, addresses))

    def add_gossip(self, node: int, told: Sequence[int]) -> None:
        self.gossip[node] = list(told)
