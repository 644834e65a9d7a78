"""The thread that writes: order, batches, failures, and what a kill leaves behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.store.database import open_for_reading, open_for_writing
from bitcoin_handshake.store.rows import VISIT_COLUMNS, node_row
from bitcoin_handshake.store.writer import ROWS_AT_ONCE, StoreWriter


def opened(path: Path) -> sqlite3.Connection:
    database = open_for_writing(path, CHAINS[Chain.REGTEST])
    database.execute("INSERT INTO crawl VALUES (1, 'crawl', 'running', 1, NULL, '1', '{}', NULL)")
    return database


def node(number: int) -> tuple[Any, ...]:
    key = b"\x01\x04" + number.to_bytes(4) + b"\x20\x8d"
    return node_row(number, key, heard_ms=1, told_by=None, told_time=0, told_services=0)


def visit(number: int, user_agent: int | None = None) -> tuple[Any, ...]:
    values = dict.fromkeys(VISIT_COLUMNS)
    values |= {"crawl_id": 1, "node_id": number, "is_verdict": 1, "ended_ms": 5, "outcome": "ok"}
    values["user_agent_id"] = user_agent
    return tuple(values.values())


@pytest.mark.parametrize("count", [0, 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 3 * ROWS_AT_ONCE + 5])
def test_all_rows_are_written_when_it_closes(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.sqlite"
    writer = StoreWriter(opened(path), path)
    for number in range(1, count + 1):
        writer.add_nodes([node(number)])
        writer.add_visits([visit(number, writer.user_agent_id(f"/{number % 3}/"))])
        writer.add_gossip([(1, number, 0, b"")])
    writer.close()
    database = open_for_reading(path)
    for table in ("node", "visit", "gossip"):
        assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (count,)
    assert database.execute("SELECT count(*) FROM user_agent").fetchone() == (min(count, 3),)


def test_user_agents_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    database = opened(path)
    first = StoreWriter(database, path)
    numbers = [first.user_agent_id(text) for text in ("/a/", "/b/", "/a/")]
    first.close()
    again = StoreWriter(database, path)
    assert [again.user_agent_id(text) for text in ("/b/", "/c/")] == [numbers[1], 3]
    again.close()


def test_a_failure_is_told_and_ends_the_thread(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    failed = threading.Event()
    writer = StoreWriter(opened(path), path, failed.set)
    writer.add_visits([visit(99)])  # no such node
    assert failed.wait(60)
    writer.add_nodes([node(1)])
    with pytest.raises(EnvironmentFailure, match="FOREIGN KEY"):
        writer.close()


def test_a_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    database = opened(path)
    writer = StoreWriter(database, path)
    writer.add_nodes([node(number) for number in range(1, 101)])
    writer.close()
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages + 2}")
    writer = StoreWriter(database, path)
    writer.add_nodes([node(number) for number in range(101, 5000)])
    with pytest.raises(EnvironmentFailure, match="disk is full"):
        writer.close()
    database.close()
    reader = open_for_reading(path)
    assert reader.execute("SELECT count(*) FROM node").fetchone() == (100,)
    assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)


_WRITES_FOR_EVER = """
import sys
from pathlib import Path
from tests.unit.test_store_writer import StoreWriter, node, opened, visit
path = Path(sys.argv[1])
writer = StoreWriter(opened(path), path)
number = 0
while True:
    number += 1
    writer.add_nodes([node(number)])
    writer.add_visits([visit(number)])
    if number % 1000 == 0:
        print(number, flush=True)
"""


def test_a_kill_leaves_a_sound_store_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITES_FOR_EVER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    for _ in process.stdout:
        seen = open_for_reading(path)
        ((count,),) = seen.execute("SELECT count(*) FROM visit")
        seen.close()
        if count:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    reader = open_for_reading(path)
    assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    ((nodes, last),) = reader.execute("SELECT count(*), max(node_id) FROM node")
    assert nodes == last > 0
    ((visits,),) = reader.execute("SELECT count(*) FROM visit")
    assert visits <= nodes
