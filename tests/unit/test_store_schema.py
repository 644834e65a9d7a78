"""The tables: what they refuse, how services read, what the views say."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.store.database import open_for_writing
from bitcoin_handshake.store.rows import signed64
from bitcoin_handshake.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    return open_for_writing(tmp_path / "store.sqlite", CHAINS[Chain.REGTEST])


def fill(database: sqlite3.Connection, services: int = 0xC09) -> None:
    database.execute("INSERT INTO crawl VALUES (1, 'crawl', 'finished', 1, 2, '1.0', '{}', NULL)")
    database.execute("INSERT INTO node VALUES (1, x'01', 'ipv4', '1.2.3.4', 8333, 1, NULL, 0, 0)")
    database.execute("INSERT INTO node VALUES (2, x'02', 'ipv6', '2a00::1', 8333, 1, 1, 0, 0)")
    database.execute("INSERT INTO user_agent VALUES (1, '/Satoshi:28.1.0/')")
    for node in (1, 2):
        database.execute(
            "INSERT INTO visit (crawl_id, node_id, is_verdict, ended_ms, outcome, services, user_agent_id,"
            " speaks_v2) VALUES (1, ?, 1, 5, 'ok', ?, 1, 1)",
            (node, signed64(services)),
        )


def test_the_file_says_what_it_is(database: sqlite3.Connection) -> None:
    assert database.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,) == (0x42744873,)
    assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_every_older_version_has_its_migration() -> None:
    assert sorted(MIGRATIONS) == list(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("services", [0, 0xC09, 1 << 63, (1 << 64) - 1])
def test_services_are_unsigned_in_views_and_bits_can_be_tested(
    database: sqlite3.Connection, services: int
) -> None:
    fill(database, services)
    row = database.execute("SELECT services_hex, services & 2048 != 0 FROM latest WHERE node_id = 1")
    assert row.fetchone() == (f"{services:016x}", int(services & 2048 != 0))


def test_views(database: sqlite3.Connection) -> None:
    fill(database)
    database.execute(
        "INSERT INTO visit (crawl_id, node_id, is_verdict, ended_ms, outcome) VALUES (1, 2, 1, 6, 'failed')"
    )
    assert database.execute("SELECT address, outcome FROM latest ORDER BY node_id").fetchall() == [
        ("1.2.3.4:8333", "ok"),
        ("[2a00::1]:8333", "failed"),
    ]
    assert database.execute("SELECT * FROM by_network").fetchall() == [("ipv4", 1, 1), ("ipv6", 1, 0)]
    assert database.execute("SELECT * FROM by_user_agent").fetchall() == [("/Satoshi:28.1.0/", 1, 100.0)]
    assert database.execute("SELECT * FROM v2_support").fetchall() == [(1, 1, 1)]
    assert database.execute("SELECT visited, reachable FROM crawl_summary").fetchall() == [(3, 2)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO node VALUES (9, x'09', 'tor', 'a', 1, 1, NULL, 0, 0)",
        "INSERT INTO node VALUES (9, x'09', 'ipv4', 'a', 65536, 1, NULL, 0, 0)",
        "INSERT INTO node VALUES (9, x'01', 'ipv4', 'a', 1, 1, NULL, 0, 0)",
        "INSERT INTO visit (crawl_id, node_id, is_verdict, ended_ms, outcome) VALUES (1, 99, 1, 1, 'ok')",
        "INSERT INTO visit (crawl_id, node_id, is_verdict, ended_ms, outcome) VALUES (1, 1, 1, 1, 'good')",
        "INSERT INTO store VALUES (2, 'a', '00000000', 1)",
        "UPDATE crawl SET state = 'asleep'",
        "DELETE FROM node WHERE node_id = 1",
    ],
)
def test_what_the_tables_refuse(database: sqlite3.Connection, statement: str) -> None:
    fill(database)
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(statement)
