"""Colours: when there are any."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from bitcoin_handshake.cli.palette import PLAIN, STYLES, Palette, palette_for


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("COLORTERM", raising=False)


def test_a_terminal_has_colours() -> None:
    palette = palette_for(Terminal())
    for kind in STYLES:
        painted = palette.paint(kind, "word")
        assert painted.startswith("\x1b[")
        assert painted.endswith("word\x1b[0m")
    assert palette.paint("other", "word") == "word"
    assert "\x1b[1;32m" in palette.paint("ok", "word")


def test_a_pipe_has_none() -> None:
    assert palette_for(io.StringIO()) is PLAIN
    assert palette_for(None) is PLAIN


def test_force_color_colours_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert palette_for(io.StringIO()).paint("ok", "word") == "\x1b[1;32mword\x1b[0m"


def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert palette_for(Terminal()) is PLAIN  # no bold either
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert palette_for(Terminal()) is PLAIN


def test_a_dumb_terminal_gets_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    palette = palette_for(Terminal())
    assert all(palette.paint(kind, "word") == "word" for kind in STYLES)


def test_a_pipe_does_not_load_rich() -> None:
    code = (
        "import sys; from bitcoin_handshake.cli.palette import palette_for; palette_for(sys.stdout); "
        "sys.exit('rich' in sys.modules)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60, check=False
        ).returncode
        == 0
    )


def test_paint_is_plain_by_default() -> None:
    assert Palette({}).paint("ok", "word") == "word"
