"""What a peer does that ends a session: a bad handshake, a close, a timeout, a flood.

Owns `PeerError` and its families that do not depend on the transport.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bitcoin_handshake.codes import FailureCode, Phase
from bitcoin_handshake.errors.base import BitcoinHandshakeError

__all__ = [
    "BadVersionMessage",
    "HandshakeError",
    "PeerClosed",
    "PeerError",
    "PeerFlood",
    "PeerRejected",
    "PeerReset",
    "PeerTimeout",
    "SelfConnection",
    "VersionTooOld",
]


# What is waited for in words, where the name of the phase does not say it.
_AWAITED: Mapping[Phase | None, str] = MappingProxyType(
    {Phase.GARBAGE: "garbage terminator", Phase.VERSION_PACKET: "version packet"}
)


def _awaited(phase: Phase | None) -> str:
    return _AWAITED.get(phase, str(phase))


@dataclass(kw_only=True, eq=False, repr=False)
class PeerError(BitcoinHandshakeError):
    """The peer's bytes or behaviour; ends a session when it reaches one."""

    phase: Phase | None = None
    offset: int | None = None
    retry_v1: bool = False  # the peer may yet shake hands in v1, on a connection of its own


class HandshakeError(PeerError):
    """The version/verack exchange cannot succeed."""


@dataclass(kw_only=True, eq=False, repr=False)
class BadVersionMessage(HandshakeError):
    """No `version` of the peer could be parsed before the end."""

    code = FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE
    phase: Phase | None = Phase.VERSION

    why: str

    def __str__(self) -> str:
        return f"sent a version message that does not parse ({self.why})"


@dataclass(kw_only=True, eq=False, repr=False)
class VersionTooOld(HandshakeError):
    """The peer's protocol version is below MIN_PEER_PROTO_VERSION (31800)."""

    code = FailureCode.HANDSHAKE_VERSION_TOO_OLD
    phase: Phase | None = Phase.VERSION

    protocol_version: int
    minimum: int

    def __str__(self) -> str:
        return f"protocol version {self.protocol_version} is below {self.minimum}"


@dataclass(kw_only=True, eq=False, repr=False)
class SelfConnection(HandshakeError):
    """The peer sent back our own nonce or v2 key: an echo, or a connection to ourselves."""

    code = FailureCode.HANDSHAKE_SELF_CONNECTION
    phase: Phase | None = Phase.VERSION

    def __str__(self) -> str:
        if self.phase is Phase.KEY:
            return "sent back our own v2 key: an echo or a reflector"
        return "sent back the nonce of one of our own connections: an echo or a reflector"


@dataclass(kw_only=True, eq=False, repr=False)
class PeerClosed(PeerError):
    """The peer closed the connection before the verdict."""

    code = FailureCode.PEER_CLOSED

    phase: Phase = field()
    bytes_received: int

    def __str__(self) -> str:
        if not self.bytes_received:
            return f"closed the connection {_without_a_byte(self.phase)}"
        return f"closed the connection after {self.bytes_received} bytes, waiting for {_awaited(self.phase)}"


class PeerReset(PeerClosed):
    """The peer reset the connection before the verdict."""

    code = FailureCode.PEER_RESET

    def __str__(self) -> str:
        if not self.bytes_received and self.phase is Phase.KEY:
            return f"reset the connection {_without_a_byte(self.phase)}"
        return f"reset the connection after {self.bytes_received} bytes, waiting for {_awaited(self.phase)}"


def _without_a_byte(phase: Phase | None) -> str:
    if phase is Phase.KEY:
        return "at our v2 key without sending a byte (speaks v1 only, is full, or banned us)"
    return "without sending a byte (full, banned us, or another chain)"


@dataclass(kw_only=True, eq=False, repr=False)
class PeerRejected(PeerError):
    """The peer sent `reject` and then no verdict.

    Attributes:
        message: Type of the message that was rejected, as printable text.
        ccode: The code of the `reject`, and `name` its name or ''.
        why: The reason in the peer's words, as printable text.
    """

    code = FailureCode.PEER_REJECTED

    phase: Phase = field()
    message: str
    ccode: int
    name: str
    why: str

    def __str__(self) -> str:
        what = f"our {self.message}" if self.message else "a message of ours"
        name = f", {self.name}" if self.name else ""
        return f"rejected {what}: {self.why or 'no reason given'} (code 0x{self.ccode:02x}{name})"


@dataclass(kw_only=True, eq=False, repr=False)
class PeerTimeout(PeerError):
    """The deadline passed before the verdict."""

    code = FailureCode.PEER_TIMEOUT

    phase: Phase = field()
    waited_s: float
    bytes_received: int

    def __str__(self) -> str:
        got = f"{self.bytes_received} bytes" if self.bytes_received else "nothing"
        return f"no {_awaited(self.phase)} in {self.waited_s:g} s ({got} received)"


@dataclass(kw_only=True, eq=False, repr=False)
class PeerFlood(PeerError):
    """The peer sent far more than any handshake needs, and no verdict."""

    code = FailureCode.PEER_FLOOD

    phase: Phase = field()
    messages: int
    bytes_received: int

    def __str__(self) -> str:
        awaited = _awaited(self.phase)
        return f"flooded us: {self.messages} messages, {self.bytes_received} bytes and no {awaited}"
