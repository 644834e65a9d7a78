"""`ping` and `pong` (BIP31)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import NONCE, Message
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.wire import Reader

__all__ = ["Ping", "Pong"]


@dataclass(slots=True)
class Ping(Message):
    """The `ping` message: asks for a `pong` with the same nonce.

    Wire (little-endian):
        8   nonce   uint64   absent in versions up to 60000 (BIP31)

    Tolerates: an empty payload (nonce is then None).
    """

    msg_type: ClassVar[str] = MsgType.PING.value

    nonce: int | None = field(default=None, metadata=NONCE)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 8 bytes, or none.

        Raises:
            Truncated: 1 to 7 bytes are there.
        """
        if not payload:
            return cls()
        reader = Reader(payload)
        return cls(reader.u64("nonce"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload: 8 bytes, or none where the nonce is None."""
        return b"" if self.nonce is None else self.nonce.to_bytes(8, "little") + self.trailing


@dataclass(slots=True)
class Pong(Message):
    """The `pong` message: the answer to `ping`.

    Wire (little-endian):
        8   nonce   uint64   that of the ping
    """

    msg_type: ClassVar[str] = MsgType.PONG.value

    nonce: int = field(metadata=NONCE)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 8 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        return cls(reader.u64("nonce"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return self.nonce.to_bytes(8, "little") + self.trailing
