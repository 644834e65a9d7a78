"""The live bar on standard error, and what else is written there meanwhile.

Owns the look of the bar. Everything here is called from one thread, that of the writer which
has standard error, so that a terminal that is stopped (Ctrl-S) stops nothing else.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress import BarColumn, Progress, TextColumn
from rich.segment import Segment

from bitcoin_handshake.summary import Summary

__all__ = ["LiveBar", "can_be_live", "is_piped", "is_same_terminal", "restore_cursor"]

RATE_WINDOW_S = 5.0
PATIENCE_S = 0.2
"""How long a run may go on before a bar is drawn for it."""
MAX_BAR_WIDTH = 40
SLACK = 6
"""Columns left free at the right: the `^C` that a terminal echoes must not begin a new line."""
SHOW_CURSOR = b"\r\x1b[K\x1b[?25h"


class LiveBar:
    """A bar with counts and rate at the bottom of the terminal.

    Args:
        summary: What is counted; read while it changes.
        expected: How many records there will be, or None while that is not known.
        stream: Where to draw: standard error.
    """

    def __init__(self, summary: Summary, expected: Callable[[], int | None], stream: TextIO) -> None:
        self._began = monotonic()
        self._summary = summary
        self._expected = expected
        self._seen: deque[tuple[float, int]] = deque([(self._began, 0)])
        self._console = Console(file=stream, highlight=False)
        self._bar = BarColumn(bar_width=MAX_BAR_WIDTH)
        self._progress = Progress(
            self._bar,
            TextColumn("{task.description}", markup=False),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(counts_text(summary, None, 0.0), total=None)
        self._is_live = False

    def write(self, text: str) -> None:
        """Write whole lines above the bar; they may hold escape sequences of ours."""
        self._update()
        if monotonic() - self._began > PATIENCE_S:
            self._start()
        self._console.print(_Raw(text), end="", crop=False, soft_wrap=True)

    def tick(self) -> None:
        """Draw the bar anew."""
        if not self._is_live and monotonic() - self._began <= PATIENCE_S:
            return
        self._update()
        self._start()
        self._progress.refresh()

    def finish(self) -> None:
        """Take the bar away."""
        if self._is_live:
            self._is_live = False
            self._progress.stop()

    def _start(self) -> None:
        if not self._is_live:
            self._is_live = True
            self._progress.start()

    def _update(self) -> None:
        expected = self._expected()
        words = counts_text(self._summary, expected, self._rate())
        self._bar.bar_width = max(0, min(MAX_BAR_WIDTH, self._console.width - len(words) - SLACK))
        self._progress.update(self._task, total=expected, completed=self._summary.total, description=words)

    def _rate(self) -> float:
        """Records a second, over the last RATE_WINDOW_S seconds."""
        now = monotonic()
        total = self._summary.total
        self._seen.append((now, total))
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_WINDOW_S:
            self._seen.popleft()
        then, before = self._seen[0]
        return (total - before) / (now - then) if now - then > 0.2 else 0.0


class _Raw:
    """Text that rich passes on as it is: laying out each line would cost it 0.4 ms."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text)


def counts_text(summary: Summary, expected: int | None, rate: float) -> str:
    """Write the words behind the bar."""
    of = "" if expected is None else f"/{expected}"
    skipped = f" {summary.skipped} SKIPPED" if summary.skipped else ""
    counts = f"{summary.ok} OK {summary.partial} PARTIAL {summary.failed} FAILED{skipped}"
    return f"{summary.total}{of}  {counts}  {rate:.0f}/s"


def can_be_live(stream: TextIO | None) -> bool:
    """Whether a bar can be drawn: the stream is a terminal that can move its cursor."""
    return (
        stream is not None and stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    )


def is_piped(stream: TextIO | None) -> bool:
    """Whether a stream goes into a pipe: whoever reads it may write to the bar's terminal as well."""
    if stream is None:
        return False
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # closed, or in memory: a test's own
        return False


def is_same_terminal(one: TextIO | None, other: TextIO | None) -> bool:
    """Whether two streams end in one terminal, so that their lines would run into each other."""
    if one is None or other is None or not (one.isatty() and other.isatty()):
        return False
    first, second = os.fstat(one.fileno()), os.fstat(other.fileno())
    return stat.S_ISCHR(first.st_mode) and first.st_rdev == second.st_rdev


def restore_cursor() -> None:
    """Give the cursor back to a terminal that the process leaves in a hurry."""
    if can_be_live(sys.stderr):
        with suppress(OSError):
            os.write(sys.stderr.fileno(), SHOW_CURSOR)
