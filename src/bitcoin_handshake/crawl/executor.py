"""The interface between a crawl and whoever runs its visits.

Only plain data crosses it: packed keys go out; records (the JSON form) and the payloads of address messages
come back. A crawl does not know where its visits run, and an executor knows neither frontier nor store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Executor", "VisitReport"]


@dataclass(frozen=True, slots=True)
class VisitReport:
    """What one visit gave.

    Attributes:
        key: Packed key of the address, as it was handed out.
        record: See `schema/record.schema.json`; None where it was not visited, because its network is
            not available from here.
        messages: Type (`addr`, `addrv2`) and payload of what it told; None where it was not asked.
    """

    key: bytes
    record: dict[str, Any] | None
    messages: Sequence[tuple[str, bytes]] | None


class Executor(Protocol):
    """Runs visits."""

    @property
    def room(self) -> int:
        """How many more addresses are wanted now, 0 or more."""

    @property
    def full(self) -> Collection[int]:
        """BIP155 ids of the networks of which no more are wanted now."""

    @property
    def unavailable(self) -> Mapping[int, str]:
        """BIP155 ids of the networks that were found not to be available from here, with the reason."""

    @property
    def in_flight(self) -> int:
        """Addresses that were handed out and not reported yet."""

    def submit(self, keys: Sequence[bytes]) -> None:
        """Take addresses to visit."""

    async def reports(self, *, timeout_s: float) -> Sequence[VisitReport]:
        """Wait until there are reports, and return them; none after `timeout_s` seconds.

        Raises:
            EnvironmentFailure: No more visits can be run.
        """

    async def close(self) -> Sequence[VisitReport]:
        """Stop: end or drop what is in flight, and return the last reports."""
