"""Findings: what an examination says, in order of severity.

Owns `Level`, `Finding` and the sum of several findings. A finding's id is stable: scripts and
monitoring depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Finding", "Level", "worst"]


class Level(IntEnum):
    """How serious a finding is. The values are the exit codes of a Nagios plugin, except NOTE."""

    NOTE = -1  # a fact that is neither good nor bad
    OK = 0  # what was examined is as it should be
    WARNING = 1  # the node works, and something should be changed
    PROBLEM = 2  # the node is not reachable, or not usable by others
    UNKNOWN = 3  # it could not be examined from here

    @property
    def word(self) -> str:
        """The word for it in text and JSON."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that an examination found.

    Attributes:
        id: Stable id, `topic.detail`.
        level: How serious it is.
        address: The address that it is about; None when it is about the whole node.
        title: What is so, one sentence.
        evidence: What was measured; may contain escaped text of the peer.
        advice: What to do, or None when there is nothing to do.
    """

    id: str
    level: Level
    title: str
    address: str | None = None
    evidence: str = ""
    advice: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON has them."""
        return {
            "id": self.id,
            "level": self.level.word,
            "address": self.address,
            "title": self.title,
            "evidence": self.evidence,
            "advice": self.advice,
        }


def worst(findings: Iterable[Finding]) -> Level:
    """Return the highest level of some findings; without findings UNKNOWN, and notes count as OK.

    A problem is more serious than what could not be examined.
    """
    levels = {max(finding.level, Level.OK) for finding in findings}
    for level in (Level.PROBLEM, Level.UNKNOWN, Level.WARNING, Level.OK):
        if level in levels:
            return level
    return Level.UNKNOWN
