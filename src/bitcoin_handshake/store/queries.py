"""Reading a store: nodes as they were last seen, by filters or in one run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.store.rows import unsigned64

__all__ = ["NODE_FIELDS", "NodeFilter", "crawl_id_of", "nodes"]

NODE_FIELDS = (
    "address", "network", "host", "port", "outcome", "phase", "code", "transport", "protocol_version",
    "services", "user_agent", "start_height", "relay", "time_offset_s", "claims_v2", "speaks_v2", "features",
    "anomalies", "connect_ms", "verack_ms", "ended_ms", "crawl_id", "last_ok_ms",
)  # fmt: skip
"""Keys of an exported node, in order; docs/crawl.md says what each means."""

_BOOLEAN = frozenset(("relay", "claims_v2", "speaks_v2"))

_NODES = """\
SELECT CASE WHEN instr(host, ':') THEN '[' || host || ']:' || port ELSE host || ':' || port END AS address,
    network, host, port, outcome, phase, code, transport, protocol_version, services,
    user_agent.text AS user_agent, start_height, relay, time_offset_s, services & 2048 != 0 AS claims_v2,
    speaks_v2, features, anomalies, connect_ms, verack_ms, ended_ms, crawl_id,
    (SELECT max(ended_ms) FROM visit AS good
        WHERE good.node_id = node.node_id AND good.is_verdict AND good.outcome = 'ok') AS last_ok_ms
FROM node JOIN visit USING (node_id) LEFT JOIN user_agent USING (user_agent_id)
WHERE visit_id = (SELECT max(visit_id) FROM visit AS last
    WHERE last.node_id = node.node_id AND last.is_verdict {crawl})
{where} ORDER BY node.node_id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFilter:
    """Which nodes are wanted; every condition that is given has to hold.

    Attributes:
        network: `ipv4 ipv6 onion i2p cjdns`.
        reachable: Whether the last visit completed the handshake.
        services: Bits that the node must offer.
        user_agent: Part of the user agent, in any case.
        min_height: Lowest start height.
        since_ms: Visited at this Unix millisecond or later.
        transport: `v1` or `v2`: what the last visit used.
        crawl_id: Seen in this run; None for the last visit of any.
    """

    network: str | None = None
    reachable: bool = False
    services: int = 0
    user_agent: str | None = None
    min_height: int | None = None
    since_ms: int | None = None
    transport: str | None = None
    crawl_id: int | None = None

    def conditions(self) -> tuple[str, list[Any]]:
        """Write the conditions in SQL, with their values."""
        pairs: list[tuple[str, Any]] = []
        if self.network is not None:
            pairs.append(("network = ?", self.network))
        if self.reachable:
            pairs.append(("outcome = ?", "ok"))
        if self.services:
            signed = self.services - (1 << 64) if self.services >> 63 else self.services
            pairs.append((f"services & {signed} = ?", signed))
        if self.user_agent is not None:
            pairs.append(("instr(lower(user_agent.text), lower(?))", self.user_agent))
        if self.min_height is not None:
            pairs.append(("start_height >= ?", self.min_height))
        if self.since_ms is not None:
            pairs.append(("ended_ms >= ?", self.since_ms))
        if self.transport is not None:
            pairs.append(("transport = ?", self.transport))
        return "".join(f" AND {text}" for text, _ in pairs), [value for _, value in pairs]


def nodes(database: sqlite3.Connection, wanted: NodeFilter) -> Iterator[dict[str, Any]]:
    """Return the nodes, each as a dictionary of NODE_FIELDS; `services` unsigned."""
    where, values = wanted.conditions()
    crawl = "" if wanted.crawl_id is None else f"AND last.crawl_id = {int(wanted.crawl_id)}"
    for row in database.execute(_NODES.format(crawl=crawl, where=where), values):
        node = dict(zip(NODE_FIELDS, row, strict=True))
        if node["services"] is not None:
            node["services"] = unsigned64(node["services"])
        for name in _BOOLEAN:
            if node[name] is not None:
                node[name] = bool(node[name])
        yield node


def crawl_id_of(database: sqlite3.Connection, number: int | None) -> int:
    """Return the number of a run, or of the last one.

    Raises:
        InputError: There is none of that number.
    """
    if number is None:
        row = database.execute("SELECT max(crawl_id) FROM crawl").fetchone()
    else:
        row = database.execute("SELECT crawl_id FROM crawl WHERE crawl_id = ?", (number,)).fetchone()
    if row is None or row[0] is None:
        what = "no run at all" if number is None else f"no run {number}"
        raise InputError(f"the store holds {what}")
    return int(row[0])
