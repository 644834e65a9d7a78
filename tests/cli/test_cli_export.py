"""The command that exports: formats, filters, files, bad input."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from bitcoin_handshake.cli.main import main
from tests.stores import two_runs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    two_runs(tmp_path / "a.sqlite")
    return tmp_path / "a.sqlite"


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ([], 3),
        (["--reachable"], 2),
        (["--crawl", "1"], 2),
        (["--network", "onion"], 0),
        (["--services", "8"], 1),
        (["--user-agent", "satoshi"], 1),
        (["--min-height", "800001"], 1),
        (["--since", "2023-11-14"], 3),
        (["--since", "2023-11-15T00:00:00"], 0),
        (["--transport", "v2"], 0),
    ],
)
def test_filters(path: Path, options: list[str], count: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--db", str(path), "--format", "list", *options]) == 0
    assert len(lines(capsys)) == count


@pytest.mark.parametrize("name", ["ndjson", "csv", "dnsseed", "bitnodes", "list"])
def test_a_file_holds_what_standard_output_would(
    path: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--db", str(path), "--format", name]) == 0
    out = tmp_path / "out"
    printed = capsys.readouterr().out
    assert main(["export", "--db", str(path), "--format", name, "-o", str(out)]) == 0
    assert out.read_text() == printed != ""


def test_json_is_ndjson(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--db", str(path), "--json"]) == 0
    assert [json.loads(line)["port"] for line in lines(capsys)] == [8333] * 3


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--services", "xyz"], 2, "hex"),
        (["--services", "1" * 17], 2, "hex"),
        (["--since", "yesterday"], 2, "date"),
        (["--crawl", "9"], 2, "no run 9"),
        (["--format", "parquet"], 2, "-o FILE"),
        (["-o", "/nonexistent/x"], 4, "/nonexistent/x"),
    ],
)
def test_bad_input_is_one_line(
    path: Path, options: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--db", str(path), *options]) == code
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


def test_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["export"], ["stats"], ["diff", "1", "2"]):
        assert main([*command, "--db", str(tmp_path / "absent")]) == 4
        assert "there is no store" in capsys.readouterr().err


def test_sqlite3_reads_the_store_itself(path: Path) -> None:
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM reachable").fetchone() == (2,)
    database.close()
