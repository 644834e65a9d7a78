"""Transaction reconciliation (BIP330), behind `sendtxrcncl`, which is in `handshake`.

No Core release sends these four. The limits are those of the implementation that was proposed
for Core; the BIP names none.

Sources: BIP330, "New messages" ("Arrays are serialized with the CompactSize prefix").
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, pack
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import EmptyMessage, Message
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_var_bytes

__all__ = [
    "MAX_SKETCH_CAPACITY",
    "MAX_SKETCH_LEN",
    "ReconcilDiff",
    "ReqRecon",
    "ReqSketchExt",
    "Sketch",
]

MAX_SKETCH_CAPACITY = 2 << 12
"""Upper limit of the differences that a first sketch can hold; an extension doubles it."""
SHORT_ID_LEN = 4
"""Length in bytes of a short id, and of what a sketch needs for each difference."""
MAX_SKETCH_LEN = 2 * MAX_SKETCH_CAPACITY * SHORT_ID_LEN
"""Upper limit of a sketch in bytes: 65,536."""

_SIZES = Struct("<HH")


@dataclass(slots=True)
class ReqRecon(Message):
    """The `reqrecon` message (BIP330): begins a round of reconciliation.

    Wire (little-endian):
        2   set_size   uint16   size of the sender's set
        2   q          uint16   coefficient for the size of the difference
    """

    msg_type: ClassVar[str] = MsgType.REQRECON.value

    set_size: int
    q: int
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 4 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        set_size, q = reader.unpack(_SIZES, "set_size and q")
        return cls(set_size, q, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return _SIZES.pack(self.set_size, self.q) + self.trailing


@dataclass(slots=True)
class Sketch(Message):
    """The `sketch` message (BIP330): a sketch of the sender's set, or its extension.

    Wire:
        ..  skdata   CompactSize + bytes, at most MAX_SKETCH_LEN (65,536)
    """

    msg_type: ClassVar[str] = MsgType.SKETCH.value

    skdata: bytes
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            Truncated: It ends inside the sketch.
            NonMinimalCompactSize: The length is written too long.
            FieldTooLong: The sketch is over 65,536 bytes.
        """
        reader = Reader(payload)
        return cls(reader.var_bytes("skdata", limit=MAX_SKETCH_LEN), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return serialize_var_bytes(self.skdata) + self.trailing


class ReqSketchExt(EmptyMessage):
    """The `reqsketchext` message (BIP330): asks for the sketch's extension; no fields."""

    __slots__ = ()
    msg_type: ClassVar[str] = MsgType.REQSKETCHEXT.value


@dataclass(slots=True)
class ReconcilDiff(Message):
    """The `reconcildiff` message (BIP330): ends a round, and asks for what was missing.

    Wire (little-endian):
        1   success        uint8   0 or 1
        ..  ask_shortids   CompactSize   at most twice MAX_SKETCH_CAPACITY (16,384)
        each entry:
            4   shortid   uint32

    Tolerates: a `success` over 1 (kept).
    """

    msg_type: ClassVar[str] = MsgType.RECONCILDIFF.value

    success: int
    ask_shortids: tuple[int, ...]
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 2 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: The count is written too long.
            FieldTooLong: There are over 16,384 ids.
        """
        reader = Reader(payload)
        success = reader.u8("success")
        limit = 2 * MAX_SKETCH_CAPACITY
        count = reader.count("ask_shortids", entry_len=SHORT_ID_LEN, limit=limit)
        return cls(success, reader.unpack(Struct(f"<{count}I"), "ask_shortids"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        count = len(self.ask_shortids)
        ids = pack(f"<{count}I", *self.ask_shortids)
        return bytes((self.success,)) + serialize_compact_size(count) + ids + self.trailing
