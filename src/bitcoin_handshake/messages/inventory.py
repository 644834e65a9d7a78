"""The messages that announce, ask for and deny blocks and transactions by hash.

`inv`, `getdata`, `notfound` (one layout), and `mempool` (BIP35), which asks for an `inv`.

Sources: Core's `CInv` in `protocol.h`, `ProcessMessage` in `net_processing.cpp`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import starmap
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import EmptyMessage, Message, hash_text
from bitcoin_handshake.messages.headers import HASH_LEN
from bitcoin_handshake.protocol import MAX_INV_SZ, InvType, MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed

__all__ = ["GetData", "Inv", "InvItem", "Mempool", "NotFound"]

_ITEM = Struct("<I32s")
_INV_TYPE_NAMES = {int(type_): type_.name for type_ in InvType}


@dataclass(slots=True)
class InvItem:
    """One entry of an inventory.

    Attributes:
        type: 0 to 2**32 - 1; `InvType` names those that are known.
        hash: 32 bytes in wire order.
    """

    type: int
    hash: bytes

    def to_json(self) -> dict[str, object]:
        """Return the type as number and name (None if unknown), and the hash byte-reversed."""
        return {"type": self.type, "name": _INV_TYPE_NAMES.get(self.type), "hash": hash_text(self.hash)}


@dataclass(slots=True)
class _Inventory(Message):
    """Base of the three messages that are lists of inventory entries."""

    items: tuple[InvItem, ...]
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            Truncated: It ends inside an entry.
            NonMinimalCompactSize: The count is written too long.
            FieldTooLong: There are over 50,000 entries.
        """
        reader = Reader(payload)
        count = reader.count("inventory", entry_len=_ITEM.size, limit=MAX_INV_SZ)
        rows = _ITEM.iter_unpack(reader.read(count * _ITEM.size, "inventory"))
        return cls(tuple(starmap(InvItem, rows)), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        parts = [_ITEM.pack(item.type, serialize_fixed(item.hash, HASH_LEN)) for item in self.items]
        return serialize_compact_size(len(parts)) + b"".join(parts) + self.trailing


@dataclass(slots=True)
class Inv(_Inventory):
    """The `inv` message: announces blocks or transactions.

    Wire (little-endian):
        ..  items   CompactSize   at most MAX_INV_SZ (50,000) entries
        each entry:
            4   type   uint32   InvType
            32  hash   hash

    Tolerates: unknown types (kept).
    """

    msg_type: ClassVar[str] = MsgType.INV.value


@dataclass(slots=True)
class GetData(_Inventory):
    """The `getdata` message: asks for blocks or transactions.

    Wire (little-endian):
        ..  items   CompactSize   at most MAX_INV_SZ (50,000) entries
        each entry:
            4   type   uint32   InvType; bit 30 asks for the form with witnesses
            32  hash   hash

    Tolerates: unknown types (kept).
    """

    msg_type: ClassVar[str] = MsgType.GETDATA.value


@dataclass(slots=True)
class NotFound(_Inventory):
    """The `notfound` message (BIP37): what `getdata` asked for and the sender does not have.

    Wire (little-endian):
        ..  items   CompactSize   at most MAX_INV_SZ (50,000) entries; Core uses up to 5016
        each entry:
            4   type   uint32   InvType
            32  hash   hash

    Tolerates: unknown types (kept).
    """

    msg_type: ClassVar[str] = MsgType.NOTFOUND.value


class Mempool(EmptyMessage):
    """The `mempool` message (BIP35): asks for an `inv` of all transactions; no fields."""

    __slots__ = ()
    msg_type: ClassVar[str] = MsgType.MEMPOOL.value
