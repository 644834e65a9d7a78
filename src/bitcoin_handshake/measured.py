"""What is asked of the transports of a node, and what was seen of v2.

Owns the modes (`TransportMode`), the words for what came of a transport (`TransportStatus`), the
facts that only a v2 connection yields (`V2Facts`), and the measure of time (`elapsed_ms`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bitcoin_handshake.errors import InputError

__all__ = ["TransportMode", "TransportStatus", "V2Facts", "elapsed_ms"]


class TransportMode(StrEnum):
    """Which transports a node is asked for."""

    AUTO = "auto"  # v2; then v1 where v2 ended without a byte, or was answered in v1
    V1 = "v1"
    V2 = "v2"
    BOTH = "both"  # v2, then v1, each on a connection of its own

    @classmethod
    def from_text(cls, text: str) -> TransportMode:
        """Read a mode.

        Raises:
            InputError: There is no such mode.
        """
        try:
            return cls(text)
        except ValueError:
            raise InputError(f"unknown transport {text!r}: one of {', '.join(cls)}") from None


class TransportStatus(StrEnum):
    """What came of one transport."""

    COMPLETED = "completed"  # the handshake, up to `verack`
    REFUSED = "refused"  # a connection was made, and the handshake did not complete
    NOT_TRIED = "not_tried"  # no connection was made for it


@dataclass(slots=True)
class V2Facts:
    """What a v2 connection showed below the messages.

    Attributes:
        garbage_length: Bytes of the peer's garbage; None before its terminator was found.
        decoys: Authentic decoys of the peer.
        session_id: 32 bytes; None before the peer's version packet has proven them.
        key_ms, garbage_ms, version_packet_ms: Milliseconds from the established connection to the
            end of each stage; None where it was not reached.
    """

    garbage_length: int | None = None
    decoys: int = 0
    session_id: bytes | None = None
    key_ms: float | None = None
    garbage_ms: float | None = None
    version_packet_ms: float | None = None


def elapsed_ms(start: float, end: float) -> float:
    """Milliseconds from one moment to another, to the microsecond.

    Args:
        start, end: Monotonic seconds.
    """
    # The built-in round() of a float takes ten times as long.
    return int((end - start) * 1_000_000 + 0.5) / 1000
