"""Bloom filtering (BIP37): `filterload`, `filteradd`, `filterclear`, `merkleblock`.

Sources: BIP37, BIP111; Core's `CBloomFilter` (`common/bloom.h`), `CMerkleBlock`
(`merkleblock.h`), `ProcessMessage` in `net_processing.cpp`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.errors import FieldTooLong
from bitcoin_handshake.messages.base import HASHES, EmptyMessage, Message
from bitcoin_handshake.messages.headers import HASH_LEN, BlockHeader
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed, serialize_var_bytes

__all__ = [
    "MAX_BLOOM_FILTER_SIZE",
    "MAX_HASH_FUNCS",
    "MAX_SCRIPT_ELEMENT_SIZE",
    "FilterAdd",
    "FilterClear",
    "FilterLoad",
    "MerkleBlock",
]

MAX_BLOOM_FILTER_SIZE = 36_000
"""Upper limit of a filter in bytes."""
MAX_HASH_FUNCS = 50
"""Upper limit of hash functions."""
MAX_SCRIPT_ELEMENT_SIZE = 520
"""Upper limit of the data of `filteradd` in bytes: what a script can push at most."""

_FILTER_TAIL = Struct("<IIB")
_U32 = Struct("<I")


@dataclass(slots=True)
class FilterLoad(Message):
    """The `filterload` message (BIP37): announce only transactions that match this filter.

    Wire (little-endian):
        ..  filter           CompactSize + bytes, at most MAX_BLOOM_FILTER_SIZE (36,000)
        4   hash_functions   uint32   at most MAX_HASH_FUNCS (50)
        4   tweak            uint32
        1   flags            uint8    0 to 2: which matches change the filter

    Tolerates: unknown flags (kept).
    Rejects: what is over a limit; Core hangs up on it.
    """

    msg_type: ClassVar[str] = MsgType.FILTERLOAD.value

    filter: bytes
    hash_functions: int
    tweak: int
    flags: int
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 10 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: The length is written too long.
            FieldTooLong: The filter is over 36,000 bytes, or there are over 50 functions.
        """
        reader = Reader(payload)
        filter_ = reader.var_bytes("filter", limit=MAX_BLOOM_FILTER_SIZE)
        hash_functions, tweak, flags = reader.unpack(_FILTER_TAIL, "hash_functions, tweak and flags")
        if hash_functions > MAX_HASH_FUNCS:
            raise FieldTooLong(length=hash_functions, limit=MAX_HASH_FUNCS, field="hash_functions")
        return cls(filter_, hash_functions, tweak, flags, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        tail = _FILTER_TAIL.pack(self.hash_functions, self.tweak, self.flags)
        return serialize_var_bytes(self.filter) + tail + self.trailing


@dataclass(slots=True)
class FilterAdd(Message):
    """The `filteradd` message (BIP37): one more element for the filter.

    Wire:
        ..  data   CompactSize + bytes, at most MAX_SCRIPT_ELEMENT_SIZE (520)

    Rejects: more than 520 bytes; Core hangs up on them.
    """

    msg_type: ClassVar[str] = MsgType.FILTERADD.value

    data: bytes
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            Truncated: It ends inside the data.
            NonMinimalCompactSize: The length is written too long.
            FieldTooLong: The data is over 520 bytes.
        """
        reader = Reader(payload)
        return cls(reader.var_bytes("data", limit=MAX_SCRIPT_ELEMENT_SIZE), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return serialize_var_bytes(self.data) + self.trailing


class FilterClear(EmptyMessage):
    """The `filterclear` message (BIP37): forget the filter; no fields."""

    __slots__ = ()
    msg_type: ClassVar[str] = MsgType.FILTERCLEAR.value


@dataclass(slots=True)
class MerkleBlock(Message):
    """The `merkleblock` message (BIP37): a header, and proof that some transactions are under it.

    Wire (little-endian):
        80  header               header
        4   total_transactions   uint32
        ..  hashes               CompactSize
        each entry:
            32  hash   hash      in depth-first order
        ..  flag_bytes           CompactSize + bytes   one bit per node of the tree, lowest first

    Tolerates: a tree that proves nothing; what it proves is not judged here.
    """

    msg_type: ClassVar[str] = MsgType.MERKLEBLOCK.value

    header: BlockHeader
    total_transactions: int
    hashes: tuple[bytes, ...] = field(metadata=HASHES)
    flag_bytes: bytes
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 86 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: A count or length is written too long.
            FieldTooLong: A count or length is over MAX_SIZE.
        """
        reader = Reader(payload)
        header = BlockHeader.read(reader)
        total = reader.u32("total_transactions")
        count = reader.count("hashes", entry_len=HASH_LEN)
        hashes = tuple([reader.read(HASH_LEN, "hash") for _ in range(count)])
        return cls(header, total, hashes, reader.var_bytes("flag_bytes"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return b"".join(
            (
                self.header.serialize(),
                _U32.pack(self.total_transactions),
                serialize_compact_size(len(self.hashes)),
                *(serialize_fixed(hash_, HASH_LEN) for hash_ in self.hashes),
                serialize_var_bytes(self.flag_bytes),
                self.trailing,
            )
        )
