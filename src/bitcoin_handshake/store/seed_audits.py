"""Audits of DNS seeds in a store: written once each, read for the comparison and for the history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["record_audit", "seed_history", "unreachable_before"]


def record_audit(
    database: sqlite3.Connection,
    report: Mapping[str, Any],
    outcomes: Iterable[tuple[str, str | None, str | None]],
    *,
    now_ms: int,
) -> None:
    """Write what an audit said of one seed, in one transaction.

    Args:
        report: The JSON form of the audit; its answers are left out.
        outcomes: Address, outcome (None where it was not dialled) and failure code of each node.
        now_ms: When it ended.

    Raises:
        sqlite3.Error: It cannot be written.
    """
    kept = {key: value for key, value in report.items() if key != "answers"}
    all_of_them = report["reachable"]["all"]
    with database:
        database.execute("BEGIN IMMEDIATE")
        cursor = database.execute(
            "INSERT INTO seed_audit (audited_ms, seed, verdict, addresses, dialled, reachable, report)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                now_ms,
                report["seed"],
                report["verdict"],
                report["addresses"],
                all_of_them["dialled"],
                all_of_them["reachable"],
                json.dumps(kept),
            ),
        )
        database.executemany(
            "INSERT INTO seed_address (seed_audit_id, address, outcome, code) VALUES (?, ?, ?, ?)",
            [(cursor.lastrowid, *each) for each in outcomes],
        )


def unreachable_before(database: sqlite3.Connection, seeds: Sequence[str]) -> dict[str, set[str]]:
    """Return which addresses the last audit of each seed dialled in vain; no entry without a last audit."""
    found: dict[str, set[str]] = {}
    for seed in seeds:
        row = database.execute("SELECT max(seed_audit_id) FROM seed_audit WHERE seed = ?", (seed,)).fetchone()
        if row[0] is not None:
            found[seed] = {
                address
                for (address,) in database.execute(
                    "SELECT address FROM seed_address"
                    " WHERE seed_audit_id = ? AND outcome IN ('failed', 'partial')",
                    row,
                )
            }
    return found


def seed_history(database: sqlite3.Connection, seeds: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """Return the audits of each seed, the oldest first: time, verdict, addresses, dialled, reachable."""
    found: dict[str, list[dict[str, Any]]] = {}
    for seed, audited_ms, verdict, addresses, dialled, reachable in database.execute(
        "SELECT seed, audited_ms, verdict, addresses, dialled, reachable FROM seed_audit"
        " ORDER BY seed, seed_audit_id"
    ):
        if not seeds or seed in seeds:
            found.setdefault(seed, []).append(
                {
                    "audited_ms": audited_ms,
                    "verdict": verdict,
                    "addresses": addresses,
                    "dialled": dialled,
                    "reachable": reachable,
                    "share": round(reachable / dialled, 4) if dialled else None,
                }
            )
    return found
