"""What a crawl shows while it runs."""

from __future__ import annotations

from collections import Counter

import pytest

from bitcoin_handshake.cli.crawl_view import LINE_EVERY_S, LineView, open_view, status_line
from bitcoin_handshake.crawl.runner import CrawlCounts


def counts(elapsed_s: float) -> CrawlCounts:
    made = CrawlCounts(known=100, waiting=50, in_flight=10, visited=40, elapsed_s=elapsed_s)
    made.reachable = Counter(ipv4=3)
    return made


def test_the_line() -> None:
    assert status_line(counts(20.0)) == (
        "20 s: 100 known, 50 pending, 10 in flight, 40 visited (2/s), reachable 3 ipv4, about 0:30 left"
    )
    assert status_line(CrawlCounts()).endswith("reachable 0, about ? left")
    assert "1:23:20 left" in status_line(CrawlCounts(visited=1, waiting=500, elapsed_s=10.0))


def test_lines_come_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    view = LineView()
    for second in range(35):
        view.show(counts(float(second)))
    assert len(capsys.readouterr().err.splitlines()) == 34 // LINE_EVERY_S


def test_no_view_where_none_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with open_view(is_wanted=False) as view:
        view.show(counts(99.0))
    assert capsys.readouterr().err == ""


def test_lines_where_standard_error_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with open_view(is_wanted=True) as view:
        view.show(counts(99.0))
    assert capsys.readouterr().err.startswith("99 s: 100 known")


def test_the_live_view_draws_every_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bitcoin_handshake.cli.progress.can_be_live", lambda stream: True)
    with open_view(is_wanted=True) as view:
        view.show(counts(20.0))
    drawn = capsys.readouterr().err
    assert "in flight" in drawn or drawn == ""  # rich draws nothing where there is no terminal
