"""Audits in a store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.store.database import open_for_writing
from bitcoin_handshake.store.seed_audits import record_audit, seed_history, unreachable_before


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_for_writing(tmp_path / "x.sqlite", CHAINS[Chain.REGTEST])) as database:
        yield database


def _report(seed: str, reachable: int, dialled: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "verdict": "good",
        "addresses": dialled,
        "reachable": {"all": {"reachable": reachable, "dialled": dialled}},
        "answers": ["many"],
    }


def test_what_was_written_is_read(store: sqlite3.Connection) -> None:
    first = [("1.1.1.1", "ok", None), ("2.2.2.2", "failed", "peer.timeout"), ("10.0.0.1", None, None)]
    record_audit(store, _report("s", 1, 2), first, now_ms=1000)
    record_audit(store, _report("t", 0, 0), [], now_ms=1001)
    assert unreachable_before(store, ["s", "t", "u"]) == {"s": {"2.2.2.2"}, "t": set()}
    record_audit(store, _report("s", 2, 2), [("2.2.2.2", "ok", None)], now_ms=2000)
    assert unreachable_before(store, ["s"]) == {"s": set()}
    history = seed_history(store)
    assert [row["share"] for row in history["s"]] == [0.5, 1.0]
    assert history["t"][0]["share"] is None
    assert list(seed_history(store, ["t"])) == ["t"]
    [(text,)] = store.execute("SELECT report FROM seed_audit WHERE seed_audit_id = 1")
    assert "many" not in text


def test_a_failure_leaves_nothing_behind(store: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        record_audit(store, _report("s", 1, 1), [("1.1.1.1", "ok", None)] * 2, now_ms=1000)
    assert seed_history(store) == {}
