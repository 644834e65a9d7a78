"""Levels and their sum."""

from __future__ import annotations

import pytest

from bitcoin_handshake.audit.findings import Finding, Level, worst


def _findings(*levels: Level) -> list[Finding]:
    return [Finding(id="topic.detail", level=level, title="A title") for level in levels]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ((), Level.UNKNOWN),
        ((Level.NOTE,), Level.OK),
        ((Level.OK, Level.NOTE), Level.OK),
        ((Level.OK, Level.WARNING), Level.WARNING),
        ((Level.WARNING, Level.UNKNOWN), Level.UNKNOWN),
        ((Level.UNKNOWN, Level.PROBLEM, Level.WARNING), Level.PROBLEM),
    ],
)
def test_the_worst_level_counts(levels: tuple[Level, ...], expected: Level) -> None:
    assert worst(_findings(*levels)) is expected


def test_the_exit_codes_are_those_of_a_nagios_plugin() -> None:
    assert [Level.OK, Level.WARNING, Level.PROBLEM, Level.UNKNOWN] == [0, 1, 2, 3]


def test_json_has_every_field() -> None:
    finding = Finding(id="clock.ok", level=Level.OK, title="The clock is right", address="192.0.2.7:8333")
    assert finding.to_json() == {
        "id": "clock.ok",
        "level": "ok",
        "address": "192.0.2.7:8333",
        "title": "The clock is right",
        "evidence": "",
        "advice": None,
    }
