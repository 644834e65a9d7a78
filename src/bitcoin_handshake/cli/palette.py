"""Colours: which words get one, and whether there are any.

Owns the choice of styles and nothing else. Asks rich once for the escape sequences, so that a
line costs nothing more; rich obeys FORCE_COLOR and TERM, and is loaded only where there may be
colours. NO_COLOR leaves no escape sequence at all, bold included.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

__all__ = ["PLAIN", "Palette", "palette_for"]

STYLES = {
    "ok": "bold green",
    "partial": "bold yellow",
    "failed": "bold red",
    "skipped": "dim",
    "error": "bold red",
    "warn": "yellow",
    "info": "green",
    "debug": "blue",
    "trace": "magenta",
    "address": "bold",
    "title": "bold",
}
_MARK = "\x00"


class Palette:
    """Escape sequences by kind of word.

    Args:
        sequences: What stands before and behind a word of each kind; those missing stay plain.
    """

    def __init__(self, sequences: Mapping[str, tuple[str, str]]) -> None:
        self._sequences = dict(sequences)

    def paint(self, kind: str, text: str) -> str:
        """Colour a word; `text` itself holds no control characters."""
        sequence = self._sequences.get(kind)
        return text if sequence is None else f"{sequence[0]}{text}{sequence[1]}"


PLAIN = Palette({})
"""No colours."""


def palette_for(stream: TextIO | None) -> Palette:
    """Choose colours for a stream.

    There are none unless it is a terminal or FORCE_COLOR is set, and none with NO_COLOR.
    """
    if stream is None or os.environ.get("NO_COLOR") or not (stream.isatty() or os.environ.get("FORCE_COLOR")):
        return PLAIN
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    sequences: dict[str, tuple[str, str]] = {}
    for kind, style in STYLES.items():
        with console.capture() as capture:
            console.print(Text(_MARK, style=style), end="")
        before, _, after = capture.get().partition(_MARK)
        if before:
            sequences[kind] = (before, after)
    return Palette(sequences)
