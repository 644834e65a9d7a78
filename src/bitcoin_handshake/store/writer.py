"""The one thread that writes into a store.

Owns order and batches. Whoever has rows hands them over and goes on; the thread puts what has gathered
into one transaction, FLUSH_S after the first of it. In WAL mode a transaction is safe from the end of this
process, so a kill loses FLUSH_S of work. A failure to write ends the thread; `failure` has it then.

Many rows go into one INSERT: while a statement runs the interpreter's lock is free, and a statement per
row would ask for it back each time, waiting up to 5 ms for a main thread that is busy.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.store.database import store_failure
from bitcoin_handshake.store.rows import NODE_COLUMNS, VISIT_COLUMNS

__all__ = ["StoreWriter"]

FLUSH_S = 0.5
ROWS_AT_ONCE = 64
MAX_PENDING_ROWS = 200_000
"""Rows that wait at most; whoever adds more waits for the thread."""

Row = tuple[Any, ...]
_NODE = "node", NODE_COLUMNS
_VISIT = "visit", VISIT_COLUMNS
_GOSSIP = "gossip", ("crawl_id", "node_id", "count", "nodes")
_USER_AGENT = "user_agent", ("user_agent_id", "text")


class StoreWriter:
    """Writes rows of one run.

    Args:
        database: Open for writing; the thread's alone until `close`.
        path: Its file, for messages.
        on_failure: Called in the thread when a write failed.

    Attributes:
        failure: Why nothing more is written, or None.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        path: Path,
        on_failure: Callable[[], None] | None = None,
    ) -> None:
        self._database = database
        self._path = path
        self._on_failure = on_failure
        self._changed = threading.Condition()
        self._pending: list[tuple[tuple[str, tuple[str, ...]], list[Row]]] = []
        self._count = 0
        self._is_closing = False
        self.failure: EnvironmentFailure | None = None
        self._user_agents: dict[str, int] = dict(
            database.execute("SELECT text, user_agent_id FROM user_agent").fetchall()
        )
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def user_agent_id(self, text: str) -> int:
        """Return the number of a user agent, and write it where it is new."""
        number = self._user_agents.get(text)
        if number is None:
            number = self._user_agents[text] = len(self._user_agents) + 1
            self._add(_USER_AGENT, [(number, text)])
        return number

    def add_nodes(self, rows: list[Row]) -> None:
        """Write addresses; see `rows.node_row`."""
        self._add(_NODE, rows)

    def add_visits(self, rows: list[Row]) -> None:
        """Write visits of nodes that were added before; see `rows.visit_rows`."""
        self._add(_VISIT, rows)

    def add_gossip(self, rows: list[Row]) -> None:
        """Write what nodes told: crawl_id, node_id, count, packed numbers."""
        self._add(_GOSSIP, rows)

    def close(self) -> None:
        """Write what is left, and stop.

        Raises:
            EnvironmentFailure: Not all could be written.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _add(self, table: tuple[str, tuple[str, ...]], rows: list[Row]) -> None:
        if not rows or self.failure is not None:
            return
        with self._changed:
            while self._count > MAX_PENDING_ROWS and self.failure is None:
                self._changed.wait()
            if self._pending and self._pending[-1][0] is table:
                self._pending[-1][1].extend(rows)
            else:
                self._pending.append((table, rows))
            if not self._count:
                self._changed.notify_all()
            self._count += len(rows)

    def _run(self) -> None:
        try:
            while (batch := self._next_batch()) is not None:
                self._write(batch)
        except sqlite3.Error as error:
            with self._changed:
                self.failure = store_failure(self._path, error)
                self._changed.notify_all()
            if self._on_failure is not None:
                self._on_failure()

    def _next_batch(self) -> list[tuple[tuple[str, tuple[str, ...]], list[Row]]] | None:
        with self._changed:
            while not self._count and not self._is_closing:
                self._changed.wait()
            if not self._is_closing:
                self._changed.wait_for(self._is_due, FLUSH_S)
            if not self._count:
                return None
            batch, self._pending, self._count = self._pending, [], 0
            self._changed.notify_all()
            return batch

    def _is_due(self) -> bool:
        return self._is_closing or self._count > MAX_PENDING_ROWS

    def _write(self, batch: list[tuple[tuple[str, tuple[str, ...]], list[Row]]]) -> None:
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            for (table, columns), rows in batch:
                for statement, values in _statements(table, columns, rows):
                    database.execute(statement, values)
            database.execute("COMMIT")
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def _statements(table: str, columns: Sequence[str], rows: list[Row]) -> Iterator[tuple[str, list[Any]]]:
    """Cut rows into statements of ROWS_AT_ONCE and of one, so that few kinds are prepared."""
    head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
    one = f"({', '.join('?' * len(columns))})"
    many = head + ", ".join((one,) * ROWS_AT_ONCE)
    whole = len(rows) - len(rows) % ROWS_AT_ONCE
    for start in range(0, whole, ROWS_AT_ONCE):
        yield many, [value for row in rows[start : start + ROWS_AT_ONCE] for value in row]
    for row in rows[whole:]:
        yield head + one, list(row)
