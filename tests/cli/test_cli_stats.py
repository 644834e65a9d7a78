"""The command that shows shares."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bitcoin_handshake.cli.main import main
from bitcoin_handshake.cli.stats import table_text
from bitcoin_handshake.store.statistics import Table
from tests.stores import two_runs


def test_text_and_json_of_the_same_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.sqlite"
    two_runs(path)
    assert main(["stats", "--db", str(path), "--crawl", "1"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Run 1 (finished), seen from: here\n")
    assert main(["stats", "--db", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["crawl"], told["vantage"]) == (2, None)
    assert told["tables"]["networks"]["rows"] == [{"name": "ipv4", "count": 2, "percent": 100.0}]
    assert main(["stats", "--db", str(path), "--crawl", "7"]) == 2


def test_peer_text_is_escaped() -> None:
    table = Table(name="a", title="A", definition="b", rows=[("\x1b[31m", 1)], total=1)
    assert "\x1b" not in table_text(table)
