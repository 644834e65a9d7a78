"""Compact block filters (BIP157): three requests and their three answers.

Sources: BIP157, BIP158; Core's `ProcessGetCFilters`, `ProcessGetCFHeaders` and
`ProcessGetCFCheckPt` in `net_processing.cpp`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import HASH, HASHES, Message
from bitcoin_handshake.messages.headers import HASH_LEN
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed, serialize_var_bytes

__all__ = [
    "MAX_GETCFHEADERS_SIZE",
    "CFCheckpt",
    "CFHeaders",
    "CFilter",
    "GetCFCheckpt",
    "GetCFHeaders",
    "GetCFilters",
]

MAX_GETCFHEADERS_SIZE = 2000
"""Upper limit of the filter hashes in `cfheaders`."""

_RANGE = Struct("<BI32s")
_TYPE_AND_HASH = Struct("<B32s")
_TYPE_AND_TWO_HASHES = Struct("<B32s32s")


@dataclass(slots=True)
class _FilterRange(Message):
    """Base of the two requests for a range of blocks."""

    filter_type: int
    start_height: int
    stop_hash: bytes = field(metadata=HASH)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 37 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        filter_type, start_height, stop_hash = reader.unpack(_RANGE, "filter_type to stop_hash")
        return cls(filter_type, start_height, stop_hash, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        stop_hash = serialize_fixed(self.stop_hash, HASH_LEN)
        return _RANGE.pack(self.filter_type, self.start_height, stop_hash) + self.trailing


@dataclass(slots=True)
class GetCFilters(_FilterRange):
    """The `getcfilters` message (BIP157): asks for the filters of at most 1000 blocks.

    Wire (little-endian):
        1   filter_type    uint8    0: basic (BIP158)
        4   start_height   uint32
        32  stop_hash      hash     of the last block
    """

    msg_type: ClassVar[str] = MsgType.GETCFILTERS.value


@dataclass(slots=True)
class GetCFHeaders(_FilterRange):
    """The `getcfheaders` message (BIP157): asks for the filter hashes of at most 2000 blocks.

    Wire (little-endian):
        1   filter_type    uint8    0: basic (BIP158)
        4   start_height   uint32
        32  stop_hash      hash     of the last block
    """

    msg_type: ClassVar[str] = MsgType.GETCFHEADERS.value


@dataclass(slots=True)
class GetCFCheckpt(Message):
    """The `getcfcheckpt` message (BIP157): asks for a filter header of every 1000th block.

    Wire:
        1   filter_type   uint8   0: basic (BIP158)
        32  stop_hash     hash    of the last block
    """

    msg_type: ClassVar[str] = MsgType.GETCFCHECKPT.value

    filter_type: int
    stop_hash: bytes = field(metadata=HASH)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 33 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        filter_type, stop_hash = reader.unpack(_TYPE_AND_HASH, "filter_type and stop_hash")
        return cls(filter_type, stop_hash, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return (
            _TYPE_AND_HASH.pack(self.filter_type, serialize_fixed(self.stop_hash, HASH_LEN)) + self.trailing
        )


@dataclass(slots=True)
class CFilter(Message):
    """The `cfilter` message (BIP157): the filter of one block.

    Wire:
        1   filter_type   uint8   0: basic (BIP158)
        32  block_hash    hash
        ..  filter        CompactSize + bytes
    """

    msg_type: ClassVar[str] = MsgType.CFILTER.value

    filter_type: int
    block_hash: bytes = field(metadata=HASH)
    filter: bytes
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 34 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: The length is written too long.
            FieldTooLong: The length is over MAX_SIZE.
        """
        reader = Reader(payload)
        filter_type, block_hash = reader.unpack(_TYPE_AND_HASH, "filter_type and block_hash")
        return cls(filter_type, block_hash, reader.var_bytes("filter"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        head = _TYPE_AND_HASH.pack(self.filter_type, serialize_fixed(self.block_hash, HASH_LEN))
        return head + serialize_var_bytes(self.filter) + self.trailing


@dataclass(slots=True)
class CFHeaders(Message):
    """The `cfheaders` message (BIP157): filter hashes of a range of blocks.

    Wire:
        1   filter_type          uint8   0: basic (BIP158)
        32  stop_hash            hash    of the last block
        32  prev_filter_header   hash    of the block before the first
        ..  filter_hashes        CompactSize   at most MAX_GETCFHEADERS_SIZE (2000)
        each entry:
            32  hash   hash
    """

    msg_type: ClassVar[str] = MsgType.CFHEADERS.value

    filter_type: int
    stop_hash: bytes = field(metadata=HASH)
    prev_filter_header: bytes = field(metadata=HASH)
    filter_hashes: tuple[bytes, ...] = field(metadata=HASHES)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 66 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: The count is written too long.
            FieldTooLong: There are over 2000 hashes.
        """
        reader = Reader(payload)
        filter_type, stop_hash, prev_header = reader.unpack(
            _TYPE_AND_TWO_HASHES, "filter_type to prev_filter_header"
        )
        count = reader.count("filter_hashes", entry_len=HASH_LEN, limit=MAX_GETCFHEADERS_SIZE)
        hashes = tuple([reader.read(HASH_LEN, "filter_hash") for _ in range(count)])
        return cls(filter_type, stop_hash, prev_header, hashes, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        ends = [serialize_fixed(hash_, HASH_LEN) for hash_ in (self.stop_hash, self.prev_filter_header)]
        head = _TYPE_AND_TWO_HASHES.pack(self.filter_type, *ends)
        hashes = [serialize_fixed(hash_, HASH_LEN) for hash_ in self.filter_hashes]
        return b"".join((head, serialize_compact_size(len(hashes)), *hashes, self.trailing))


@dataclass(slots=True)
class CFCheckpt(Message):
    """The `cfcheckpt` message (BIP157): filter headers of every 1000th block.

    Wire:
        1   filter_type      uint8   0: basic (BIP158)
        32  stop_hash        hash    of the last block
        ..  filter_headers   CompactSize
        each entry:
            32  hash   hash
    """

    msg_type: ClassVar[str] = MsgType.CFCHECKPT.value

    filter_type: int
    stop_hash: bytes = field(metadata=HASH)
    filter_headers: tuple[bytes, ...] = field(metadata=HASHES)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 34 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: The count is written too long.
            FieldTooLong: The count is over MAX_SIZE.
        """
        reader = Reader(payload)
        filter_type, stop_hash = reader.unpack(_TYPE_AND_HASH, "filter_type and stop_hash")
        count = reader.count("filter_headers", entry_len=HASH_LEN)
        headers = tuple([reader.read(HASH_LEN, "filter_header") for _ in range(count)])
        return cls(filter_type, stop_hash, headers, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        head = _TYPE_AND_HASH.pack(self.filter_type, serialize_fixed(self.stop_hash, HASH_LEN))
        headers = [serialize_fixed(hash_, HASH_LEN) for hash_ in self.filter_headers]
        return b"".join((head, serialize_compact_size(len(headers)), *headers, self.trailing))
