"""The tables that people quote, each with its definition, and the difference between two runs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bitcoin_handshake.location import Location
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.protocol import services_names
from bitcoin_handshake.store.queries import NodeFilter, nodes

__all__ = ["Difference", "Table", "compare", "statistics"]

MAX_ROWS = 25
TIME_STEPS_S = (1, 10, 60, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    Attributes:
        name: Key of the table in JSON.
        title: What a person reads.
        definition: What is counted, and what not.
        rows: Name and count, the largest first.
        total: What percentages are of.
    """

    name: str
    title: str
    definition: str
    rows: list[tuple[str, int]]
    total: int

    def to_json(self) -> dict[str, Any]:
        """Return the table as JSON has it."""
        return {
            "definition": self.definition,
            "total": self.total,
            "rows": [
                {
                    "name": name,
                    "count": count,
                    "percent": round(100 * count / self.total, 2) if self.total else None,
                }
                for name, count in self.rows
            ],
        }


def statistics(database: sqlite3.Connection, crawl_id: int, location: Location | None = None) -> list[Table]:
    """Make the tables of one run.

    Args:
        location: Who knows autonomous systems and countries; None leaves those tables out.
    """
    seen = list(nodes(database, NodeFilter(crawl_id=crawl_id)))
    up = [node for node in seen if node["outcome"] == "ok"]
    per = "of the nodes that completed the handshake in this run"
    services: Counter[str] = Counter()
    for node in up:
        services.update(services_names(node["services"] or 0))
    heights = sorted(node["start_height"] for node in up if node["start_height"] is not None)
    middle = heights[len(heights) // 2] if heights else 0
    tables = [
        Table(
            name="outcomes",
            title="Visited, by result",
            definition="Addresses visited in this run; the code says why a visit was no success.",
            rows=_ranked(Counter(node["code"] or node["outcome"] for node in seen)),
            total=len(seen),
        ),
        Table(
            name="services",
            title="Services",
            definition=f"Nodes that offer each service bit, {per}.",
            rows=_ranked(services),
            total=len(up),
        ),
    ]
    for name, (title, definition, key) in _OF_NODES.items():
        rows = _ranked(Counter(map(key, up)))
        tables.append(
            Table(name=name, title=title, definition=f"{definition} {per}.", rows=rows, total=len(up))
        )
    rows = _ranked(Counter(_spread(node["start_height"], middle) for node in up))
    definition = f"Start height minus the median {middle}, {per}."
    tables.append(Table(name="heights", title="Height", definition=definition, rows=rows, total=len(up)))
    return tables if location is None else [*tables, *_places(up, location)]


def _places(up: Sequence[Mapping[str, Any]], location: Location) -> Iterator[Table]:
    """Make the tables of autonomous systems and of countries; of IP addresses only."""
    addresses = [
        NetAddr(Network(node["network"]), node["host"], node["port"])
        for node in up
        if node["network"] in ("ipv4", "ipv6")
    ]
    per = "of the nodes with IPv4 and IPv6 addresses that completed the handshake in this run"
    asns = Counter(f"AS{asn}" if (asn := location.asn(each)) else "(unknown)" for each in addresses)
    countries = Counter(location.country(each) or "(unknown)" for each in addresses)
    for name, title, what, counts in (
        ("autonomous_systems", "Autonomous systems", "Network operator by the file given", asns),
        ("countries", "Countries", "Country by the file given", countries),
    ):
        if counts.keys() - {"(unknown)"}:
            definition = f"{what}, {per}."
            yield Table(
                name=name, title=title, definition=definition, rows=_ranked(counts), total=len(addresses)
            )


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    rows = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in rows[MAX_ROWS:])
    return rows[:MAX_ROWS] + ([("(others)", rest)] if rest else [])


def _software(node: Mapping[str, Any]) -> str:
    text = (node["user_agent"] or "").strip("/")
    return text.partition(":")[0].partition("/")[0] or "(none)"


def _v2(node: Mapping[str, Any]) -> str:
    claims = "claimed" if node["claims_v2"] else "not claimed"
    speaks = {True: "measured", False: "measured not to work", None: "not measured"}[node["speaks_v2"]]
    return f"{claims}, {speaks}"


def _spread(height: int | None, middle: int) -> str:
    if height is None:
        return "not said"
    distance = height - middle
    if abs(distance) <= 2:
        return "within 2 blocks"
    side = "ahead" if distance > 0 else "behind"
    return f"up to 144 {side}" if abs(distance) <= 144 else f"over 144 {side}"


def _clock(offset_s: int | None) -> str:
    if offset_s is None:
        return "not said"
    step = next((step for step in TIME_STEPS_S if abs(offset_s) <= step), None)
    return f"over {TIME_STEPS_S[-1]} s" if step is None else f"within {step} s"


_OF_NODES: Mapping[str, tuple[str, str, Callable[[Mapping[str, Any]], str]]] = MappingProxyType(
    {
        "networks": ("Reachable, by network", "Addresses", lambda node: node["network"]),
        "software": ("Software", "User agent without its version", _software),
        "user_agents": ("User agents", "As the node says", lambda node: node["user_agent"] or ""),
        "v2": ("v2 transport", "Service bit (claimed) and result (measured)", _v2),
        "protocol_versions": ("Protocol versions", "As the node says", lambda n: str(n["protocol_version"])),
        "ports": ("Ports", "Port", lambda node: str(node["port"])),
        "clocks": ("Clock", "Distance between its clock and ours", lambda n: _clock(n["time_offset_s"])),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed from one run to another, about the nodes that completed the handshake.

    Attributes:
        new: Reachable in B, not in A.
        gone: Reachable in A, not in B.
        upgraded: Another user agent: address, before, after.
        services: Other services: address, before, after, 16 hex digits.
        moved: Gone from one address and new at one of the same host with another port.
        common: Reachable in both.
    """

    new: list[str]
    gone: list[str]
    upgraded: list[tuple[str, str, str]]
    services: list[tuple[str, str, str]]
    moved: list[tuple[str, str]]
    common: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "new": self.new,
            "gone": self.gone,
            "moved": [{"from": before, "to": after} for before, after in self.moved],
            "upgraded": [{"address": a, "from": b, "to": c} for a, b, c in self.upgraded],
            "services": [{"address": a, "from": b, "to": c} for a, b, c in self.services],
            "common": self.common,
        }


def compare(a: Iterable[dict[str, Any]], b: Iterable[dict[str, Any]]) -> Difference:
    """Compare two sets of reachable nodes."""
    before = {node["address"]: node for node in a}
    after = {node["address"]: node for node in b}
    gone = [address for address in before if address not in after]
    new = [address for address in after if address not in before]
    new_by_host = {after[address]["host"]: address for address in new}
    moved = [
        (address, new_by_host[host]) for address in gone if (host := before[address]["host"]) in new_by_host
    ]
    common = [address for address in before if address in after]
    return Difference(
        new=sorted(set(new) - {address for _, address in moved}),
        gone=sorted(set(gone) - {address for address, _ in moved}),
        moved=moved,
        upgraded=[
            (address, before[address]["user_agent"] or "", after[address]["user_agent"] or "")
            for address in common
            if before[address]["user_agent"] != after[address]["user_agent"]
        ],
        services=[
            (address, f"{before[address]['services'] or 0:016x}", f"{after[address]['services'] or 0:016x}")
            for address in common
            if before[address]["services"] != after[address]["services"]
        ],
        common=len(common),
    )
