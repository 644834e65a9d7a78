"""Records and the sum as text for people; not stable, scripts read JSON.

One line per node: outcome, address, transport, user agent, protocol version, height, services,
connect time; where it is not `ok`, the phase and the reason in words.
"""

from __future__ import annotations

from bitcoin_handshake.cli.output.printable import column_text
from bitcoin_handshake.cli.palette import PLAIN, Palette
from bitcoin_handshake.messages.handshake import Version
from bitcoin_handshake.protocol import services_names
from bitcoin_handshake.records import Outcome, ProbeResult, user_agent_text
from bitcoin_handshake.summary import Summary

__all__ = ["TextRenderer", "breakdown_text"]

_WORDS = {
    Outcome.OK: "OK     ",
    Outcome.PARTIAL: "PARTIAL",
    Outcome.FAILED: "FAILED ",
    Outcome.SKIPPED: "SKIPPED",
}
_ADDRESS_WIDTH = 21
"""That of the longest IPv4 address with a port of five digits."""


_ANOMALIES_INDENT = " " * 8


class TextRenderer:
    """Makes the line of a record.

    Args:
        palette: Colours, if any.
        shows_anomalies: Whether the codes of a node's anomalies follow its line.
    """

    def __init__(self, palette: Palette = PLAIN, *, shows_anomalies: bool = False) -> None:
        self._shows_anomalies = shows_anomalies
        self._outcomes = {outcome: palette.paint(outcome.value, word) for outcome, word in _WORDS.items()}

    def __call__(self, result: ProbeResult) -> str:
        """Write one line, its end included; and a second one for anomalies where they are asked for."""
        netaddr = result.netaddr
        where = column_text(result.target) if netaddr is None else netaddr.to_text()
        parts = [f"{self._outcomes[result.outcome]} {where:<{_ADDRESS_WIDTH}}"]
        if result.transport is not None:
            parts.append(result.transport)
        if result.version is not None:
            parts.append(_version_words(result.version))
        if result.connect_ms is not None:
            parts.append(f"connect {_duration(result.connect_ms)}")
        if result.ping_ms is not None:
            parts.append(f"ping {_duration(result.ping_ms)}")
        if result.error is not None:
            parts.append(_why(result))
        line = "  ".join(parts).rstrip() + "\n"
        if result.anomalies and self._shows_anomalies:
            return f"{line}{_ANOMALIES_INDENT}anomalies: {', '.join(result.anomalies)}\n"
        return line


def _version_words(version: Version) -> str:
    raw = version.user_agent
    user_agent = "(no user agent)" if raw is None else column_text(user_agent_text(raw))
    height = "?" if version.start_height is None else version.start_height
    services = " ".join(services_names(version.services)) or "no services"
    return f"{user_agent or '(empty user agent)'}  {version.protocol_version}  height {height}  {services}"


def _why(result: ProbeResult) -> str:
    reason = column_text(result.reason or "")
    return reason if result.phase is None else f"{result.phase.value}: {reason}"


def _duration(milliseconds: float) -> str:
    if milliseconds >= 100:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds:.1f} ms" if milliseconds >= 1 else f"{milliseconds:.2f} ms"


def breakdown_text(summary: Summary, palette: Palette = PLAIN) -> str:
    """Write how often each reason and each user agent came, the most frequent first, and v2's share."""
    v2_line = summary.v2_text_line()
    anomalies_line = summary.anomalies_text_line()
    return (
        _table("Reasons", summary.reasons, palette)
        + _table("User agents", summary.user_agents, palette)
        + (f"\n{v2_line}\n" if v2_line else "")
        + (f"\n{anomalies_line}\n" if anomalies_line else "")
    )


def _table(title: str, counts: dict[str, int], palette: Palette) -> str:
    if not counts:
        return ""
    rows = sorted(counts.items(), key=lambda row: (row[0] == "others", -row[1], row[0]))
    width = max(len(str(count)) for count in counts.values())
    lines = (f"  {count:>{width}}  {column_text(words) or '(empty)'}\n" for words, count in rows)
    return f"\n{palette.paint('title', title)}\n{''.join(lines)}"
