"""What a transcript is made from and goes to.

Owns the interface `TranscriptSink` and the facts of a connection that no session has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bitcoin_handshake.chain import ChainParams
from bitcoin_handshake.netaddr import NetAddr

__all__ = ["ConnectionFacts", "TranscriptSink", "V2Secrets"]


class TranscriptSink(Protocol):
    """Where the lines of transcripts go."""

    @property
    def has_room(self) -> bool:
        """Whether lines are taken as fast as they come; if not, messages are only counted."""

    def begin(self, label: str) -> int:
        """Take a new connection.

        Args:
            label: Time and address, for the name of a file; any characters.

        Returns:
            The number by which its lines are known, 1 or more.
        """

    def write(self, connection: int, lines: str, *, is_last: bool) -> None:
        """Take lines of a connection, each with its end. Must not block and not raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Secrets:
    """What a v2 transport was made of, so that raw bytes can be replayed.

    Attributes:
        private_key: 32 bytes; ephemeral, of this connection only.
        ellswift: Its encoding, 64 bytes.
        garbage: 0 to 4095 bytes sent behind it.
        decoys: Contents of the decoy packets sent before the version packet.
        version_contents: Contents of our version packet.
    """

    private_key: bytes
    ellswift: bytes
    garbage: bytes
    decoys: Sequence[bytes] = ()
    version_contents: bytes = b""

    def to_json(self) -> dict[str, object]:
        """Return the fields as hex."""
        return {
            "private_key": self.private_key.hex(),
            "ellswift": self.ellswift.hex(),
            "garbage": self.garbage.hex(),
            "decoys": [each.hex() for each in self.decoys],
            "version_contents": self.version_contents.hex(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFacts:
    """What the first line says and a replay needs, besides the session's own arguments.

    Attributes:
        chain: The chain spoken.
        address: The peer's, as text.
        initiating: Whether we opened the connection.
        started_unix: When the connect began, seconds since the Unix epoch.
        own_nonces: Nonces by which this connection recognises itself: its own.
        secrets: Of a v2 transport; with them the raw bytes are recorded too.
    """

    chain: ChainParams
    address: str
    initiating: bool
    started_unix: float
    own_nonces: Sequence[int] = ()
    secrets: V2Secrets | None = None

    @classmethod
    def of(
        cls,
        chain: ChainParams,
        netaddr: NetAddr,
        *,
        started_unix: float,
        nonce: int,
        secrets: V2Secrets | None = None,
    ) -> ConnectionFacts:
        """Collect the facts of a connection that we opened."""
        return cls(
            chain=chain,
            address=netaddr.to_text(),
            initiating=True,
            started_unix=started_unix,
            own_nonces=(nonce,),
            secrets=secrets,
        )
