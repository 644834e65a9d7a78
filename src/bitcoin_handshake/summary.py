"""What a run found, counted: the sum line and the breakdown.

Owns `Summary`. Keeps counts and no records, so that it stays small however long a run is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bitcoin_handshake.codes import FAILURE_SENTENCES
from bitcoin_handshake.errors import BitcoinHandshakeError, InternalError
from bitcoin_handshake.records import Outcome, ProbeResult

__all__ = ["MAX_BREAKDOWN", "OTHERS", "Summary", "duration_text"]

MAX_BREAKDOWN = 1000
"""Distinct reasons, and distinct user agents, that a summary counts by themselves."""
OTHERS = "others"

# An attribute of an enum class costs 100 ns on Python 3.11, a name of the module 10.
_OK, _PARTIAL, _FAILED = Outcome.OK, Outcome.PARTIAL, Outcome.FAILED


@dataclass(slots=True)
class Summary:
    """What a run found, as far as it is known now.

    Attributes:
        ok, partial, failed, skipped: Records by outcome.
        v2_tried: Nodes that were asked for v2, on a connection of its own.
        v2_spoken: Nodes that were seen to speak v2.
        v2_claimed: Nodes whose service bits offer v2.
        versions: Nodes whose `version` came.
        addresses: Addresses that targets gave, dialled or not.
        dialled: Dials begun.
        with_anomalies: Nodes that did something wrong on the way, whatever the outcome.
        reasons, user_agents: Counts of the at most MAX_BREAKDOWN (1,000) distinct ones, the rest
            under `others`.
        elapsed_s: Seconds since the run began.
        interrupted: Whether `stop` ended it.
        without_address: Records of targets that gave no address.
        is_open: Whether targets were still to come, or to be resolved, when the run ended.
        bug: The first bug of ours that a record tells of; its cause is the exception itself.
    """

    ok: int = 0
    partial: int = 0
    failed: int = 0
    skipped: int = 0
    v2_tried: int = 0
    v2_spoken: int = 0
    v2_claimed: int = 0
    versions: int = 0
    addresses: int = 0
    dialled: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    with_anomalies: int = 0
    user_agents: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    interrupted: bool = False
    without_address: int = 0
    is_open: bool = False
    bug: InternalError | None = None

    @property
    def total(self) -> int:
        """All records."""
        return self.ok + self.partial + self.failed + self.skipped

    @property
    def expected(self) -> int:
        """Records that the targets known so far will give."""
        return max(self.addresses + self.without_address, self.total)

    def count(self, result: ProbeResult) -> None:
        """Count one record."""
        outcome = result.outcome
        if outcome is _OK:
            self.ok += 1
        elif outcome is _PARTIAL:
            self.partial += 1
        elif outcome is _FAILED:
            self.failed += 1
        else:
            self.skipped += 1
        if result.transport is not None:
            self._count_v2(result)
        if result.error is not None:
            _tally(self.reasons, _reason_kind(result.error))
            if self.bug is None and isinstance(result.error, InternalError):
                self.bug = result.error
        if result.netaddr is None:
            self.without_address += 1
        if result.anomalies:
            self.with_anomalies += 1
        user_agent = result.user_agent
        if user_agent is not None:
            _tally(self.user_agents, user_agent)

    def _count_v2(self, result: ProbeResult) -> None:
        claims = result.claims_v2
        if claims is not None:
            self.versions += 1
            if claims:
                self.v2_claimed += 1
        if result.v2 is not None or result.other is not None:
            self.v2_tried += 1
            if result.speaks_v2:
                self.v2_spoken += 1

    def v2_text_line(self) -> str:
        """Write how many nodes speak v2 and how many claim to; '' where nobody said anything."""
        claims = f"{self.v2_claimed} {_verb('claim', self.v2_claimed)} it"
        if self.v2_tried:
            return f"v2: {self.v2_spoken} of {self.v2_tried} {_verb('speak', self.v2_spoken)} it, {claims}"
        if not self.versions:
            return ""
        claims = f"{self.v2_claimed} of {self.versions} {_verb('claim', self.v2_claimed)} it"
        return f"v2: {claims}, none was asked"

    def anomalies_text_line(self) -> str:
        """Write how many nodes had anomalies; '' where none had."""
        count = self.with_anomalies
        if not count:
            return ""
        return f"{count} {'node' if count == 1 else 'nodes'} with anomalies; --json or -v shows them"

    def elapsed_text_line(self) -> str:
        """Write how long the run took."""
        return f"Elapsed: {duration_text(self.elapsed_s)}"

    def to_text_line(self) -> str:
        """Write the sum line. It begins with `Finished!`, or says where an interrupted run ended."""
        end = "Finished!"
        if self.interrupted:
            more = " or more" if self.is_open else ""
            end = f"Interrupted after {self.total} of {self.expected}{more}!"
        line = f"{end} Handshake results: {self.ok} OK | {self.partial} PARTIALLY OK | {self.failed} FAILED"
        return f"{line} | {self.skipped} SKIPPED" if self.skipped else line


def duration_text(seconds: float) -> str:
    """Write a duration: `3.2 s`, `4 min 10 s`, `2 h 3 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _verb(word: str, count: int) -> str:
    return f"{word}s" if count == 1 else word


def _tally(counts: dict[str, int], key: str) -> None:
    if key not in counts and len(counts) >= MAX_BREAKDOWN:
        key = OTHERS
    counts[key] = counts.get(key, 0) + 1


def _reason_kind(error: BitcoinHandshakeError) -> str:
    """Say what kind of failure it is, in words without this one's figures, and its code."""
    code = error.code
    return f"{FAILURE_SENTENCES[code]} ({code.value})"
