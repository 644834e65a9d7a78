"""Lines into connections; where a file is damaged, and what was read before."""

from __future__ import annotations

import io
import json
from io import BytesIO

import pytest

from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.transcript import reader
from bitcoin_handshake.transcript.reader import DamagedTranscript, read_conversations, read_lines
from tests.transcripts import captured_v1, conversations


def _numbered(text: str, number: int) -> list[str]:
    return [json.dumps(json.loads(line) | {"connection": number}) + "\n" for line in text.splitlines()]


def test_interleaved_connections_are_told_apart() -> None:
    first, second = _numbered(captured_v1(0).text, 7), _numbered(captured_v1(1).text, 9)
    mixed = [line for pair in zip(first, second, strict=False) for line in pair]
    mixed += first[len(second) :] + second[len(first) :]
    found = conversations("".join(mixed))
    assert [each.header.connection for each in found] == [9, 7]
    assert [len(each.lines) + 1 for each in found] == [len(second), len(first)]
    assert all(each.is_whole for each in found)


def test_lines_know_their_number_and_empty_ones_are_skipped() -> None:
    text = "\n" + captured_v1(1).text.replace("\n", "\r\n", 1) + "  \n"
    [conversation] = conversations(text)
    assert conversation.header.number == 2
    assert conversation.lines[0].number == 3


def test_an_appended_run_begins_its_numbers_again() -> None:
    text = captured_v1(1).text
    cut = "".join(text.splitlines(keepends=True)[:4])
    assert [each.is_whole for each in conversations(cut + text)] == [False, True]


def test_what_has_no_end_comes_last_and_says_so() -> None:
    lines = captured_v1(1).text.splitlines(keepends=True)
    [conversation] = conversations("".join(lines[:-1]))
    assert not conversation.is_whole


def test_an_interrupted_connection_is_whole() -> None:
    lines = captured_v1(1).text.splitlines(keepends=True)[:3]
    [conversation] = conversations("".join(lines) + '{"event":"interrupted","connection":1}\n')
    assert conversation.is_whole


@pytest.mark.parametrize(
    ("change", "line", "why"),
    [
        (lambda lines: [*lines[:2], "{\n", *lines[2:]], 3, "not JSON"),
        (lambda lines: lines[1:], 1, "connection 1 has no first line"),
        (lambda lines: [*lines, lines[2]], 15, "connection 1 has no first line"),
        (lambda lines: [*lines[:2], lines[-2], *lines[2:]], 4, "lies before"),
    ],
)
def test_damage_names_file_and_line_after_what_was_read(change: object, line: int, why: str) -> None:
    assert callable(change)
    text = "".join(change(captured_v1(1).text.splitlines(keepends=True)))
    with pytest.raises(DamagedTranscript, match=why) as caught:
        conversations(text)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"a.jsonl, line {line}: ")
    assert isinstance(caught.value, InputError)


def test_what_was_read_before_the_damage_is_handed_out() -> None:
    text = captured_v1(1).text + "rubbish\n"
    found = read_conversations(BytesIO(text.encode()), "a.jsonl")
    assert next(found).is_whole
    with pytest.raises(DamagedTranscript):
        next(found)


def test_a_line_has_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_LINE_BYTES", 100)
    with pytest.raises(DamagedTranscript, match="line 1: longer than 100 bytes"):
        list(read_lines(BytesIO(b" " * 101 + b"\n"), "a.jsonl"))
    assert list(read_lines(BytesIO(b" " * 99 + b"\n"), "a.jsonl")) == []


def test_a_file_that_cannot_be_read_is_the_machines_fault() -> None:
    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(EnvironmentFailure, match=r"cannot read a.jsonl: Input/output error"):
        list(read_lines(Broken(), "a.jsonl"))
