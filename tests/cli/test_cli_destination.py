"""Standard output or a file."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from bitcoin_handshake.cli.destination import Destination
from bitcoin_handshake.cli.sources import Sources
from bitcoin_handshake.errors import EnvironmentFailure, InputError

NOTHING = Sources([])


def test_a_file_is_made_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "out"
    for text in ("a long first text\n", "é\n"):
        destination = Destination(str(path), NOTHING)
        destination.write(text)
        destination.close()
        destination.close()
        assert path.read_text(encoding="utf-8") == text
    assert destination.stream is None
    assert destination.name == str(path)


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    destination = Destination(None, NOTHING)
    destination.write("text\n")
    destination.close()
    assert capsys.readouterr().out == "text\n"
    assert destination.stream is sys.stdout


def test_a_named_pipe_is_written(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    read: list[str] = []
    thread = threading.Thread(target=lambda: read.append(path.read_text()))
    thread.start()
    destination = Destination(str(path), NOTHING)
    destination.write("text")
    destination.close()
    thread.join()
    assert read == ["text"]


def test_refuses_what_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (str(tmp_path), str(tmp_path / "no" / "such"), "a\0b"):
        with pytest.raises(EnvironmentFailure, match="cannot write"):
            Destination(path, NOTHING)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(EnvironmentFailure, match="standard output is closed"):
        Destination(None, NOTHING)


def test_refuses_a_file_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("1.1.1.1\n")
    sources = Sources([f"@{path}"])
    with pytest.raises(InputError, match="cannot be written as well"):
        Destination(str(path), sources)
    sources.close()
    assert path.read_text() == "1.1.1.1\n"
