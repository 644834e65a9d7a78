"""The audit of seeds as a table for a terminal, as Markdown, and as a line of history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bitcoin_handshake.audit.seeds.facts import SeedAudit
from bitcoin_handshake.netaddr import Network

__all__ = ["details", "history_line", "markdown", "table"]

NAME_WIDTH = 28
BLOCKS = "▁▂▃▄▅▆▇█"
HISTORY_LEN = 30
"""Audits that a line of history shows at most."""
_HEADER = ("seed", "nodes", "reach", "ipv4", "ipv6", "v2", "ttl", "dnssec", "verdict")
_WIDTHS = (NAME_WIDTH, 5, 5, 5, 5, 4, 6, 7, 7)


def _cells(audit: SeedAudit) -> tuple[str, ...]:
    good, dialled = audit.share()
    return (
        audit.seed,
        str(len(audit.nodes)),
        _percent(good, dialled),
        _percent(*audit.share(Network.IPV4)),
        _percent(*audit.share(Network.IPV6)),
        _percent(audit.v2, good),
        "-" if audit.ttl_s is None else str(audit.ttl_s),
        audit.signatures.state,
        audit.verdict,
    )


def table(audits: Sequence[SeedAudit]) -> Iterator[str]:
    """Write one line for each seed, 80 columns wide, and the verdicts below."""
    yield _row(_HEADER)
    for audit in audits:
        yield _row(_cells(audit))
    yield ""
    for audit in audits:
        yield audit.verdict_line()


def details(audit: SeedAudit) -> Iterator[str]:
    """Write all points of the policy, the filters and the software of one seed."""
    yield f"{audit.seed}"
    for check in audit.checks():
        evidence = f": {check.evidence}" if check.evidence else ""
        yield f"  {check.state:<14} {check.title}{evidence}  ({check.id})"
    yield f"  DNSSEC         {audit.signatures.state}" + (
        f": {audit.signatures.why}" if audit.signatures.why else ""
    )
    if audit.time_ms is not None:
        truncated = sum(answer.was_truncated for answer in audit.answers)
        of = len(audit.answers)
        yield f"  answers        {audit.time_ms:.0f} ms (median); {truncated} of {of} over TCP"
    for label, (count, told, had) in audit.filters().items():
        yield f"  {label:<14} {count} addresses; {had} of {told} reachable nodes have the bits"
    yield f"  addresses      {audit.duplicates} repeated, {audit.shared} at other seeds too"
    for agent, count in audit.user_agents.most_common(5):
        yield f"  {count:>6} x       {agent or '(no user agent)'}"


def markdown(audits: Sequence[SeedAudit]) -> Iterator[str]:
    """Write a table and the verdicts to paste into an issue."""
    yield f"| {' | '.join(_HEADER)} |"
    yield "|" + "---|" * len(_HEADER)
    for audit in audits:
        yield f"| {' | '.join(map(_escaped, _cells(audit)))} |"
    yield ""
    for audit in audits:
        yield f"* {_escaped(audit.verdict_line())}"


def history_line(seed: str, shares: Sequence[float | None]) -> str:
    """Draw the reachable share of a seed over its audits, the oldest first; a dot for nothing dialled."""
    shown = shares[-HISTORY_LEN:]
    drawn = "".join("·" if share is None else BLOCKS[min(int(share * 8), 7)] for share in shown)
    last = next((share for share in reversed(shown) if share is not None), None)
    now = "" if last is None else f" {last:.0%}"
    return f"{_cut(seed):<{NAME_WIDTH}} {drawn}{now}"


def _row(cells: Sequence[str]) -> str:
    first, *others = cells
    columns = [f"{_cut(first):<{NAME_WIDTH}}"]
    columns += [f"{cell:>{width}}" for cell, width in zip(others, _WIDTHS[1:], strict=True)]
    return " ".join(columns)


def _cut(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
