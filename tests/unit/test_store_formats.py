"""Exported formats, read back by readers that are not ours."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.store.database import open_for_reading
from bitcoin_handshake.store.formats import TEXT_FORMATS, write_parquet
from bitcoin_handshake.store.queries import NODE_FIELDS, NodeFilter, nodes
from tests.stores import AGENT, two_runs


@pytest.fixture
def found(tmp_path: Path) -> list[dict[str, Any]]:
    two_runs(tmp_path / "a.sqlite")
    return list(nodes(open_for_reading(tmp_path / "a.sqlite"), NodeFilter()))


def text(name: str, found: list[dict[str, Any]]) -> str:
    return "".join(TEXT_FORMATS[name](found))


def test_ndjson(found: list[dict[str, Any]]) -> None:
    rows = [json.loads(line) for line in text("ndjson", found).splitlines()]
    assert [tuple(row) for row in rows] == [NODE_FIELDS] * 3
    assert [row["services"] for row in rows] == [None, "0000000000000c09", "8000000000000000"]


def test_csv(found: list[dict[str, Any]]) -> None:
    rows = list(csv.DictReader(io.StringIO(text("csv", found))))
    assert [row["address"] for row in rows] == ["1.1.0.1:8333", "1.2.0.1:8333", "1.3.0.1:8333"]
    assert rows[1]["user_agent"] == AGENT
    assert rows[2]["user_agent"] == "'=cmd()"  # no formula
    assert rows[0]["user_agent"] == ""
    assert rows[1]["relay"] == "true"


def test_a_list_of_targets(found: list[dict[str, Any]]) -> None:
    assert text("list", found) == "1.1.0.1:8333\n1.2.0.1:8333\n1.3.0.1:8333\n"


def test_bitnodes(found: list[dict[str, Any]]) -> None:
    snapshot = json.loads(text("bitnodes", found))
    assert (snapshot["total_nodes"], snapshot["latest_height"], snapshot["timestamp"]) == (
        2,
        800_002,
        1_700_000_000,
    )
    assert snapshot["nodes"]["1.2.0.1:8333"][:5] == [70016, AGENT, 1_700_000_000, 0xC09, 800_000]
    assert {len(values) for values in snapshot["nodes"].values()} == {13}
    assert json.loads("".join(TEXT_FORMATS["bitnodes"]([])))["nodes"] == {}


def parse_dnsseed_line(line: str) -> dict[str, Any] | None:
    """Read a line as contrib/seeds/makeseeds.py of Bitcoin Core describes it: columns split at blanks."""
    columns = line.split()
    if not columns or columns[0].startswith("#") or len(columns) < 11:
        return None
    match = re.fullmatch(r"(\d+\.\d+\.\d+\.\d+):(\d+)", columns[0])
    assert match is not None
    return {
        "ip": match[1],
        "port": int(match[2]),
        "good": int(columns[1]),
        "lastsuccess": int(columns[2]),
        "uptime": float(columns[7][:-1]),
        "blocks": int(columns[8]),
        "service": int(columns[9], 16),
        "version": int(columns[10]),
        "agent": " ".join(columns[11:])[1:-1],
    }


def test_dnsseed_dump(found: list[dict[str, Any]]) -> None:
    rows = [row for line in text("dnsseed", found).splitlines() if (row := parse_dnsseed_line(line))]
    assert rows[1] == {
        "ip": "1.2.0.1",
        "port": 8333,
        "good": 1,
        "lastsuccess": 1_700_000_000,
        "uptime": 100.0,
        "blocks": 800_000,
        "service": 0xC09,
        "version": 70016,
        "agent": AGENT.replace('"', '\\"'),
    }
    assert (rows[0]["good"], rows[0]["uptime"]) == (0, 0.0)
    assert rows[2]["service"] == 1 << 63


def test_parquet_without_pyarrow_is_one_clear_line(
    found: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EnvironmentFailure, match="pip install"):
        write_parquet(found, io.BytesIO())
