"""Filters, and nodes as a run saw them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.store.database import open_for_reading
from bitcoin_handshake.store.queries import NODE_FIELDS, NodeFilter, crawl_id_of, nodes
from tests.stores import two_runs


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    path = tmp_path / "a.sqlite"
    two_runs(path)
    return open_for_reading(path)


def hosts(database: sqlite3.Connection, wanted: NodeFilter) -> list[str]:
    return [node["host"] for node in nodes(database, wanted)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (NodeFilter(), ["1.1.0.1", "1.2.0.1", "1.3.0.1"]),
        (NodeFilter(reachable=True), ["1.2.0.1", "1.3.0.1"]),
        (NodeFilter(crawl_id=1, reachable=True), ["1.1.0.1", "1.2.0.1"]),
        (NodeFilter(network="ipv4"), ["1.1.0.1", "1.2.0.1", "1.3.0.1"]),
        (NodeFilter(network="onion"), []),
        (NodeFilter(services=1 << 63), ["1.3.0.1"]),
        (NodeFilter(services=8), ["1.2.0.1"]),
        (NodeFilter(user_agent="SATOSHI:29"), ["1.2.0.1"]),
        (NodeFilter(min_height=800_001), ["1.3.0.1"]),
        (NodeFilter(transport="v1"), ["1.2.0.1", "1.3.0.1"]),
        (NodeFilter(transport="v2"), []),
        (NodeFilter(since_ms=1_700_000_000_125), ["1.1.0.1", "1.2.0.1", "1.3.0.1"]),
        (NodeFilter(since_ms=1_700_000_000_126), []),
    ],
)
def test_filters(database: sqlite3.Connection, wanted: NodeFilter, found: list[str]) -> None:
    assert hosts(database, wanted) == found


def test_a_node_has_every_field_and_unsigned_services(database: sqlite3.Connection) -> None:
    *_, last = nodes(database, NodeFilter())
    assert tuple(last) == NODE_FIELDS
    assert last["services"] == 1 << 63
    assert last["relay"] is True
    assert last["claims_v2"] is False
    assert last["speaks_v2"] is None
    first = next(iter(nodes(database, NodeFilter())))
    assert (first["outcome"], first["last_ok_ms"]) == ("failed", 1_700_000_000_125)


def test_the_last_run_or_one_by_number(database: sqlite3.Connection) -> None:
    assert crawl_id_of(database, None) == 2
    assert crawl_id_of(database, 1) == 1
    with pytest.raises(InputError, match="no run 9"):
        crawl_id_of(database, 9)
