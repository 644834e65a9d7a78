"""Compact blocks (BIP152): `cmpctblock`, `getblocktxn`, `blocktxn`.

(`sendcmpct`, which agrees on them, is in `preferences`.) Indexes are absolute here; on the wire
each is the distance from the one before it.

Sources: BIP152; Core's `blockencodings.h` (`DifferenceFormatter`, `CBlockHeaderAndShortTxIDs`)
and `PartiallyDownloadedBlock::InitData`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.errors import FieldTooLong, LocalProtocolError
from bitcoin_handshake.messages.base import HASH, HASHES, NONCE, Message, fields_json
from bitcoin_handshake.messages.headers import HASH_LEN, BlockHeader
from bitcoin_handshake.messages.transactions import (
    MIN_TX_LEN,
    Transaction,
    read_transactions,
    serialize_transactions,
)
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed

__all__ = [
    "MAX_TX_INDEX",
    "SHORT_ID_LEN",
    "BlockTxn",
    "CmpctBlock",
    "GetBlockTxn",
    "PrefilledTransaction",
]

SHORT_ID_LEN = 6
"""Length of a short transaction id in bytes."""
MAX_TX_INDEX = 0xFFFF
"""Upper limit of an index, and of the transactions in a compact block: Core keeps them in 16 bits."""

_NONCE = Struct("<Q")


@dataclass(slots=True)
class PrefilledTransaction:
    """A transaction that `cmpctblock` carries whole.

    Attributes:
        index: Its place in the block, 0 to 65535.
        transaction: The transaction.
    """

    index: int
    transaction: Transaction

    def to_json(self) -> dict[str, object]:
        """Return the fields."""
        return fields_json(self)


@dataclass(slots=True)
class CmpctBlock(Message):
    """The `cmpctblock` message (BIP152): a block as short ids of its transactions.

    Wire (little-endian):
        80  header      header
        8   nonce       uint64        goes into the short ids
        ..  short_ids   CompactSize
        each entry:
            6   short_id   uint48
        ..  prefilled   CompactSize
        each entry:
            ..  index         CompactSize   distance from the previous index, less one
            ..  transaction   as in `tx`

    Rejects: more than MAX_TX_INDEX (65535) transactions, an index over it.
    """

    msg_type: ClassVar[str] = MsgType.CMPCTBLOCK.value

    header: BlockHeader
    nonce: int = field(metadata=NONCE)
    short_ids: tuple[bytes, ...] = field(metadata=HASHES)
    prefilled: tuple[PrefilledTransaction, ...]
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 90 bytes.

        Raises:
            WireError: It ends early, has more than 65535 transactions or an index over 65535, or
                a transaction is malformed (see `Transaction.read`).
        """
        reader = Reader(payload)
        header = BlockHeader.read(reader)
        nonce = reader.u64("nonce")
        count = reader.count("short_ids", entry_len=SHORT_ID_LEN, limit=MAX_TX_INDEX)
        short_ids = tuple([reader.read(SHORT_ID_LEN, "short_id") for _ in range(count)])
        limit = MAX_TX_INDEX - count
        prefilled = []
        index = -1
        for _ in range(reader.count("prefilled", entry_len=1 + MIN_TX_LEN, limit=limit)):
            index = _next_index(reader, index)
            prefilled.append(PrefilledTransaction(index, Transaction.read(reader)))
        return cls(header, nonce, short_ids, tuple(prefilled), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload.

        Raises:
            LocalProtocolError: The indexes do not rise, or a hash or short id has a wrong length.
        """
        parts = [
            self.header.serialize(),
            _NONCE.pack(self.nonce),
            serialize_compact_size(len(self.short_ids)),
            *(serialize_fixed(short_id, SHORT_ID_LEN) for short_id in self.short_ids),
            serialize_compact_size(len(self.prefilled)),
        ]
        distances = _distances(entry.index for entry in self.prefilled)
        for distance, entry in zip(distances, self.prefilled, strict=True):
            parts += (distance, entry.transaction.serialize())
        return b"".join(parts) + self.trailing


@dataclass(slots=True)
class GetBlockTxn(Message):
    """The `getblocktxn` message (BIP152): asks for transactions of a block by their places.

    Wire:
        32  block_hash   hash
        ..  indexes      CompactSize
        each entry:
            ..  index   CompactSize   distance from the previous index, less one

    Rejects: an index over MAX_TX_INDEX (65535).
    """

    msg_type: ClassVar[str] = MsgType.GETBLOCKTXN.value

    block_hash: bytes = field(metadata=HASH)
    indexes: tuple[int, ...]
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 33 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: A count or distance is written too long.
            FieldTooLong: An index is over 65535, or there are more than so many can be.
        """
        reader = Reader(payload)
        block_hash = reader.read(HASH_LEN, "block_hash")
        indexes = []
        index = -1
        for _ in range(reader.count("indexes", entry_len=1, limit=MAX_TX_INDEX + 1)):
            index = _next_index(reader, index)
            indexes.append(index)
        return cls(block_hash, tuple(indexes), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload.

        Raises:
            LocalProtocolError: The indexes do not rise, or a hash or short id has a wrong length.
        """
        count = serialize_compact_size(len(self.indexes))
        block_hash = serialize_fixed(self.block_hash, HASH_LEN)
        return b"".join((block_hash, count, *_distances(self.indexes), self.trailing))


@dataclass(slots=True)
class BlockTxn(Message):
    """The `blocktxn` message (BIP152): the transactions that `getblocktxn` asked for.

    Wire:
        32  block_hash     hash
        ..  transactions   CompactSize + transactions, each as in `tx`
    """

    msg_type: ClassVar[str] = MsgType.BLOCKTXN.value

    block_hash: bytes = field(metadata=HASH)
    transactions: tuple[Transaction, ...]
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 33 bytes.

        Raises:
            WireError: It ends early, or a transaction is malformed (see `Transaction.read`).
        """
        reader = Reader(payload)
        block_hash = reader.read(HASH_LEN, "block_hash")
        return cls(block_hash, read_transactions(reader), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        block_hash = serialize_fixed(self.block_hash, HASH_LEN)
        return block_hash + serialize_transactions(self.transactions) + self.trailing


def _next_index(reader: Reader, previous: int) -> int:
    """Read a distance and return the absolute index; `previous` is -1 for the first."""
    index = previous + 1 + reader.compact_size("index", limit=MAX_TX_INDEX)
    if index > MAX_TX_INDEX:
        raise FieldTooLong(length=index, limit=MAX_TX_INDEX, field="index")
    return index


def _distances(indexes: Iterable[int]) -> list[bytes]:
    """Write absolute indexes as distances."""
    distances = []
    previous = -1
    for index in indexes:
        if index <= previous:
            raise LocalProtocolError(f"index {index} does not rise above {previous}")
        distances.append(serialize_compact_size(index - previous - 1))
        previous = index
    return distances
