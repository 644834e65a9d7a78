"""Files and standard input as bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.input_file import STDIN_NAME, open_input
from bitcoin_handshake.cli.main import main
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


@pytest.mark.parametrize("command", ["decode", "replay"])
def test_a_file_that_may_not_be_read_is_no_wrong_usage(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").touch()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read everything
    assert main([command, str(tmp_path / "secret")]) == ExitCode.NONE_COMPLETED  # it was read: it is empty
    assert "is not readable" not in capsys.readouterr().err


def test_what_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (str(tmp_path / "missing"), str(tmp_path), "a\0"):
        with pytest.raises(EnvironmentFailure, match="cannot read"), open_input(path):
            pass
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(EnvironmentFailure, match="standard input is closed"), open_input("-"):
        pass
