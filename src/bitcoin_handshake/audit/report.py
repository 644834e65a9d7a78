"""Examinations as text, Markdown, and one line for Nagios.

Owns the forms; `Examination.to_json` is the one for machines. All text of peers in them was escaped
when the record was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bitcoin_handshake.audit.doctor import Examination
from bitcoin_handshake.audit.findings import Finding, Level, worst
from bitcoin_handshake.audit.ladder import ladder, mermaid

__all__ = ["NAGIOS_WORDS", "changes", "markdown", "nagios", "overall", "text"]

NAGIOS_WORDS = {
    Level.OK: "OK",
    Level.NOTE: "OK",
    Level.WARNING: "WARNING",
    Level.PROBLEM: "CRITICAL",
    Level.UNKNOWN: "UNKNOWN",
}
_ORDER = (Level.PROBLEM, Level.UNKNOWN, Level.WARNING, Level.OK, Level.NOTE)


def overall(examinations: Sequence[Examination]) -> Level:
    """Return the most serious level of all."""
    return worst([finding for one in examinations for finding in one.findings])


def text(examination: Examination) -> Iterator[str]:
    """Write the lines of one examination: the most serious findings first."""
    yield f"{examination.target}: {_summary(examination)}"
    for finding in _sorted(examination.findings):
        where = f"  [{finding.address}]" if finding.address and finding.address != examination.target else ""
        evidence = f": {finding.evidence}" if finding.evidence else ""
        yield f"  {finding.level.name:<8} {finding.title}{evidence}{where}  ({finding.id})"
        if finding.advice and finding.level > Level.OK:
            yield f"           -> {finding.advice}"
    for record in examination.records:
        picture = list(ladder(record))
        if picture:
            yield ""
            yield from picture


def markdown(examination: Examination) -> Iterator[str]:
    """Write one examination as a Markdown section with a table."""
    yield f"### {_cell(examination.target)}: {_summary(examination)}"
    yield ""
    yield "| level | finding | evidence | address | id |"
    yield "|---|---|---|---|---|"
    for finding in _sorted(examination.findings):
        cells = (finding.title, finding.evidence, finding.address or "")
        yield f"| {finding.level.word} | {' | '.join(map(_cell, cells))} | `{finding.id}` |"
    advice = [
        finding for finding in _sorted(examination.findings) if finding.advice and finding.level > Level.OK
    ]
    if advice:
        yield ""
        yield from (f"* `{finding.id}`: {finding.advice}" for finding in advice)
    for record in examination.records:
        picture = list(mermaid(record))
        if picture:
            yield ""
            yield from picture


def nagios(examinations: Sequence[Examination]) -> str:
    """Write the one line of a Nagios plugin, with performance data.

    Times are in seconds, as the plugin guidelines ask; `|` separates text and data.
    """
    level = overall(examinations)
    parts = [f"{one.target}: {_first_title(one)}" for one in examinations]
    data = [item for one in examinations for item in _performance(one)]
    line = f"BITCOIN {NAGIOS_WORDS[level]} - {'; '.join(parts)}".replace("|", "/")
    return f"{line} | {' '.join(data)}" if data else line


def changes(before: Sequence[Examination], now: Sequence[Examination]) -> Iterator[str]:
    """Write what is different from the examination before: findings that came and went."""
    old = {one.target: one for one in before}
    for one in now:
        then = _keys(old[one.target]) if one.target in old else {}
        current = _keys(one)
        for key, finding in current.items():
            if key not in then:
                evidence = f": {finding.evidence}" if finding.evidence else ""
                yield f"{one.target}: + {finding.level.name} {finding.title}{evidence} ({finding.id})"
        for key, finding in then.items():
            if key not in current:
                yield f"{one.target}: - {finding.level.name} {finding.title} ({finding.id})"


def _keys(examination: Examination) -> dict[tuple[str, str | None], Finding]:
    return {(finding.id, finding.address): finding for finding in examination.findings}


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: _ORDER.index(finding.level))


def _summary(examination: Examination) -> str:
    counts = {level: sum(one.level is level for one in examination.findings) for level in Level}
    named = [
        f"{counts[level]} {level.word}{'s' if counts[level] != 1 and level is not Level.UNKNOWN else ''}"
        for level in (Level.PROBLEM, Level.UNKNOWN, Level.WARNING)
        if counts[level]
    ]
    return ", ".join(named) or "all is well"


def _first_title(examination: Examination) -> str:
    for finding in _sorted(examination.findings):
        if finding.level is not Level.NOTE:
            return finding.title
    return "nothing found"


def _performance(examination: Examination) -> Iterator[str]:
    for record in examination.records:
        label = record["address"] or examination.target
        for name, value in (("connect", record["times_ms"]["connect"]), ("ping", record["times_ms"]["ping"])):
            if value is not None:
                yield f"'{label} {name}'={value / 1000:.6f}s"
        if record["version"] is not None and record["version"]["start_height"] is not None:
            yield f"'{label} height'={record['version']['start_height']}"


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("<", "&lt;")
