"""The tables, and what changed between two runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.store.database import open_for_reading
from bitcoin_handshake.store.queries import NodeFilter, nodes
from bitcoin_handshake.store.statistics import MAX_ROWS, Table, _ranked, compare, statistics
from tests.stores import AGENT, two_runs


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    two_runs(tmp_path / "a.sqlite")
    return open_for_reading(tmp_path / "a.sqlite")


def test_the_tables_of_a_run(database: sqlite3.Connection) -> None:
    tables = {table.name: table for table in statistics(database, 2)}
    rows = {name: table.rows for name, table in tables.items()}
    assert rows["networks"] == [("ipv4", 2)]
    assert rows["outcomes"] == [("ok", 2), ("connect.refused", 1)]
    assert rows["software"] == [("=cmd()", 1), ("Satoshi", 1)]
    assert rows["v2"] == [("claimed, not measured", 1), ("not claimed, not measured", 1)]
    assert rows["ports"] == [("8333", 2)]
    assert rows["protocol_versions"] == [("70016", 2)]
    assert rows["clocks"] == [("within 1 s", 1), ("within 600 s", 1)]
    assert rows["heights"] == [("within 2 blocks", 2)]
    assert ("P2P_V2", 1) in rows["services"]
    assert all(table.definition.endswith(".") for table in tables.values())


class _Places:
    """Knows one operator, and no country."""

    def asn(self, netaddr: NetAddr) -> int | None:
        return 64500 if netaddr.network is Network.IPV4 else None

    def country(self, netaddr: NetAddr) -> str | None:
        return None


def test_the_tables_of_places(database: sqlite3.Connection) -> None:
    tables = {table.name: table for table in statistics(database, 2, _Places())}
    assert tables["autonomous_systems"].rows == [("AS64500", 2)]
    assert "countries" not in tables  # nothing is known of them
    assert "autonomous_systems" not in {table.name for table in statistics(database, 2)}


def test_percentages() -> None:
    table = Table(name="a", title="A", definition="b", rows=[("x", 1)], total=3)
    assert table.to_json()["rows"] == [{"name": "x", "count": 1, "percent": 33.33}]
    empty = Table(name="a", title="A", definition="b", rows=[("x", 0)], total=0)
    assert empty.to_json()["rows"][0]["percent"] is None


def test_long_tables_end_in_others() -> None:
    from collections import Counter

    rows = _ranked(Counter({f"{number:03}": 1 for number in range(MAX_ROWS + 7)}))
    assert len(rows) == MAX_ROWS + 1
    assert rows[-1] == ("(others)", 7)


def test_what_changed(database: sqlite3.Connection) -> None:
    difference = compare(
        nodes(database, NodeFilter(reachable=True, crawl_id=1)),
        nodes(database, NodeFilter(reachable=True, crawl_id=2)),
    )
    assert difference.to_json() == {
        "new": ["1.3.0.1:8333"],
        "gone": ["1.1.0.1:8333"],
        "moved": [],
        "upgraded": [{"address": "1.2.0.1:8333", "from": "/Satoshi:28.1.0/", "to": AGENT}],
        "services": [],
        "common": 1,
    }


def test_a_node_on_another_port_has_moved() -> None:
    before = {"address": "1.1.1.1:1", "host": "1.1.1.1", "user_agent": "a", "services": 1}
    after = {**before, "address": "1.1.1.1:2"}
    difference = compare([before], [after])
    assert (difference.moved, difference.new, difference.gone) == ([("1.1.1.1:1", "1.1.1.1:2")], [], [])
    changed = compare([before], [{**before, "services": 2}])
    assert changed.services == [("1.1.1.1:1", f"{1:016x}", f"{2:016x}")]
