"""What a node tells its peers about how it wants things announced.

`sendheaders` (BIP130), `sendcmpct` (BIP152), `feefilter` (BIP133).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import EmptyMessage, Message
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.wire import Reader

__all__ = ["FeeFilter", "SendCmpct", "SendHeaders"]

_SENDCMPCT = Struct("<BQ")
_FEE_RATE = Struct("<q")


class SendHeaders(EmptyMessage):
    """The `sendheaders` message (BIP130): announce blocks by headers; no fields."""

    __slots__ = ()
    msg_type: ClassVar[str] = MsgType.SENDHEADERS.value


@dataclass(slots=True)
class SendCmpct(Message):
    """The `sendcmpct` message (BIP152).

    Wire (little-endian):
        1   high_bandwidth   uint8    0 or 1
        8   version          uint64   2 today
    """

    msg_type: ClassVar[str] = MsgType.SENDCMPCT.value

    high_bandwidth: int
    version: int
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 9 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        high_bandwidth, version = reader.unpack(_SENDCMPCT, "high_bandwidth and version")
        return cls(high_bandwidth, version, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return _SENDCMPCT.pack(self.high_bandwidth, self.version) + self.trailing


@dataclass(slots=True)
class FeeFilter(Message):
    """The `feefilter` message (BIP133).

    Wire (little-endian):
        8   fee_rate   int64   satoshi per 1000 virtual bytes
    """

    msg_type: ClassVar[str] = MsgType.FEEFILTER.value

    fee_rate: int
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 8 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        (fee_rate,) = reader.unpack(_FEE_RATE, "fee_rate")
        return cls(fee_rate, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return _FEE_RATE.pack(self.fee_rate) + self.trailing
