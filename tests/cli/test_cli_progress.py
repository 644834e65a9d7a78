"""The live bar, on a terminal of a test's own."""

from __future__ import annotations

import io
import os
import pty
import re
import sys

import pytest

from bitcoin_handshake.cli import progress
from bitcoin_handshake.cli.progress import (
    LiveBar,
    can_be_live,
    counts_text,
    is_piped,
    is_same_terminal,
    restore_cursor,
)
from bitcoin_handshake.summary import Summary


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_counts() -> None:
    summary = Summary(ok=3, partial=1, failed=2)
    assert counts_text(summary, None, 0.4) == "6  3 OK 1 PARTIAL 2 FAILED  0/s"
    summary.skipped = 4
    assert counts_text(summary, 20, 123.4) == "10/20  3 OK 1 PARTIAL 2 FAILED 4 SKIPPED  123/s"


def test_lines_stand_above_the_bar_which_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", -1.0)
    stream = Terminal()
    summary = Summary(ok=1)
    bar = LiveBar(summary, lambda: 2, stream)
    bar.tick()
    bar.write("one [red]\x1b[1mtwo\x1b[0m\n")
    summary.ok = 2
    bar.tick()
    bar.finish()
    bar.finish()
    text = stream.getvalue()
    assert "one [red]\x1b[1mtwo\x1b[0m\n" in text
    assert "1/2  1 OK" in _plain(text)
    assert "2/2  2 OK" in _plain(text)
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert text.rstrip("\n").endswith("\x1b[2K")


def test_a_short_run_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 1000.0)
    stream = Terminal()
    bar = LiveBar(Summary(), lambda: None, stream)
    bar.tick()
    bar.write("line\n")
    bar.finish()
    assert stream.getvalue() == "line\n"


@pytest.mark.parametrize("columns", ["20", "40", "80", "200"])
def test_the_bar_leaves_room_for_an_echo(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", -1.0)
    monkeypatch.setenv("COLUMNS", columns)
    stream = Terminal()
    bar = LiveBar(Summary(ok=10_000, failed=12_345), lambda: 1_000_000, stream)
    bar.tick()
    bar.finish()
    lines = _plain(stream.getvalue()).splitlines()
    assert max(map(len, lines)) <= int(columns)
    if int(columns) >= 80:
        assert max(map(len, lines)) <= int(columns) - 3


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_no_bar_where_the_cursor_cannot_move(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_be_live(Terminal())
    monkeypatch.setenv("TERM", term)
    assert not can_be_live(Terminal())


def test_no_bar_in_a_pipe() -> None:
    assert not can_be_live(io.StringIO())
    assert not can_be_live(None)


def test_tells_a_pipe_from_a_file() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w") as pipe, open(os.devnull, "w") as file:
        assert is_piped(pipe)
        assert not is_piped(file)
    assert not is_piped(io.StringIO())
    assert not is_piped(None)


def test_two_streams_of_one_terminal() -> None:
    controller, terminal = pty.openpty()
    other_controller, other_terminal = pty.openpty()
    with (
        os.fdopen(terminal, "w") as one,
        os.fdopen(os.dup(terminal), "w") as same,
        os.fdopen(other_terminal, "w") as other,
        open(os.devnull, "w") as null,
    ):
        assert is_same_terminal(one, same)
        assert not is_same_terminal(one, other)
        assert not is_same_terminal(one, null)
        assert not is_same_terminal(None, one)
    os.close(controller)
    os.close(other_controller)


def test_the_cursor_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        restore_cursor()
        assert os.read(controller, 100).endswith(b"\x1b[?25h")
        monkeypatch.undo()
    os.close(controller)
