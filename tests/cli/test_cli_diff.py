"""The command that compares two runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bitcoin_handshake.cli.main import main
from tests.stores import two_runs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    two_runs(tmp_path / "a.sqlite")
    return tmp_path / "a.sqlite"


def test_two_runs_of_one_store(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "1", "2", "--db", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == ["1 reachable in both", "1 new", "  1.3.0.1:8333", "1 gone", "  1.1.0.1:8333"]


def test_files_and_files_with_numbers(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", f"{path}#1", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"] == ["1.3.0.1:8333"]


def test_a_run_that_is_not_there(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "1", "9", "--db", str(path)]) == 2
    assert "no run 9" in capsys.readouterr().err
