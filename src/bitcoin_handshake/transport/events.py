"""What happens on a connection below its messages, for those who keep a transcript.

Owns the value only. The v2 transport makes them; v1 has none.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["MAX_TRANSPORT_EVENTS", "TransportEvent", "TransportEventKind"]

MAX_TRANSPORT_EVENTS = 1000
"""Events kept for a caller that does not fetch them: a decoy costs the peer 20 bytes."""


class TransportEventKind(StrEnum):
    """What happened below the messages."""

    KEY = "key"  # the peer's key is complete
    GARBAGE = "garbage"  # the peer's garbage terminator was found
    DECOY = "decoy"  # an authentic packet that means nothing
    VERSION_PACKET = "version_packet"  # the first authentic packet that is no decoy
    V1 = "v1"  # a responder's peer turned out to speak v1


class TransportEvent:
    """One thing that happened below the messages.

    Attributes:
        kind: What happened.
        offset: Bytes of the stream up to and including the last one that belongs to it.
        size: Length in bytes of the key, the garbage, the contents of the packet, or the v1 prefix.
    """

    __slots__ = ("kind", "offset", "size")

    def __init__(self, kind: TransportEventKind, offset: int, size: int) -> None:
        self.kind = kind
        self.offset = offset
        self.size = size

    def __repr__(self) -> str:
        return f"TransportEvent({self.kind.value}, offset={self.offset}, size={self.size})"
