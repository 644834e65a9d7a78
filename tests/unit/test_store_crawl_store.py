"""One run in a store: begun, filled, ended, gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.store.crawl_store import CrawlFile
from bitcoin_handshake.store.database import open_for_reading
from bitcoin_handshake.store.edges import unpack_numbers
from tests.crawls import ipv4, record

REGTEST = CHAINS[Chain.REGTEST]


def filled(path: Path, *, state: str = "stopped") -> None:
    run = CrawlFile(path, REGTEST, options='{"a": 1}', vantage="here")
    run.add_nodes([(5, 1 << 63, ipv4(1, 1)), (6, 9, ipv4(1, 2))], None)
    run.add_nodes([], 0)
    run.add_visit(0, record(), 1000)
    run.add_gossip(0, [0, 2])
    run.add_nodes([(7, 9, ipv4(1, 3))], 0)
    run.add_visit(1, record("failed"), None)
    run.close(state=state)


def test_what_was_added_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, state="finished")
    database = open_for_reading(path)
    assert database.execute("SELECT state, options, vantage, ended_ms > 0 FROM crawl").fetchall() == [
        ("finished", '{"a": 1}', "here", 1)
    ]
    assert database.execute("SELECT node_id, host, told_by, told_time FROM node").fetchall() == [
        (1, "1.1.0.1", None, 5),
        (2, "1.2.0.1", None, 6),
        (3, "1.3.0.1", 1, 7),
    ]
    assert database.execute("SELECT node_id, outcome, addresses FROM visit").fetchall() == [
        (1, "ok", 1000),
        (2, "failed", None),
    ]
    ((node, count, packed),) = database.execute("SELECT node_id, count, nodes FROM gossip").fetchall()
    assert (node, count, unpack_numbers(packed)) == (1, 2, [1, 3])


def test_resume_goes_on_with_the_run_that_was_stopped(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    filled(path)
    run = CrawlFile(path, REGTEST, resume=True)
    known = list(run.known())
    assert [(key, told, failures, is_finished) for key, told, failures, _, is_finished in known] == [
        (ipv4(1, 1), 5, 0, True),
        (ipv4(1, 2), 6, 1, True),
        (ipv4(1, 3), 7, 0, False),
    ]
    assert [tried for _, _, _, tried, _ in known] == [1_700_000_000, 1_700_000_000, 0]
    assert (run.crawl_id, run.node_count) == (1, 3)
    run.add_nodes([(8, 9, ipv4(1, 4))], 2)
    run.close(state="finished")
    with pytest.raises(InputError, match="leave out --resume"):
        CrawlFile(path, REGTEST, resume=True)
    again = CrawlFile(path, REGTEST)
    assert again.crawl_id == 2
    assert again.keys()[ipv4(1, 4)] == 3
    assert not any(is_finished for *_, is_finished in again.known())
    again.close(state="stopped")


def test_failures_are_counted_since_the_last_success(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    run = CrawlFile(path, REGTEST)
    run.add_nodes([(5, 9, ipv4(1, 1))], None)
    for outcome in ("failed", "ok", "failed", "failed", "failed"):
        run.add_visit(0, record(outcome), None)
    run.close(state="stopped")
    run = CrawlFile(path, REGTEST)
    assert [failures for _, _, failures, _, _ in run.known()] == [3]
    run.close(state="stopped")


def test_rows_that_were_removed_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    run = CrawlFile(path, REGTEST)
    run.add_nodes([(5, 9, ipv4(1, 1)), (5, 9, ipv4(1, 2))], None)
    run.close(state="stopped")
    run = CrawlFile(path, REGTEST)
    run._database.execute("DELETE FROM node WHERE node_id = 1")
    run.close(state="stopped")
    for _ in range(2):  # the lock is free again
        with pytest.raises(EnvironmentFailure, match="removed"):
            CrawlFile(path, REGTEST)


def test_a_failure_to_write_is_told_at_the_end(tmp_path: Path) -> None:
    run = CrawlFile(tmp_path / "a.sqlite", REGTEST)
    run.add_visit(5, record(), None)  # no such node
    with pytest.raises(EnvironmentFailure, match="FOREIGN KEY"):
        run.close(state="finished")
    assert run.has_failed
    CrawlFile(tmp_path / "a.sqlite", REGTEST).close(state="stopped")
