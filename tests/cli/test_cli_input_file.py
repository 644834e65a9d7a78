"""Files and standard input as bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bitcoin_handshake.cli.input_file import STDIN_NAME, open_input
from bitcoin_handshake.errors import EnvironmentFailure


def test_a_file_is_closed_behind(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\xff")
    with open_input(str(tmp_path / "a")) as (stream, name):
        assert stream.read() == b"\0\xff"
        assert name == str(tmp_path / "a")
    assert stream.closed


def test_standard_input_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x")))
    with open_input("-") as (stream, name):
        assert (stream.read(), name) == (b"x", STDIN_NAME)
    assert not stream.closed


def test_what_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (str(tmp_path / "missing"), str(tmp_path), "a\0"):
        with pytest.raises(EnvironmentFailure, match="cannot read"), open_input(path):
            pass
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(EnvironmentFailure, match="standard input is closed"), open_input("-"):
        pass
