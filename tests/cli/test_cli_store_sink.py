"""`handshake --db`: the records in a store, beside the output."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.cli.main import main
from bitcoin_handshake.cli.store_sink import StoreSink
from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.records import ProbeResult
from bitcoin_handshake.store.crawl_store import CrawlFile


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_each_run_adds_its_visits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db = tmp_path / "x.sqlite"
    for _ in range(2):
        assert main(["127.0.0.1:1", "127.0.0.2:1", "10.0.0.1:1", "-4", "-t", "1", "--exclude", "10.0.0.0/8",
                     "--db", str(db), "-q"]) == 1  # fmt: skip
    assert len(capsys.readouterr().out.splitlines()) > 4
    assert _rows(db, "SELECT host, port FROM node ORDER BY host") == [("127.0.0.1", 1), ("127.0.0.2", 1)]
    assert _rows(db, "SELECT crawl_id, code, count(*) FROM visit GROUP BY 1, 2") == [
        (1, "connect.refused", 2), (2, "connect.refused", 2),
    ]  # fmt: skip
    assert _rows(db, "SELECT command, state FROM crawl") == [("handshake", "finished")] * 2
    assert main(["stats", "--db", str(db), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "finished"


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["--db", "/dev/null"], 4, "/dev/null is a device, pipe or socket, not a store"),
        (["--db", "/tmp"], 4, "/tmp is a directory, not a store"),
        (["--db", ""], 2, "--db needs the name of a file"),
        (["--db", "x", "--dry-run"], 2, "nothing to keep"),
    ],
)
def test_what_is_no_store_is_one_line(
    arguments: list[str], code: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["127.0.0.1:1", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err
    assert len(err.splitlines()) == 1


class _Nowhere:
    def write(self, result: ProbeResult) -> None:
        pass

    async def drain(self) -> None:
        pass


def test_a_store_that_fails_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CrawlFile(tmp_path / "x.sqlite", CHAINS[Chain.REGTEST], command="handshake")
    sink = StoreSink(_Nowhere(), store)
    asyncio.run(sink.drain())
    monkeypatch.setattr(CrawlFile, "has_failed", True)
    with pytest.raises(EnvironmentFailure, match="cannot write the store"):
        asyncio.run(sink.drain())
    store.close(state="stopped")
