"""What a crawl shows while it runs: a live table on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from bitcoin_handshake.crawl.runner import CrawlCounts

__all__ = ["CrawlView", "open_view", "status_line"]

LINE_EVERY_S = 10.0


class CrawlView(Protocol):
    """Shows counts."""

    def show(self, counts: CrawlCounts) -> None:
        """Take the counts of this moment."""


class _NoView:
    def show(self, counts: CrawlCounts) -> None:
        """Show nothing."""


class LineView:
    """Writes a line to standard error every LINE_EVERY_S seconds."""

    def __init__(self) -> None:
        self._next = LINE_EVERY_S

    def show(self, counts: CrawlCounts) -> None:
        """Write a line, if one is due."""
        if counts.elapsed_s >= self._next and sys.stderr is not None:
            self._next = counts.elapsed_s + LINE_EVERY_S
            print(status_line(counts), file=sys.stderr, flush=True)


@contextmanager
def open_view(*, is_wanted: bool) -> Iterator[CrawlView]:
    """Choose the view that fits standard error."""
    if not is_wanted:
        yield _NoView()
        return
    from bitcoin_handshake.cli.progress import can_be_live

    if not can_be_live(sys.stderr):
        yield LineView()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield _RichView(live)


class _RichView:
    def __init__(self, live: object) -> None:
        from rich.live import Live

        assert isinstance(live, Live)
        self._live = live

    def show(self, counts: CrawlCounts) -> None:
        """Draw the counts anew."""
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        rows = [
            ("known", f"{counts.known}"),
            ("pending", f"{counts.waiting}"),
            ("in flight", f"{counts.in_flight}"),
            ("visited", f"{counts.visited}  ({counts.rate:.0f}/s)"),
            ("reachable", _reachable_text(counts)),
            ("time left", _time_text(counts.left_s)),
        ]
        for name, value in rows:
            table.add_row(name, value)
        self._live.update(table, refresh=True)


def status_line(counts: CrawlCounts) -> str:
    """Write the counts as one line."""
    return (
        f"{counts.elapsed_s:.0f} s: {counts.known} known, {counts.waiting} pending, "
        f"{counts.in_flight} in flight, "
        f"{counts.visited} visited ({counts.rate:.0f}/s), reachable {_reachable_text(counts)}, "
        f"about {_time_text(counts.left_s)} left"
    )


def _reachable_text(counts: CrawlCounts) -> str:
    networks = ", ".join(f"{count} {name}" for name, count in sorted(counts.reachable.items()))
    return networks or "0"


def _time_text(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
