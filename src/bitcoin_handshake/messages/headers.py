"""Block headers, and the messages that ask for and carry them.

`headers`, `getheaders` and `getblocks`, which shares the latter's layout.

Sources: Core's `CBlockHeader`, `CBlockLocator` (`primitives/block.h`), `GetBlockProof`
(`chain.cpp`), `arith_uint256::SetCompact`, `ProcessMessage` in `net_processing.cpp`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import starmap
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import BITS, HASH, HASHES, Message, fields_json, hash_text
from bitcoin_handshake.protocol import MAX_HEADERS_RESULTS, MAX_LOCATOR_SZ, MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed

__all__ = ["BLOCK_HEADER_LEN", "HASH_LEN", "BlockHeader", "GetBlocks", "GetHeaders", "Headers"]

BLOCK_HEADER_LEN = 80
"""Length of a block header in bytes."""
HASH_LEN = 32
"""Length of a hash in bytes."""

_HEADER = Struct("<i32s32sIII")
_HEADER_AND_COUNT = Struct("<i32s32sIIIx")
_VERSION = Struct("<I")


@dataclass(slots=True)
class BlockHeader:
    """The header of a block: 80 bytes.

    Attributes:
        version: Signed 32-bit.
        prev_block: Hash of the previous header, 32 bytes in wire order.
        merkle_root: 32 bytes in wire order.
        timestamp: Unix seconds, 0 to 2**32 - 1.
        bits: The target in compact form.
        nonce: 0 to 2**32 - 1.
    """

    version: int
    prev_block: bytes = field(metadata=HASH)
    merkle_root: bytes = field(metadata=HASH)
    timestamp: int
    bits: int = field(metadata=BITS)
    nonce: int

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read 80 bytes.

        Raises:
            Truncated: Fewer are left.
        """
        return cls(*reader.unpack(_HEADER, "block header"))

    def serialize(self) -> bytes:
        """Write the 80 bytes."""
        return _HEADER.pack(
            self.version,
            serialize_fixed(self.prev_block, HASH_LEN),
            serialize_fixed(self.merkle_root, HASH_LEN),
            self.timestamp,
            self.bits,
            self.nonce,
        )

    @property
    def hash(self) -> bytes:
        """Double SHA-256 of the 80 bytes, 32 bytes in wire order."""
        return sha256(sha256(self.serialize()).digest()).digest()

    @property
    def target(self) -> int:
        """The target that `bits` stands for; 0 where it stands for none (negative, overflow).

        Spec:
            Core, `arith_uint256::SetCompact`.
        """
        exponent, mantissa = self.bits >> 24, self.bits & 0x7FFFFF
        if self.bits & 0x800000:
            return 0
        target = mantissa << 8 * (exponent - 3) if exponent > 3 else mantissa >> 8 * (3 - exponent)
        return target if target < 1 << 256 else 0

    @property
    def work(self) -> int:
        """Expected number of hashes that such a header costs; 0 where `bits` is no target.

        Spec:
            Core, `GetBlockProof`.
        """
        target = self.target
        return (1 << 256) // (target + 1) if target else 0

    def to_json(self) -> dict[str, object]:
        """Return the hash and the fields."""
        return {"hash": hash_text(self.hash), **fields_json(self)}


@dataclass(slots=True)
class Headers(Message):
    """The `headers` message: block headers in the order of the chain.

    Wire (little-endian):
        ..  headers   CompactSize   at most MAX_HEADERS_RESULTS (2000) entries
        each entry:
            80  header     header
            ..  tx_count   CompactSize   always 0; no transactions follow

    Attributes:
        payload: The payload, whose counts and length have been checked; `headers` makes objects
            of it.
        count: Number of headers.

    Tolerates: transaction counts that are not zero (kept; Core reads and ignores them).
    """

    msg_type: ClassVar[str] = MsgType.HEADERS.value

    payload: bytes
    count: int = field(compare=False)
    _start: int = field(repr=False, compare=False)
    _end: int = field(repr=False, compare=False)

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Check a payload and keep it.

        Raises:
            Truncated: It ends inside an entry.
            NonMinimalCompactSize: A count is written too long.
            FieldTooLong: There are over 2000 headers.
        """
        reader = Reader(payload)
        entry_len = _HEADER_AND_COUNT.size
        count = reader.count("headers", entry_len=entry_len, limit=MAX_HEADERS_RESULTS)
        start, end = reader.pos, reader.pos + count * entry_len
        if any(payload[start + BLOCK_HEADER_LEN : end : entry_len]):
            for _ in range(count):
                reader.read(BLOCK_HEADER_LEN, "block header")
                reader.compact_size("tx_count")
            end = reader.pos
        return cls(payload, count, start, end)

    @classmethod
    def from_headers(
        cls, headers: Sequence[BlockHeader], *, tx_counts: Sequence[int] = (), trailing: bytes = b""
    ) -> Self:
        """Build a message of at most 2000 headers.

        Args:
            headers: The headers.
            tx_counts: The count behind each; zeros where it is empty.
            trailing: Bytes behind the last entry.

        Raises:
            WireError: There are more.
        """
        parts = [serialize_compact_size(len(headers))]
        for header, tx_count in zip(headers, tx_counts or (0,) * len(headers), strict=True):
            parts += (header.serialize(), serialize_compact_size(tx_count))
        return cls.deserialize(b"".join((*parts, trailing)))

    @property
    def headers(self) -> tuple[BlockHeader, ...]:
        """The headers, made anew at each call."""
        if self._has_tx_counts:
            return tuple([header for header, _ in self._entries()])
        # One unpacking for all: 2.5 times `iter_unpack` alone, where `BlockHeader.read` takes 4
        # times as long (bench/messages.py).
        entries = memoryview(self.payload)[self._start : self._end]
        return tuple(starmap(BlockHeader, _HEADER_AND_COUNT.iter_unpack(entries)))

    @property
    def tx_counts(self) -> tuple[int, ...]:
        """The count behind each header; () where all are zero, as from every honest sender."""
        return tuple([tx_count for _, tx_count in self._entries()]) if self._has_tx_counts else ()

    @property
    def trailing(self) -> bytes:
        """Bytes behind the last entry."""
        return self.payload[self._end :]

    @property
    def _has_tx_counts(self) -> bool:
        entries = self.payload[self._start : self._end]
        return any(entries[BLOCK_HEADER_LEN :: _HEADER_AND_COUNT.size])

    def _entries(self) -> Iterator[tuple[BlockHeader, int]]:
        reader = Reader(self.payload, self._start)
        for _ in range(self.count):
            yield BlockHeader.read(reader), reader.compact_size("tx_count")

    def serialize(self) -> bytes:
        """Write the payload."""
        return self.payload

    def to_json(self) -> dict[str, object]:
        """Return the headers as objects, the counts, and what stands behind them as hex."""
        return {
            "headers": [header.to_json() for header in self.headers],
            "tx_counts": list(self.tx_counts),
            "trailing": self.trailing.hex(),
        }


@dataclass(slots=True)
class _Locator(Message):
    """Base of the two messages that hold a block locator."""

    version: int
    locator: tuple[bytes, ...] = field(metadata=HASHES)
    stop_hash: bytes = field(metadata=HASH)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: The count is written too long.
            FieldTooLong: There are over 101 hashes.
        """
        reader = Reader(payload)
        version = reader.u32("version")
        count = reader.count("locator", entry_len=HASH_LEN, limit=MAX_LOCATOR_SZ)
        locator = tuple([reader.read(HASH_LEN, "locator") for _ in range(count)])
        return cls(version, locator, reader.read(HASH_LEN, "stop_hash"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        count = serialize_compact_size(len(self.locator))
        hashes = [serialize_fixed(hash_, HASH_LEN) for hash_ in (*self.locator, self.stop_hash)]
        return b"".join((_VERSION.pack(self.version), count, *hashes, self.trailing))


@dataclass(slots=True)
class GetHeaders(_Locator):
    """The `getheaders` message: asks for the headers behind the first known hash.

    Wire (little-endian):
        4   version     uint32    protocol version; not used
        ..  locator     CompactSize   at most MAX_LOCATOR_SZ (101) hashes, newest first
        each entry:
            32  hash    hash
        32  stop_hash   hash      the last one wanted; zero for as many as possible
    """

    msg_type: ClassVar[str] = MsgType.GETHEADERS.value


@dataclass(slots=True)
class GetBlocks(_Locator):
    """The `getblocks` message: asks for an `inv` of the blocks behind the first known hash.

    Wire (little-endian):
        4   version     uint32    protocol version; not used
        ..  locator     CompactSize   at most MAX_LOCATOR_SZ (101) hashes, newest first
        each entry:
            32  hash    hash
        32  stop_hash   hash      the last one wanted; zero for as many as possible
    """

    msg_type: ClassVar[str] = MsgType.GETBLOCKS.value
