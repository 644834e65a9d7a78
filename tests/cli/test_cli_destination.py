"""Standard output or a file."""

from __future__ import annotations

import errno
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


def _files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_what_was_there_stays_until_the_first_record(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old\n")
    path.chmod(0o640)
    destination = Destination(str(path), NOTHING)
    assert path.read_text() == "old\n"
    destination.write("first\n")
    assert _files(tmp_path) == {"out": "first\n"}
    destination.write("second\n")
    destination.close()
    assert _files(tmp_path) == {"out": "first\nsecond\n"}
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_run_that_wrote_nothing_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "out"
    Destination(str(path), NOTHING).close()
    assert _files(tmp_path) == {}
    path.write_text("old\n")
    Destination(str(path), NOTHING).close()
    assert _files(tmp_path) == {"out": "old\n"}


def test_a_run_that_ends_without_records_leaves_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    for text in (None, "old\n"):
        if text is not None:
            path.write_text(text)
        Destination(str(path), NOTHING).finish()
        assert _files(tmp_path) == {"out": ""}


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    path.write_text("old\n")
    destination = Destination(str(path), NOTHING)

    def full(descriptor: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            destination.write("new\n")
    destination.close()
    assert _files(tmp_path) == {"out": "old\n"}


def test_records_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "out"
    for count in range(2):
        destination = Destination(str(path), NOTHING, append=True)
        assert destination.has_text is bool(count)
        destination.write("line\n")
        destination.close()
    assert _files(tmp_path) == {"out": "line\nline\n"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "out"
    path.write_text("old\n")
    link = tmp_path / "link"
    link.symlink_to(path)
    destination = Destination(str(link), NOTHING)
    destination.write("new\n")
    destination.close()
    assert link.is_symlink()
    assert _files(tmp_path / "folder") == {"out": "new\n"}


def test_a_directory_that_takes_no_file_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    path.write_text("a long old text\n")
    real = os.open

    def refuse(name: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_EXCL:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(name, flags, mode)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        destination = Destination(str(path), NOTHING)
    assert path.read_text() == "a long old text\n"
    destination.write("new\n")
    destination.close()
    assert _files(tmp_path) == {"out": "new\n"}


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
