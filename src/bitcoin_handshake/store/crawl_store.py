"""One run in a store: begun or gone on with, filled, ended.

Owns the row of the run and the numbers of nodes: a node's `node_id` is its number in the run plus one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import time
from typing import Any

from bitcoin_handshake import __version__
from bitcoin_handshake.chain import ChainParams
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.store.database import StoreLock, open_for_writing, store_failure
from bitcoin_handshake.store.edges import pack_numbers
from bitcoin_handshake.store.rows import node_row, visit_rows
from bitcoin_handshake.store.writer import StoreWriter

__all__ = ["CrawlFile"]

_KNOWN = """\
SELECT key, told_time,
    (SELECT count(*) FROM visit WHERE visit.node_id = node.node_id AND is_verdict AND outcome = 'failed'
        AND visit_id > coalesce((SELECT max(visit_id) FROM visit
            WHERE visit.node_id = node.node_id AND is_verdict AND outcome NOT IN ('failed', 'skipped')), 0)),
    coalesce((SELECT max(ended_ms) FROM visit WHERE visit.node_id = node.node_id) / 1000, 0),
    EXISTS (SELECT 1 FROM visit WHERE crawl_id = ? AND visit.node_id = node.node_id AND is_verdict
        AND outcome != 'skipped')
FROM node ORDER BY node_id"""


class CrawlFile:
    """A store with one run that is being written.

    Args:
        path: The file; made where it is not there.
        chain: What it is about.
        command: `crawl` or `handshake`.
        options: Options of the run, as a JSON object.
        vantage: Where it runs, in words, or None.
        resume: Whether to go on with the last crawl that was not finished.
        on_failure: Called in another thread when a write failed.

    Raises:
        EnvironmentFailure: The file cannot be used, or another run writes into it.
        InputError: It is about another chain, or there is nothing to resume.
    """

    def __init__(
        self,
        path: Path,
        chain: ChainParams,
        *,
        command: str = "crawl",
        options: str = "{}",
        vantage: str | None = None,
        resume: bool = False,
        on_failure: Callable[[], None] | None = None,
    ) -> None:
        self.path = path
        self._lock = StoreLock(path)
        try:
            self._database = open_for_writing(path, chain)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._count = self._count_nodes()
            self.crawl_id = self._unfinished() if resume else self._begin(command, options, vantage)
            self._writer = StoreWriter(self._database, path, on_failure)
        except BaseException as error:
            self._database.close()
            self._lock.release()
            if isinstance(error, sqlite3.Error):
                raise store_failure(path, error) from error
            raise

    @property
    def has_failed(self) -> bool:
        """Whether nothing can be written any more."""
        return self._writer.failure is not None

    @property
    def node_count(self) -> int:
        """Nodes that the store holds."""
        return self._count

    def known(self) -> Iterator[tuple[bytes, int, int, int, bool]]:
        """Return the nodes by number: key, told time, failures in a row, last visit, visited in this run."""
        reader = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            for key, told, failures, tried, is_finished in reader.execute(_KNOWN, (self.crawl_id,)):
                yield key, told, failures, tried, bool(is_finished)
        finally:
            reader.close()

    def keys(self) -> dict[bytes, int]:
        """Return the number of each key that the store holds."""
        rows = self._database.execute("SELECT key, node_id - 1 FROM node")
        return dict(rows.fetchall())

    def add_nodes(self, entries: Sequence[tuple[int, int, bytes]], told_by: int | None) -> None:
        """Keep addresses that are new, numbered in this order; each has time, services and key."""
        if not entries:
            return
        heard_ms = int(time() * 1000)
        teller = None if told_by is None else told_by + 1
        first = self._count + 1
        self._count += len(entries)
        self._writer.add_nodes(
            [
                node_row(
                    node_id, key, heard_ms=heard_ms, told_by=teller, told_time=told, told_services=services
                )
                for node_id, (told, services, key) in enumerate(entries, first)
            ]
        )

    def add_visit(self, node: int, record: Mapping[str, Any], addresses: int | None) -> None:
        """Keep a record."""
        writer = self._writer
        writer.add_visits(visit_rows(record, self.crawl_id, node + 1, writer.user_agent_id, addresses))

    def add_gossip(self, node: int, told: Sequence[int]) -> None:
        """Keep whom a node told of: numbers in ascending order."""
        packed = pack_numbers([number + 1 for number in told])
        self._writer.add_gossip([(self.crawl_id, node + 1, len(told), packed)])

    def close(self, *, state: str) -> None:
        """Write what is left and end the run: `finished` or `stopped`.

        Raises:
            EnvironmentFailure: Not all could be written.
        """
        try:
            self._writer.close()
            self._database.execute(
                "UPDATE crawl SET state = ?, ended_ms = ? WHERE crawl_id = ?",
                (state, int(time() * 1000), self.crawl_id),
            )
            self._database.execute("PRAGMA optimize")
        except sqlite3.Error as error:
            raise store_failure(self.path, error) from error
        finally:
            self._database.close()
            self._lock.release()

    def _count_nodes(self) -> int:
        ((count, last),) = self._database.execute("SELECT count(*), coalesce(max(node_id), 0) FROM node")
        if count != last:
            raise EnvironmentFailure(
                f"rows were removed from the table node of {self.path}: name another file with --db"
            )
        return int(count)

    def _begin(self, command: str, options: str, vantage: str | None) -> int:
        cursor = self._database.execute(
            "INSERT INTO crawl (command, state, started_ms, program, options, vantage)"
            " VALUES (?, 'running', ?, ?, ?, ?)",
            (command, int(time() * 1000), __version__, options, vantage),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _unfinished(self) -> int:
        row = self._database.execute(
            "SELECT crawl_id FROM crawl WHERE command = 'crawl' AND state != 'finished'"
            " ORDER BY crawl_id DESC LIMIT 1"
        ).fetchone()
        if row is None:
            raise InputError(f"{self.path} has no crawl that was stopped: leave out --resume to begin one")
        self._database.execute(
            "UPDATE crawl SET state = 'running', ended_ms = NULL WHERE crawl_id = ?", (row[0],)
        )
        return int(row[0])
