"""Files of transcripts: names, bounds, what is written when something fails."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.transcript import writer
from bitcoin_handshake.transcript.writer import TranscriptFiles
from bitcoin_handshake.transport.v1 import V1Transport
from tests.simulated import REGTEST, converse, script_of
from tests.transcripts import conversations, recorded

LABEL = "2026-11-21T04:01:49.588Z [2001:db8::1]:8333"
NAME = "2026-11-21T040149.588Z-000001-2001_db8_1_8333.jsonl"


def _talk(files: TranscriptFiles, name: str = "core") -> None:
    session = recorded(V1Transport(REGTEST.magic), files)  # type: ignore[arg-type]  # a sink like any other
    converse(session, script_of(name))
    session.finish()


def test_a_file_gets_all_connections_and_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    for count in (2, 1):
        files = TranscriptFiles(str(path))
        for _ in range(count):
            _talk(files)
        files.close()
    assert [each.header.connection for each in conversations(path.read_text())] == [1, 2, 1]


def test_half_a_line_of_an_earlier_run_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text('{"event":"conn')
    TranscriptFiles(str(path)).close()
    assert path.read_text() == '{"event":"conn'
    files = TranscriptFiles(str(path))
    _talk(files)
    _talk(files)
    files.close()
    half, rest = path.read_text().split("\n", 1)
    assert half == '{"event":"conn'
    assert [each.is_whole for each in conversations(rest)] == [True, True]


@pytest.mark.parametrize("name", ["new/", "new/deeper/", "old"])
def test_a_folder_gets_a_file_for_each(tmp_path: Path, name: str) -> None:
    (tmp_path / "old").mkdir()
    files = TranscriptFiles(os.path.join(tmp_path, name))
    _talk(files)
    _talk(files, "silent")
    files.close()
    found = sorted((tmp_path / name).iterdir())
    assert [path.name for path in found] == [
        "2023-11-14T221320.000Z-000001-127.0.0.1_18444.jsonl",
        "2023-11-14T221320.000Z-000002-127.0.0.1_18444.jsonl",
    ]
    assert all(conversations(path.read_text())[0].is_whole for path in found)


def test_names_are_safe_and_never_taken_over(tmp_path: Path) -> None:
    for label in (LABEL, LABEL, f"../../{LABEL}/../x\n\0{'y' * 500}"):
        files = TranscriptFiles(f"{tmp_path}/")
        files.begin(label)
        files.write(1, "{}\n", is_last=True)
        files.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert {NAME, NAME.replace(".jsonl", "-1.jsonl")} < set(names)
    assert len(names) == 3
    assert all(len(name) < 140 and "/" not in name for name in names)


def test_long_conversations_are_written_piece_by_piece(tmp_path: Path) -> None:
    files = TranscriptFiles(f"{tmp_path}/")
    number = files.begin(LABEL)
    pieces = [f'"{index}{"x" * 20_000}"\n' for index in range(10)]
    for piece in pieces:
        files.write(number, piece, is_last=piece is pieces[-1])
    files.close()
    assert (tmp_path / NAME).read_text() == "".join(pieces)


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    files = TranscriptFiles(str(tmp_path / "a"))
    files.close()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_connections_that_are_open_at_the_end_were_interrupted(tmp_path: Path) -> None:
    files = TranscriptFiles(str(tmp_path / "a"))
    session = recorded(V1Transport(REGTEST.magic), files)  # type: ignore[arg-type]  # a sink like any other
    assert not session.finished
    files.close()
    [conversation] = conversations((tmp_path / "a").read_text())
    assert conversation.lines[-1].event == "interrupted"
    assert conversation.is_whole


@pytest.mark.parametrize("path", ["missing/a", "file/", "file/a", "\0"])
def test_what_cannot_be_opened_is_told_at_once(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFailure, match="cannot write"):
        TranscriptFiles(os.path.join(tmp_path, path))


def test_a_full_disk_loses_the_transcripts_and_nothing_else() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    files = TranscriptFiles("/dev/full")
    _talk(files)
    _talk(files)
    with pytest.raises(EnvironmentFailure, match="cannot write /dev/full: No space left on device"):
        files.close()


def test_a_folder_that_goes_away(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    files = TranscriptFiles(f"{folder}/")
    folder.rmdir()
    _talk(files)
    with pytest.raises(EnvironmentFailure, match="No such file or directory"):
        files.close()


def test_a_disk_that_cannot_follow_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_BACKLOG", 10)
    read_end, write_end = os.pipe()
    files = TranscriptFiles(f"/dev/fd/{write_end}")
    os.set_blocking(read_end, False)
    number = files.begin(LABEL)
    assert files.has_room
    files.write(number, "x" * 200_000, is_last=True)  # more than a pipe holds
    assert not files.has_room
    os.set_blocking(read_end, True)
    received = 0
    while received < 200_000:
        received += len(os.read(read_end, 65536))
    files.close()
    assert files.has_room
    os.close(read_end)
    os.close(write_end)
